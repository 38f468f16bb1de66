//! Distance to the nearest class mean under one covariance.

use nalgebra::DMatrix;

use super::moments::{dot, scatter};
use super::{Columns, Detector, FeatureTable, SampleView, missing, same_shape, unfit};
use crate::error::Result;

/// The ridge on the covariance's diagonal, as a part of the mean variance.
const RIDGE: f64 = 1e-6;

/// min_c (x − μ_c)ᵀ (Σ + r I)⁻¹ (x − μ_c).
#[derive(Debug)]
pub(super) struct Mahalanobis {
    name: String,
    columns: Columns,
    dim: usize,
    n_classes: usize,
    /// The mean of all samples, subtracted first to keep digits.
    mean: Vec<f64>,
    /// L⁻¹ of Σ + r I = L Lᵀ, row after row, of each the part up to the diagonal.
    whiten: Vec<f64>,
    /// L⁻ᵀ L⁻¹ (μ_c − mean) and (μ_c − mean)ᵀ of it, per class that has samples.
    classes: Vec<(Vec<f64>, f64)>,
}

impl Mahalanobis {
    pub(super) fn fit(name: String, columns: Columns, train: &FeatureTable<'_>) -> Result<Self> {
        let labels = train.labels().ok_or_else(|| missing(&name, "labels"))?;
        let d = columns.of(train.at(0)).len();
        if d == 0 {
            return Err(missing(&name, "latents"));
        }
        let n = train.n_samples() as f64;
        let mut counts = vec![0_u64; train.n_classes()];
        let mut means = vec![vec![0.0; d]; train.n_classes()];
        for (sample, &label) in train.samples().zip(labels) {
            counts[label] += 1;
            let values = columns.of(sample).iter();
            values
                .zip(&mut means[label])
                .for_each(|(&v, m)| *m += f64::from(v));
        }
        let mean: Vec<f64> = (0..d)
            .map(|j| means.iter().map(|sums| sums[j]).sum::<f64>() / n)
            .collect();
        for (sums, &count) in means.iter_mut().zip(&counts) {
            sums.iter_mut().for_each(|sum| *sum /= count.max(1) as f64);
        }
        let mut covariance = scatter(train.n_samples(), d, |i, out| {
            let values = columns.of(train.at(i)).iter().zip(&means[labels[i]]);
            out.iter_mut()
                .zip(values)
                .for_each(|(o, (&v, m))| *o = f64::from(v) - m);
        }) / n;
        let ridge = RIDGE * covariance.trace() / d as f64;
        (0..d).for_each(|j| covariance[(j, j)] += ridge);
        let singular = || {
            unfit(&name, "the samples of each class are all alike, there is no covariance; give samples that differ".to_owned())
        };
        if ridge <= 0.0 {
            return Err(singular());
        }
        let factor = covariance.cholesky().ok_or_else(singular)?;
        let inverse = factor.l().solve_lower_triangular(&DMatrix::identity(d, d));
        let inverse = inverse.ok_or_else(singular)?;
        let whiten = (0..d).flat_map(|i| (0..=i).map(move |j| (i, j)));
        let whiten = whiten.map(|at| inverse[at]).collect();
        let mut classes = Vec::new();
        for (class_mean, _) in means.iter().zip(&counts).filter(|(_, count)| **count > 0) {
            let centred = class_mean.iter().zip(&mean).map(|(c, m)| c - m);
            let z = &inverse * DMatrix::from_iterator(d, 1, centred);
            let direction = inverse.tr_mul(&z);
            classes.push((direction.as_slice().to_vec(), z.norm_squared()));
        }
        Ok(Self {
            name,
            columns,
            dim: train.dim(),
            n_classes: train.n_classes(),
            mean,
            whiten,
            classes,
        })
    }
}

impl Detector for Mahalanobis {
    fn name(&self) -> &str {
        &self.name
    }

    /// ‖L⁻¹x‖² + min_c (‖L⁻¹μ_c‖² − 2 x·(Σ⁻¹μ_c)): one quadratic form for all classes.
    fn score(&self, sample: SampleView<'_>) -> Result<f64> {
        same_shape(&self.name, sample, (Some(self.dim), self.n_classes))?;
        let values = self.columns.of(sample);
        let centred = || {
            values
                .iter()
                .zip(&self.mean)
                .map(|(&v, m)| f64::from(v) - m)
        };
        let (mut norm, mut rest) = (0.0, self.whiten.as_slice());
        for i in 1..=values.len() {
            let (row, after) = rest.split_at(i);
            norm += dot(centred(), row).powi(2);
            rest = after;
        }
        let terms = self.classes.iter();
        let terms = terms.map(|(direction, square)| square - 2.0 * dot(centred(), direction));
        Ok((norm + terms.fold(f64::INFINITY, f64::min)).max(0.0))
    }
}
