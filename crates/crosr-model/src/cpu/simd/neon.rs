//! NEON: 4 lanes, 32 registers.

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vandq_u32, vcgtq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vmaxq_f32,
    vmulq_f32, vreinterpretq_f32_u32, vreinterpretq_u32_f32, vst1q_f32, vsubq_f32,
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
    unsafe fn where_positive(gate: float32x4_t, v: float32x4_t) -> float32x4_t {
        // SAFETY: feature as above.
        unsafe {
            let positive = vcgtq_f32(gate, vdupq_n_f32(0.0));
            vreinterpretq_f32_u32(vandq_u32(positive, vreinterpretq_u32_f32(v)))
        }
    }
}
