//! Choice of the instruction set, once per call, at run time.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::cpu::simd::{Portable, Simd};

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Path {
    /// 16 lanes, fused multiply-add, 32 registers (x86-64 with F, VL, BW and DQ).
    Avx512,
    /// 8 lanes, fused multiply-add (x86-64).
    Avx2,
    /// 4 lanes, fused multiply-add (aarch64).
    Neon,
    /// 4 lanes of plain Rust; any machine.
    Portable,
}

thread_local! {
    static FORCED: Cell<Option<Path>> = const { Cell::new(None) };
}

/// The paths that this machine can run, the preferred one first.
pub fn available_paths() -> &'static [Path] {
    static PATHS: OnceLock<Vec<Path>> = OnceLock::new();
    PATHS.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Vec<Path> {
    let mut paths = Vec::new();
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    if avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
    {
        paths.push(Path::Avx512);
    }
    if avx2 {
        paths.push(Path::Avx2);
    }
    paths.push(Path::Portable);
    paths
}

#[cfg(target_arch = "aarch64")]
fn detect() -> Vec<Path> {
    let mut paths = Vec::new();
    if std::arch::is_aarch64_feature_detected!("neon") {
        paths.push(Path::Neon);
    }
    paths.push(Path::Portable);
    paths
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect() -> Vec<Path> {
    vec![Path::Portable]
}

/// Runs `work` with the kernels that this thread calls held to `path`.
///
/// For tests and measurements. The choice belongs to the calling thread: a
/// kernel reads it on entry and carries it into its parallel parts.
///
/// # Panics
/// If this machine cannot run `path`.
pub fn with_path<R>(path: Path, work: impl FnOnce() -> R) -> R {
    assert!(
        available_paths().contains(&path),
        "this machine cannot run {path:?}"
    );
    struct Restore(Option<Path>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(path)));
    work()
}

/// The path that the calling thread's kernels take.
pub(crate) fn current() -> Path {
    FORCED.get().unwrap_or_else(|| available_paths()[0])
}

impl Path {
    /// Lanes of one vector.
    pub(crate) fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => crate::cpu::simd::Avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => crate::cpu::simd::Avx2::LANES,
            #[cfg(target_arch = "aarch64")]
            Path::Neon => crate::cpu::simd::Neon::LANES,
            _ => Portable::LANES,
        }
    }
}

/// A piece of work that is compiled once for every instruction set.
pub(crate) trait Op {
    /// What the work returns.
    type Out;

    /// Does the work with the instructions of `S`.
    ///
    /// # Safety
    /// The caller is compiled for `S` (only [`Simd::enter`] calls this), and
    /// whatever the implementing type demands of its fields holds.
    unsafe fn run<S: Simd>(self) -> Self::Out;
}

/// Runs `op` on `path`.
///
/// # Safety
/// What `O` demands of its fields holds. `path` comes from [`current`], so the
/// machine has its instructions.
#[inline]
pub(crate) unsafe fn dispatch<O: Op>(path: Path, op: O) -> O::Out {
    // SAFETY: the machine was asked for these features before `path` could
    // take this value; the rest is the caller's promise.
    unsafe {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => crate::cpu::simd::Avx512::enter(op),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => crate::cpu::simd::Avx2::enter(op),
            #[cfg(target_arch = "aarch64")]
            Path::Neon => crate::cpu::simd::Neon::enter(op),
            _ => Portable::enter(op),
        }
    }
}
