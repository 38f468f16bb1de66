//! Vectors of `f32`, one implementation for each instruction set.

mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

pub(crate) use portable::Portable;

#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
#[cfg(target_arch = "x86_64")]
pub(crate) use {avx2::Avx2, avx512::Avx512};

use crate::cpu::dispatch::Op;

/// Repeats a block for `$i` from 0 to `$count - 1`, at most 12, in the source.
///
/// Arrays of vectors stay in registers only if every index into them is a
/// constant; the compiler's own unrolling of a loop comes too late for that.
macro_rules! unroll {
    ($i:ident < $count:expr => $body:block) => {
        unroll!(@ $i, $count, $body, 0 1 2 3 4 5 6 7 8 9 10 11)
    };
    (@ $i:ident, $count:expr, $body:block, $($k:literal)*) => {{
        const { assert!($count <= 12) };
        $(
            if $k < $count {
                let $i = $k;
                $body
            }
        )*
    }};
}
pub(crate) use unroll;

/// A vector of `LANES` single-precision numbers and its arithmetic.
///
/// # Safety
/// Every function needs a machine with the instructions of the implementing
/// type, and is meant to be inlined into a function compiled for them, which
/// [`Simd::enter`] is. Pointers must be valid for the lanes they are used for;
/// no alignment is asked.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// One vector.
    type V: Copy;
    /// One vector of as many 32-bit integers.
    type U: Copy;
    /// Numbers in a vector.
    const LANES: usize;
    /// Rows of the register block of a matrix product, two vectors wide.
    const ROWS: usize;

    /// Runs `op` inside a function compiled for these instructions.
    unsafe fn enter<O: Op>(op: O) -> O::Out;

    /// `x` in every lane.
    unsafe fn splat(x: f32) -> Self::V;
    /// All lanes from memory.
    unsafe fn load(p: *const f32) -> Self::V;
    /// All lanes to memory.
    unsafe fn store(p: *mut f32, v: Self::V);
    /// The first `count` lanes from memory, zero beyond; `count <= LANES`.
    unsafe fn load_part(p: *const f32, count: usize) -> Self::V;
    /// The first `count` lanes to memory; `count <= LANES`.
    unsafe fn store_part(p: *mut f32, v: Self::V, count: usize);
    /// Asks for the cache line at `p`, which need not be valid; may do nothing.
    #[inline(always)]
    fn prefetch(_p: *const f32) {}
    /// `a + b`.
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`.
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`.
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the instruction set can.
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `max(v, 0)`; a NaN stays NaN.
    unsafe fn relu(v: Self::V) -> Self::V;
    /// The larger of each pair of lanes; either one where a lane is a NaN.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// Lanes of `v` where `gate` is positive, zero elsewhere.
    unsafe fn where_positive(gate: Self::V, v: Self::V) -> Self::V;

    /// `x` in every lane.
    unsafe fn splat_u32(x: u32) -> Self::U;
    /// `first`, `first + 1`, ...
    unsafe fn count_u32(first: u32) -> Self::U;
    /// `a + b`, modulo 2^32.
    unsafe fn add_u32(a: Self::U, b: Self::U) -> Self::U;
    /// Bitwise `a ^ b`.
    unsafe fn xor_u32(a: Self::U, b: Self::U) -> Self::U;
    /// Each lane turned left by `LEFT` bits; `RIGHT = 32 - LEFT`, neither 0.
    unsafe fn rotate_u32<const LEFT: i32, const RIGHT: i32>(a: Self::U) -> Self::U;
    /// Lanes of `v` where `a >= limit`, zero elsewhere.
    unsafe fn where_at_least(a: Self::U, limit: Self::U, v: Self::V) -> Self::V;
}
