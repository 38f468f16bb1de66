//! NEON: 4 lanes, 32 registers.

use std::arch::aarch64::{
    float32x4_t, uint32x4_t, vaddq_f32, vaddq_u32, vandq_u32, vcgeq_u32, vcgtq_f32, vdupq_n_f32,
    vdupq_n_u32, veorq_u32, vfmaq_f32, vld1q_f32, vld1q_u32, vmaxq_f32, vmulq_f32, vorrq_u32,
    vreinterpretq_f32_u32, vreinterpretq_u32_f32, vshlq_n_u32, vshrq_n_u32, vst1q_f32, vsubq_f32,
};

use crate::cpu::dispatch::Op;
use crate::cpu::simd::Simd;

/// The 128-bit instructions of aarch64.
#[derive(Clone, Copy)]
pub(crate) struct Neon;

#[target_feature(enable = "neon")]
#[inline(never)]
unsafe fn enter<O: Op>(op: O) -> O::Out {
    // SAFETY: this function is compiled for the feature; the rest is the
    // caller's promise.
    unsafe { op.run::<Neon>() }
}

// SAFETY of the blocks below: the trait's contract, handed on unchanged.
impl Simd for Neon {
    type V = float32x4_t;
    type U = uint32x4_t;
    const LANES: usize = 4;
    const ROWS: usize = 12;

    unsafe fn enter<O: Op>(op: O) -> O::Out {
        // SAFETY: `dispatch` has asked the machine for the feature.
        unsafe { enter(op) }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> float32x4_t {
        // SAFETY: feature as above.
        unsafe { vdupq_n_f32(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> float32x4_t {
        // SAFETY: 4 readable lanes by contract.
        unsafe { vld1q_f32(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: float32x4_t) {
        // SAFETY: 4 writable lanes by contract.
        unsafe { vst1q_f32(p, v) }
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, count: usize) -> float32x4_t {
        let mut lanes = [0.0f32; 4];
        // SAFETY: `count <= 4` readable lanes by contract.
        unsafe {
            std::ptr::copy_nonoverlapping(p, lanes.as_mut_ptr(), count);
            vld1q_f32(lanes.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: float32x4_t, count: usize) {
        let mut lanes = [0.0f32; 4];
        // SAFETY: `count <= 4` writable lanes by contract.
        unsafe {
            vst1q_f32(lanes.as_mut_ptr(), v);
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), p, count);
        }
    }
    #[inline(always)]
    unsafe fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: feature as above.
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: feature as above.
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: feature as above.
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: feature as above.
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    unsafe fn relu(v: float32x4_t) -> float32x4_t {
        // SAFETY: feature as above. This maximum keeps a NaN.
        unsafe { vmaxq_f32(vdupq_n_f32(0.0), v) }
    }
    #[inline(always)]
    unsafe fn max(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: feature as above.
        unsafe { vmaxq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn where_positive(gate: float32x4_t, v: float32x4_t) -> float32x4_t {
        // SAFETY: feature as above.
        unsafe {
            let positive = vcgtq_f32(gate, vdupq_n_f32(0.0));
            vreinterpretq_f32_u32(vandq_u32(positive, vreinterpretq_u32_f32(v)))
        }
    }
    #[inline(always)]
    unsafe fn splat_u32(x: u32) -> uint32x4_t {
        // SAFETY: feature as above.
        unsafe { vdupq_n_u32(x) }
    }
    #[inline(always)]
    unsafe fn count_u32(first: u32) -> uint32x4_t {
        // SAFETY: feature as above; four readable lanes.
        unsafe { vaddq_u32(vdupq_n_u32(first), vld1q_u32([0, 1, 2, 3].as_ptr())) }
    }
    #[inline(always)]
    unsafe fn add_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        // SAFETY: feature as above.
        unsafe { vaddq_u32(a, b) }
    }
    #[inline(always)]
    unsafe fn xor_u32(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        // SAFETY: feature as above.
        unsafe { veorq_u32(a, b) }
    }
    #[inline(always)]
    unsafe fn rotate_u32<const LEFT: i32, const RIGHT: i32>(a: uint32x4_t) -> uint32x4_t {
        // SAFETY: feature as above.
        unsafe { vorrq_u32(vshlq_n_u32::<LEFT>(a), vshrq_n_u32::<RIGHT>(a)) }
    }
    #[inline(always)]
    unsafe fn where_at_least(a: uint32x4_t, limit: uint32x4_t, v: float32x4_t) -> float32x4_t {
        // SAFETY: feature as above.
        unsafe { vreinterpretq_f32_u32(vandq_u32(vcgeq_u32(a, limit), vreinterpretq_u32_f32(v))) }
    }
}
