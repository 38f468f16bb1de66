//! Detectors that read one number off a sample: its logits' or its reconstruction error.

use super::{Baseline, Detector, FeatureTable, SampleView, missing, unfit};
use crate::error::Result;

/// A detector without parameters.
#[derive(Debug)]
pub(super) struct Direct(pub(super) Baseline, pub(super) String);

impl Detector for Direct {
    fn name(&self) -> &str {
        &self.1
    }

    fn score(&self, sample: SampleView<'_>) -> Result<f64> {
        Ok(match self.0 {
            Baseline::MaxSoftmax => -(max_logit(sample) - log_sum_exp(sample)).exp(),
            Baseline::Energy => -log_sum_exp(sample),
            Baseline::Entropy => entropy(sample),
            Baseline::ReconstructionError => sample
                .reconstruction_error()
                .map(f64::from)
                .ok_or_else(|| missing(&self.1, "reconstruction errors"))?,
            _ => -max_logit(sample),
        })
    }
}

pub(super) fn max_logit(sample: SampleView<'_>) -> f64 {
    let max = sample.logits().iter().copied();
    f64::from(max.fold(f32::NEG_INFINITY, f32::max))
}

/// ln Σ e^{l_k}, with the largest logit taken out first.
pub(super) fn log_sum_exp(sample: SampleView<'_>) -> f64 {
    let max = max_logit(sample);
    let terms = sample.logits().iter().map(|&l| (f64::from(l) - max).exp());
    max + terms.sum::<f64>().ln()
}

/// −Σ p_k ln p_k = ln Σ e^{t_k} − Σ p_k t_k, t the logits less their maximum.
fn entropy(sample: SampleView<'_>) -> f64 {
    let max = max_logit(sample);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for &logit in sample.logits() {
        let t = f64::from(logit) - max;
        sum += t.exp();
        weighted += t.exp() * t;
    }
    sum.ln() - weighted / sum
}

/// z = (max_k l_k − mean_c) / std_c, c the predicted class; the score is −z.
#[derive(Debug)]
pub(super) struct ZScore {
    name: String,
    /// Mean and standard deviation per class.
    classes: Vec<(f64, f64)>,
}

impl ZScore {
    /// Means and population standard deviations of the correctly classified samples.
    pub(super) fn fit(name: String, train: &FeatureTable<'_>) -> Result<Self> {
        let labels = train.labels().ok_or_else(|| missing(&name, "labels"))?;
        let mut of_class = vec![Vec::new(); train.n_classes()];
        for (sample, &label) in train.samples().zip(labels) {
            if sample.predicted_class() == label {
                of_class[label].push(max_logit(sample));
            }
        }
        let mut classes = Vec::with_capacity(of_class.len());
        for (class, values) in of_class.iter().enumerate() {
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            // NaN where no sample is there.
            if variance.is_nan() || variance <= 0.0 {
                let count = values.len();
                return Err(unfit(
                    &name,
                    format!(
                        "the maximum logits of the {count} correctly classified samples of class {class} have no spread; give at least two that differ"
                    ),
                ));
            }
            classes.push((mean, variance.sqrt()));
        }
        Ok(Self { name, classes })
    }
}

impl Detector for ZScore {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(&self, sample: SampleView<'_>) -> Result<f64> {
        super::same_shape(&self.name, sample, (None, self.classes.len()))?;
        let (mean, deviation) = self.classes[sample.predicted_class()];
        Ok((mean - max_logit(sample)) / deviation)
    }
}
