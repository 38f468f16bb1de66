//! AVX-512: 16 lanes, 32 registers, masked loads and stores.

use std::arch::x86_64::{
    __m512, __m512i, __mmask16, _CMP_GT_OQ, _MM_HINT_T1, _mm_prefetch, _mm512_add_epi32,
    _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_cmpge_epu32_mask, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_maskz_mov_ps, _mm512_max_ps,
    _mm512_mul_ps, _mm512_rol_epi32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_setzero_ps, _mm512_storeu_ps, _mm512_sub_ps, _mm512_xor_si512,
};

use crate::cpu::dispatch::Op;
use crate::cpu::simd::Simd;

/// The 512-bit instructions of x86-64.
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
#[inline(never)]
unsafe fn enter<O: Op>(op: O) -> O::Out {
    // SAFETY: this function is compiled for the features; the rest is the
    // caller's promise.
    unsafe { op.run::<Avx512>() }
}

#[inline(always)]
fn mask(count: usize) -> __mmask16 {
    debug_assert!(count <= 16);
    ((1u32 << count) - 1) as __mmask16
}

// SAFETY of the blocks below: the trait's contract, handed on unchanged.
impl Simd for Avx512 {
    type V = __m512;
    type U = __m512i;
    const LANES: usize = 16;
    const ROWS: usize = 12;

    unsafe fn enter<O: Op>(op: O) -> O::Out {
        // SAFETY: `dispatch` has asked the machine for the features.
        unsafe { enter(op) }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        // SAFETY: features as above.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        // SAFETY: 16 readable lanes by contract.
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m512) {
        // SAFETY: 16 writable lanes by contract.
        unsafe { _mm512_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, count: usize) -> __m512 {
        // SAFETY: masked lanes are not touched.
        unsafe { _mm512_maskz_loadu_ps(mask(count), p) }
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: __m512, count: usize) {
        // SAFETY: masked lanes are not touched.
        unsafe { _mm512_mask_storeu_ps(p, mask(count), v) }
    }
    #[inline(always)]
    fn prefetch(p: *const f32) {
        // SAFETY: a prefetch of any address has no effect but on the caches.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        // SAFETY: features as above.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        // SAFETY: features as above.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        // SAFETY: features as above.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: features as above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn relu(v: __m512) -> __m512 {
        // SAFETY: features as above. The second operand comes back for a NaN.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), v) }
    }
    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        // SAFETY: features as above.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn where_positive(gate: __m512, v: __m512) -> __m512 {
        // SAFETY: features as above.
        unsafe {
            let positive = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(gate, _mm512_setzero_ps());
            _mm512_maskz_mov_ps(positive, v)
        }
    }
    #[inline(always)]
    unsafe fn splat_u32(x: u32) -> __m512i {
        // SAFETY: features as above.
        unsafe { _mm512_set1_epi32(x as i32) }
    }
    #[inline(always)]
    unsafe fn count_u32(first: u32) -> __m512i {
        // SAFETY: features as above.
        unsafe {
            let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            _mm512_add_epi32(_mm512_set1_epi32(first as i32), lanes)
        }
    }
    #[inline(always)]
    unsafe fn add_u32(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: features as above.
        unsafe { _mm512_add_epi32(a, b) }
    }
    #[inline(always)]
    unsafe fn xor_u32(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: features as above.
        unsafe { _mm512_xor_si512(a, b) }
    }
    #[inline(always)]
    unsafe fn rotate_u32<const LEFT: i32, const RIGHT: i32>(a: __m512i) -> __m512i {
        // SAFETY: features as above.
        unsafe { _mm512_rol_epi32::<LEFT>(a) }
    }
    #[inline(always)]
    unsafe fn where_at_least(a: __m512i, limit: __m512i, v: __m512) -> __m512 {
        // SAFETY: features as above.
        unsafe { _mm512_maskz_mov_ps(_mm512_cmpge_epu32_mask(a, limit), v) }
    }
}
