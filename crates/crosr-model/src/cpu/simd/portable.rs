//! Plain Rust: 4 lanes, multiplication and addition rounded separately.

use crate::cpu::dispatch::Op;
use crate::cpu::simd::Simd;

/// Arrays of four numbers, left to the compiler.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn zip(a: [f32; 4], b: [f32; 4], f: impl Fn(f32, f32) -> f32) -> [f32; 4] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

impl Simd for Portable {
    type V = [f32; 4];
    type U = [u32; 4];
    const LANES: usize = 4;
    const ROWS: usize = 4;

    #[inline(never)]
    unsafe fn enter<O: Op>(op: O) -> O::Out {
        // SAFETY: no special instructions; the rest is the caller's promise.
        unsafe { op.run::<Portable>() }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> [f32; 4] {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> [f32; 4] {
        // SAFETY: 4 readable lanes by contract; an array of `f32` is aligned
        // as `f32` is.
        unsafe { p.cast::<[f32; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: [f32; 4]) {
        // SAFETY: 4 writable lanes by contract.
        unsafe { p.cast::<[f32; 4]>().write(v) }
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, count: usize) -> [f32; 4] {
        let mut lanes = [0.0; 4];
        // SAFETY: `count <= 4` readable lanes by contract.
        unsafe { std::ptr::copy_nonoverlapping(p, lanes.as_mut_ptr(), count) };
        lanes
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: [f32; 4], count: usize) {
        // SAFETY: `count <= 4` writable lanes by contract.
        unsafe { std::ptr::copy_nonoverlapping(v.as_ptr(), p, count) };
    }
    #[inline(always)]
    unsafe fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |x, y| x + y)
    }
    #[inline(always)]
    unsafe fn sub(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |x, y| x - y)
    }
    #[inline(always)]
    unsafe fn mul(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |x, y| x * y)
    }
    #[inline(always)]
    unsafe fn mul_add(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        zip(zip(a, b, |x, y| x * y), c, |x, y| x + y)
    }
    #[inline(always)]
    unsafe fn relu(v: [f32; 4]) -> [f32; 4] {
        v.map(|x| if x < 0.0 { 0.0 } else { x })
    }
    #[inline(always)]
    unsafe fn max(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        zip(a, b, |x, y| if x > y { x } else { y })
    }
    #[inline(always)]
    unsafe fn where_positive(gate: [f32; 4], v: [f32; 4]) -> [f32; 4] {
        zip(gate, v, |g, x| if g > 0.0 { x } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn splat_u32(x: u32) -> [u32; 4] {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn count_u32(first: u32) -> [u32; 4] {
        [0, 1, 2, 3].map(|lane| first.wrapping_add(lane))
    }
    #[inline(always)]
    unsafe fn add_u32(a: [u32; 4], b: [u32; 4]) -> [u32; 4] {
        std::array::from_fn(|i| a[i].wrapping_add(b[i]))
    }
    #[inline(always)]
    unsafe fn xor_u32(a: [u32; 4], b: [u32; 4]) -> [u32; 4] {
        std::array::from_fn(|i| a[i] ^ b[i])
    }
    #[inline(always)]
    unsafe fn rotate_u32<const LEFT: i32, const RIGHT: i32>(a: [u32; 4]) -> [u32; 4] {
        a.map(|x| (x << LEFT) | (x >> RIGHT))
    }
    #[inline(always)]
    unsafe fn where_at_least(a: [u32; 4], limit: [u32; 4], v: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if a[i] >= limit[i] { v[i] } else { 0.0 })
    }
}
