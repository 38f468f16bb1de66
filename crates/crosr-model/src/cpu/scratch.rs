//! Buffers that outlive the call that needed them, so that steps allocate nothing.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use crate::sync::locked;

/// One cache line, which is also one vector of the widest path.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Buffers at rest, handed out again by size.
static IDLE: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());
/// Cache lines (256 MiB) of idle buffers that are kept; more are freed. Twice
/// what a training step of the full-width network turns over.
const KEPT: usize = 4 << 20;

/// A buffer of `f32`, aligned to a cache line, with arbitrary contents.
///
/// It returns to the pool when dropped.
pub(crate) struct Scratch {
    lines: Vec<Line>,
    len: usize,
}

/// A buffer of at least `len` numbers whose contents are left over from earlier use.
pub(crate) fn scratch(len: usize) -> Scratch {
    let wanted = len.div_ceil(16);
    let mut idle = locked(&IDLE);
    // The smallest that fits, and none much too large, so that a large buffer
    // is not spent on a small need.
    let fit = (0..idle.len())
        .filter(|&i| idle[i].len() >= wanted && idle[i].len() <= 4 * wanted.max(64))
        .min_by_key(|&i| idle[i].len());
    let lines = match fit {
        Some(i) => idle.swap_remove(i),
        None => {
            drop(idle);
            // Few different sizes, so that operators share buffers: the next
            // multiple of an eighth of a power of two.
            let step = (wanted.next_power_of_two() / 16).max(1);
            vec![Line([0.0; 16]); wanted.next_multiple_of(step)]
        }
    };
    Scratch { lines, len }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let mut idle = locked(&IDLE);
        let kept: usize = idle.iter().map(Vec::len).sum();
        if kept + lines.len() <= KEPT {
            idle.push(lines);
        }
    }
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `len` initialised numbers, without
        // padding between them (`Line` is `repr(C)`, 64 bytes of `f32`).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as for `deref`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// A mutable slice that parallel tasks write disjoint parts of.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    start: *mut f32,
    len: usize,
}

// SAFETY: the pointer is only used through `part` and `at`, whose callers
// promise that no two tasks touch the same element.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// Shares `slice` until the tasks end.
    pub(crate) fn new(slice: &mut [f32]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
        }
    }

    /// The elements from `from` on, `len` of them.
    ///
    /// # Safety
    /// The slice outlives the use, and no other task touches these elements
    /// meanwhile.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, from: usize, len: usize) -> &mut [f32] {
        assert!(from + len <= self.len);
        // SAFETY: inside the slice by the assertion; unique by the contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }

    /// A pointer to the element `from`.
    pub(crate) fn at(&self, from: usize) -> *mut f32 {
        assert!(from <= self.len);
        // SAFETY: inside the slice, or one past its end.
        unsafe { self.start.add(from) }
    }
}
