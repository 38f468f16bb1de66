//! Sums over all training rows, in parallel and always in the same order.

use nalgebra::DMatrix;
use rayon::prelude::*;

/// Σ (x − c)(x − c)ᵀ over the rows, where `centred` writes x − c of a row.
///
/// Rows are cut into pieces by their number alone, and the pieces' sums are added in order, so
/// that the result does not depend on the threads.
pub(super) fn scatter(
    n_samples: usize,
    dim: usize,
    centred: impl Fn(usize, &mut [f64]) + Sync,
) -> DMatrix<f64> {
    let piece = n_samples.div_ceil(64).max(512);
    let starts: Vec<usize> = (0..n_samples).step_by(piece).collect();
    let sums: Vec<DMatrix<f64>> = starts
        .into_par_iter()
        .map(|start| {
            let mut sum = DMatrix::zeros(dim, dim);
            // Column per sample, as many as stay in the cache.
            for from in (start..n_samples.min(start + piece)).step_by(256) {
                let n = 256.min(n_samples.min(start + piece) - from);
                let mut columns = DMatrix::zeros(dim, n);
                for (i, column) in columns.as_mut_slice().chunks_exact_mut(dim).enumerate() {
                    centred(from + i, column);
                }
                sum.gemm(1.0, &columns, &columns.transpose(), 1.0);
            }
            sum
        })
        .collect();
    sums.iter()
        .fold(DMatrix::zeros(dim, dim), |all, sum| all + sum)
}

/// Σ a_i b_i.
pub(super) fn dot(a: impl Iterator<Item = f64>, b: &[f64]) -> f64 {
    a.zip(b).map(|(a, b)| a * b).sum()
}
