//! Distance to the k-th nearest training sample, exact and in blocks.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::{Detector, FeatureTable, SampleView, same_shape, unfit};
use crate::error::Result;

/// Queries and training samples of a block: its products stay in the second-level cache.
const QUERIES: usize = 128;
const TRAINING: usize = 1024;

/// ‖x/‖x‖ − t/‖t‖‖ to the k-th nearest t; a zero row stays zero.
///
/// Products in f32 find the candidates, all within their error bound of the k-th; distances in
/// f64 decide among these. So the blocks' order of summation leaves no trace in the result.
#[derive(Debug)]
pub(super) struct Knn {
    name: String,
    k: usize,
    dim: usize,
    n_classes: usize,
    /// Unit rows and −‖t‖²/2 in a last column, `[N, D + 1]`: against a query that ends in 1 the
    /// product ranks by distance even where rows are zero.
    training: DMatrix<f32>,
    /// The rows as given, and one over their norms.
    rows: Vec<f32>,
    scales: Vec<f64>,
}

impl Knn {
    pub(super) fn fit(name: String, k: usize, train: &FeatureTable<'_>) -> Result<Self> {
        let n = train.n_samples();
        if k == 0 || k > n {
            return Err(unfit(
                &name,
                format!(
                    "the {k}th nearest of {n} training samples is asked for; choose k from 1 to {n}"
                ),
            ));
        }
        let dim = train.dim();
        let scales: Vec<f64> = train.samples().map(|s| inverse_norm(s.row())).collect();
        let mut training = DMatrix::zeros(n, dim + 1);
        for (i, (sample, &scale)) in train.samples().zip(&scales).enumerate() {
            for (j, &v) in sample.row().iter().enumerate() {
                training[(i, j)] = (f64::from(v) * scale) as f32;
            }
            training[(i, dim)] = if scale > 0.0 { -0.5 } else { 0.0 };
        }
        Ok(Self {
            name,
            k,
            dim,
            n_classes: train.n_classes(),
            training,
            rows: train.rows().to_vec(),
            scales,
        })
    }

    /// Squared distance between unit rows, summed in f64.
    fn squared(&self, row: &[f32], scale: f64, index: usize) -> f64 {
        let other = &self.rows[index * self.dim..(index + 1) * self.dim];
        let pairs = row.iter().zip(other);
        let difference = |(&a, &b)| f64::from(a) * scale - f64::from(b) * self.scales[index];
        pairs.map(|pair| f64::powi(difference(pair), 2)).sum()
    }

    /// Twice what a product can be off: (D + 1) roundings of terms that sum to 3/2 in size at most,
    /// and those of the unit rows themselves, with as much again to spare.
    fn margin(&self) -> f32 {
        4.0 * (self.dim as f32 + 8.0) * f32::EPSILON
    }

    fn block(&self, rows: &[f32]) -> Vec<f64> {
        let (dim, n) = (self.dim, self.scales.len());
        let count = rows.len() / dim;
        let scales: Vec<f64> = rows.chunks_exact(dim).map(inverse_norm).collect();
        let mut queries = DMatrix::from_element(dim + 1, count, 1.0_f32);
        for (i, row) in rows.chunks_exact(dim).enumerate() {
            for (j, &v) in row.iter().enumerate() {
                queries[(j, i)] = (f64::from(v) * scales[i]) as f32;
            }
        }
        let mut nearest: Vec<Candidates> = (0..count).map(|_| Candidates::new(self.k)).collect();
        let mut products = DMatrix::zeros(TRAINING.min(n), count);
        for start in (0..n).step_by(TRAINING) {
            let height = TRAINING.min(n - start);
            let mut view = products.rows_mut(0, height);
            view.gemm(1.0, &self.training.rows(start, height), &queries, 0.0);
            let columns = products.as_slice().chunks_exact(TRAINING.min(n));
            for (column, nearest) in columns.zip(&mut nearest) {
                nearest.add(start, &column[..height], self.k, self.margin());
            }
        }
        let rows = rows.chunks_exact(dim).zip(&scales);
        let pairs = rows.zip(nearest);
        pairs
            .map(|((row, &scale), mut nearest)| {
                nearest.prune(self.k, self.margin());
                let found = nearest.found.iter();
                let mut squares: Vec<f64> =
                    found.map(|&(_, i)| self.squared(row, scale, i)).collect();
                let (_, kth, _) = squares.select_nth_unstable_by(self.k - 1, f64::total_cmp);
                kth.sqrt()
            })
            .collect()
    }
}

impl Detector for Knn {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(&self, sample: SampleView<'_>) -> Result<f64> {
        same_shape(&self.name, sample, (Some(self.dim), self.n_classes))?;
        Ok(self.block(sample.row())[0])
    }

    fn scores(&self, table: &FeatureTable<'_>) -> Result<Vec<f64>> {
        same_shape(&self.name, table.at(0), (Some(self.dim), self.n_classes))?;
        let blocks = table.rows().par_chunks(QUERIES * self.dim);
        let scores: Vec<Vec<f64>> = blocks.map(|rows| self.block(rows)).collect();
        Ok(scores.concat())
    }
}

/// Training samples that may be among the k nearest, by product and position.
struct Candidates {
    found: Vec<(f32, usize)>,
    /// Products below it are out.
    least: f32,
    /// Length at which to look through them again.
    full: usize,
}

impl Candidates {
    fn new(k: usize) -> Self {
        Self {
            found: Vec::new(),
            least: f32::NEG_INFINITY,
            full: k.saturating_mul(2).max(64),
        }
    }

    fn add(&mut self, start: usize, products: &[f32], k: usize, margin: f32) {
        for (i, &product) in products.iter().enumerate() {
            if product >= self.least {
                self.found.push((product, start + i));
                if self.found.len() >= self.full {
                    self.prune(k, margin);
                    // Many may lie within the margin: look again only when there are twice as many.
                    self.full = self.full.max(self.found.len() * 2);
                }
            }
        }
    }

    /// Keeps what lies no further than the margin below the k-th largest product.
    fn prune(&mut self, k: usize, margin: f32) {
        let descending = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0);
        let (_, kth, _) = self.found.select_nth_unstable_by(k - 1, descending);
        self.least = kth.0 - margin;
        let least = self.least;
        self.found.retain(|&(product, _)| product >= least);
    }
}

/// 1 / ‖row‖, 0 for a zero row.
fn inverse_norm(row: &[f32]) -> f64 {
    let norm = row
        .iter()
        .map(|&v| f64::from(v).powi(2))
        .sum::<f64>()
        .sqrt();
    if norm > 0.0 { norm.recip() } else { 0.0 }
}
