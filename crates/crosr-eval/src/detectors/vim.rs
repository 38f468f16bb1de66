//! Virtual-logit matching.

use nalgebra::SymmetricEigen;

use super::logits::{log_sum_exp, max_logit};
use super::moments::{dot, scatter};
use super::{Detector, FeatureTable, SampleView, missing, same_shape, unfit};
use crate::error::Result;

/// α ‖Rᵀ(x − mean)‖ − ln Σ e^{l_k}.
#[derive(Debug)]
pub(super) struct Vim {
    name: String,
    dim: usize,
    n_classes: usize,
    mean: Vec<f64>,
    /// R: the directions outside the principal subspace, one after the other.
    residual: Vec<f64>,
    /// Mean maximum logit over mean residual norm.
    alpha: f64,
}

impl Vim {
    pub(super) fn fit(
        name: String,
        dimension: Option<usize>,
        train: &FeatureTable<'_>,
    ) -> Result<Self> {
        let d = train.dim() - train.n_classes();
        if d == 0 {
            return Err(missing(&name, "latents"));
        }
        if let Some(principal) = dimension.filter(|&principal| principal >= d) {
            return Err(unfit(
                &name,
                format!(
                    "a principal subspace of {principal} dimensions leaves no residual of {d} latents; ask for fewer than {d}"
                ),
            ));
        }
        let n = train.n_samples();
        let mut mean = vec![0.0; d];
        for sample in train.samples() {
            let values = sample.latents().iter();
            values.zip(&mut mean).for_each(|(&v, m)| *m += f64::from(v));
        }
        mean.iter_mut().for_each(|sum| *sum /= n as f64);
        let covariance = scatter(n, d, |i, out| {
            let values = train.at(i).latents().iter().zip(&mean);
            out.iter_mut()
                .zip(values)
                .for_each(|(o, (&v, m))| *o = f64::from(v) - m);
        }) / n as f64;
        let scale = covariance.trace();
        let eigen = SymmetricEigen::try_new(covariance, f64::EPSILON, 10_000).ok_or_else(|| {
            unfit(
                &name,
                "the latents' covariance has no eigenvectors within 10000 steps; scale the latents"
                    .to_owned(),
            )
        })?;
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        // What is left after rounding is no direction: latents that are always zero have none.
        let is_there = |&&j: &&usize| eigen.eigenvalues[j] > 1e-12 * scale;
        let principal = dimension.unwrap_or(order.iter().filter(is_there).count() / 2);
        let rest = &order[principal..];
        let outside: f64 = rest.iter().map(|&j| eigen.eigenvalues[j].max(0.0)).sum();
        if outside <= 1e-12 * scale {
            return Err(unfit(
                &name,
                format!(
                    "the training latents lie in their principal subspace of {principal} dimensions; ask for fewer"
                ),
            ));
        }
        let columns = rest.iter().map(|&j| eigen.eigenvectors.column(j));
        let residual = columns.flat_map(|c| c.iter().copied().collect::<Vec<_>>());
        let mut vim = Self {
            residual: residual.collect(),
            name,
            dim: train.dim(),
            n_classes: train.n_classes(),
            mean,
            alpha: 0.0,
        };
        let norms: f64 = train
            .samples()
            .map(|sample| vim.residual_norm(sample))
            .sum();
        vim.alpha = train.samples().map(max_logit).sum::<f64>() / norms;
        if vim.alpha <= 0.0 {
            return Err(unfit(&vim.name, "the mean maximum logit is not positive, no scale of the virtual logit matches it; shift the logits".to_owned()));
        }
        Ok(vim)
    }

    fn residual_norm(&self, sample: SampleView<'_>) -> f64 {
        let centred = || {
            let pairs = sample.latents().iter().zip(&self.mean);
            pairs.map(|(&v, m)| f64::from(v) - m)
        };
        let directions = self.residual.chunks_exact(self.mean.len());
        directions
            .map(|r| dot(centred(), r).powi(2))
            .sum::<f64>()
            .sqrt()
    }
}

impl Detector for Vim {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(&self, sample: SampleView<'_>) -> Result<f64> {
        same_shape(&self.name, sample, (Some(self.dim), self.n_classes))?;
        Ok(self.alpha * self.residual_norm(sample) - log_sum_exp(sample))
    }
}
