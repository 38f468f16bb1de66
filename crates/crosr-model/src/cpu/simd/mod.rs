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
    /// Lanes of `v` where `gate` is positive, zero elsewhere.
    unsafe fn where_positive(gate: Self::V, v: Self::V) -> Self::V;
}
