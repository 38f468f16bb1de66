//! A network measured on labelled data.

use std::sync::Arc;

use candle_core::Tensor;
use crosr_data::{Batch, BatchPlan, Dataset, Fit, Order, batches};

use super::reports::Validation;
use crate::checkpoint::ModelCard;
use crate::error::{ModelError, Result};
use crate::network::{DhrNet, Mode};
use crate::ops;

/// Batches as the network wants them: in order, unchanged but for size and normalisation.
pub fn evaluation_plan(
    network: &DhrNet,
    card: &ModelCard,
    batch_size: usize,
    seed: u64,
) -> BatchPlan {
    BatchPlan {
        batch_size,
        width: network.config().image_size,
        height: network.config().image_size,
        fit: Fit::Resize,
        normalisation: card.normalisation,
        augmentation: None,
        order: Order::Sequential,
        drop_last: false,
        seed,
        epoch: 0,
        prefetch: 2,
    }
}

/// Accuracy and reconstruction error of a network on labelled data.
///
/// # Errors
/// Reading the data, or a sample without a class.
pub fn validate(
    network: &DhrNet,
    card: &ModelCard,
    dataset: Arc<dyn Dataset>,
    batch_size: usize,
) -> Result<Validation> {
    let (mut samples, mut correct, mut error) = (0, 0, 0.0);
    for batch in batches(dataset, &evaluation_plan(network, card, batch_size, 0))? {
        let batch = batch?;
        let images = Tensor::from_slice(&batch.images, &batch.shape, network.device())?;
        let tape = network.evaluation_tape();
        let images = ops::from_nchw(&tape, &images)?;
        let output = network.forward_on(&tape, &images, Mode::Eval)?;
        let labels = labels_of(&batch)?;
        let errors: Vec<f32> =
            ops::squared_errors(&tape, &output.reconstruction, &images)?.to_vec1()?;
        samples += labels.len();
        correct += count_correct(&output.logits, &labels)?;
        tape.finish(&[])?;
        error += errors.iter().map(|&e| f64::from(e)).sum::<f64>();
    }
    let per_sample = |sum: f64| sum / samples.max(1) as f64;
    Ok(Validation {
        samples,
        accuracy: per_sample(correct as f64),
        reconstruction_loss: per_sample(error),
    })
}

/// The class of every sample of a batch.
pub(super) fn labels_of(batch: &Batch) -> Result<Vec<usize>> {
    let labels = batch.labels.iter().zip(&batch.indices);
    labels
        .map(|(label, &index)| label.ok_or(ModelError::Unlabelled { index }))
        .collect()
}

/// Rows whose largest logit is their label's.
pub(super) fn count_correct(logits: &Tensor, labels: &[usize]) -> Result<usize> {
    let rows: Vec<Vec<f32>> = logits.to_vec2()?;
    Ok(rows
        .iter()
        .zip(labels)
        .filter(|(row, label)| argmax(row) == **label)
        .count())
}

/// Position of the largest value, the first of equals.
fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (k, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = k;
        }
    }
    best
}
