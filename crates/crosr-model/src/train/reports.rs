//! What a training tells about itself.

use super::BatchFault;

/// Where a training stands after one step.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Step within the epoch, from 1.
    pub step: usize,
    /// Steps of the epoch.
    pub steps: usize,
    /// Pictures of this step.
    pub images: usize,
    /// Cross-entropy + λ · MSE of this batch.
    pub loss: f32,
    /// Part of the batch classified correctly, with dropout.
    pub accuracy: f32,
    /// Why the batch was left out, if it was: then nothing was learnt from it, it counts in no
    /// mean, and `accuracy` says nothing.
    pub fault: Option<BatchFault>,
}

/// One pass over the training data.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochReport {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean of cross-entropy + λ · MSE.
    pub train_loss: f64,
    /// Mean cross-entropy.
    pub classification_loss: f64,
    /// Mean squared error of the reconstruction, in normalised units.
    pub reconstruction_loss: f64,
    /// Part classified correctly, with dropout.
    pub train_accuracy: f64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Pictures learnt from.
    pub images: usize,
    /// Bad batches of this epoch, which were left out.
    pub skipped_batches: usize,
    /// Wall-clock time of the pass.
    pub seconds: f64,
    /// Part of it spent waiting for the next batch to be prepared.
    pub data_wait_seconds: f64,
}

/// A network measured on labelled data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validation {
    /// Pictures.
    pub samples: usize,
    /// Part classified correctly.
    pub accuracy: f64,
    /// Mean squared error of the reconstruction, in normalised units.
    pub reconstruction_loss: f64,
}

/// Losses of one batch, before the step that it caused.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchLosses {
    /// Mean cross-entropy.
    pub classification: f64,
    /// Mean squared error of the reconstruction, in normalised units.
    pub reconstruction: f64,
    /// Samples classified correctly, with dropout.
    pub correct: usize,
}

impl BatchLosses {
    /// Cross-entropy + λ · MSE for λ = `weight`.
    pub fn total(&self, weight: f64) -> f64 {
        self.classification + weight * self.reconstruction
    }
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BatchOutcome {
    /// The network has learnt from it.
    Trained(BatchLosses),
    /// It was left out, and nothing has changed.
    Bad(BatchFault),
}
