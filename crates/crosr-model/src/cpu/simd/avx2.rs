//! AVX2 with fused multiply-add: 8 lanes, 16 registers.

use std::arch::x86_64::{
    __m256, __m256i, _CMP_GT_OQ, _MM_HINT_T1, _mm_prefetch, _mm256_add_epi32, _mm256_add_ps,
    _mm256_and_ps, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cmpeq_epi32, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_max_epu32,
    _mm256_max_ps, _mm256_mul_ps, _mm256_or_si256, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setr_epi32, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_storeu_ps,
    _mm256_sub_ps, _mm256_xor_si256,
};

use crate::cpu::dispatch::Op;
use crate::cpu::simd::Simd;

/// The 256-bit instructions of x86-64 with fused multiply-add.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

#[target_feature(enable = "avx2,fma")]
#[inline(never)]
unsafe fn enter<O: Op>(op: O) -> O::Out {
    // SAFETY: this function is compiled for the features; the rest is the
    // caller's promise.
    unsafe { op.run::<Avx2>() }
}

/// Eight entries of -1, then eight of 0: a window on it is a mask.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
unsafe fn mask(count: usize) -> __m256i {
    debug_assert!(count <= 8);
    // SAFETY: `count <= 8`, so the window of eight lies inside the table.
    unsafe { _mm256_loadu_si256(MASKS.as_ptr().add(8 - count).cast()) }
}

// SAFETY of the blocks below: the trait's contract, handed on unchanged.
impl Simd for Avx2 {
    type V = __m256;
    type U = __m256i;
    const LANES: usize = 8;
    const ROWS: usize = 6;

    unsafe fn enter<O: Op>(op: O) -> O::Out {
        // SAFETY: `dispatch` has asked the machine for the features.
        unsafe { enter(op) }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> __m256 {
        // SAFETY: features as above.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m256 {
        // SAFETY: 8 readable lanes by contract.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m256) {
        // SAFETY: 8 writable lanes by contract.
        unsafe { _mm256_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, count: usize) -> __m256 {
        // SAFETY: masked lanes are not touched.
        unsafe { _mm256_maskload_ps(p, mask(count)) }
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: __m256, count: usize) {
        // SAFETY: masked lanes are not touched.
        unsafe { _mm256_maskstore_ps(p, mask(count), v) }
    }
    #[inline(always)]
    fn prefetch(p: *const f32) {
        // SAFETY: a prefetch of any address has no effect but on the caches.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }
    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        // SAFETY: features as above.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: __m256, b: __m256) -> __m256 {
        // SAFETY: features as above.
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        // SAFETY: features as above.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: features as above.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn relu(v: __m256) -> __m256 {
        // SAFETY: features as above. The second operand comes back for a NaN.
        unsafe { _mm256_max_ps(_mm256_setzero_ps(), v) }
    }
    #[inline(always)]
    unsafe fn max(a: __m256, b: __m256) -> __m256 {
        // SAFETY: features as above.
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn where_positive(gate: __m256, v: __m256) -> __m256 {
        // SAFETY: features as above.
        unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(gate, _mm256_setzero_ps()), v) }
    }
    #[inline(always)]
    unsafe fn splat_u32(x: u32) -> __m256i {
        // SAFETY: features as above.
        unsafe { _mm256_set1_epi32(x as i32) }
    }
    #[inline(always)]
    unsafe fn count_u32(first: u32) -> __m256i {
        // SAFETY: features as above.
        unsafe {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_add_epi32(_mm256_set1_epi32(first as i32), lanes)
        }
    }
    #[inline(always)]
    unsafe fn add_u32(a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: features as above.
        unsafe { _mm256_add_epi32(a, b) }
    }
    #[inline(always)]
    unsafe fn xor_u32(a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: features as above.
        unsafe { _mm256_xor_si256(a, b) }
    }
    #[inline(always)]
    unsafe fn rotate_u32<const LEFT: i32, const RIGHT: i32>(a: __m256i) -> __m256i {
        // SAFETY: features as above.
        unsafe { _mm256_or_si256(_mm256_slli_epi32::<LEFT>(a), _mm256_srli_epi32::<RIGHT>(a)) }
    }
    #[inline(always)]
    unsafe fn where_at_least(a: __m256i, limit: __m256i, v: __m256) -> __m256 {
        // SAFETY: features as above.
        unsafe {
            let reached = _mm256_cmpeq_epi32(_mm256_max_epu32(a, limit), a);
            _mm256_and_ps(_mm256_castsi256_ps(reached), v)
        }
    }
}
