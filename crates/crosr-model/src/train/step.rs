//! One batch.

use candle_core::{Tensor, Var};
use crosr_data::Batch;

use super::validation::{count_correct, labels_of};
use super::{BatchFault, BatchLosses, BatchOutcome, Trainer};
use crate::error::{ModelError, Result};
use crate::gradients::{clip_scale, sums_of_squares};
use crate::network::Mode;
use crate::ops;

impl Trainer {
    /// One optimiser step on one batch, as [`Trainer::run_epoch`] takes them.
    ///
    /// A bad batch leaves parameters, running statistics and velocities as they were, to the bit.
    /// It takes its turn all the same: the next batch has the learning rate and the dropout masks
    /// that it would have had after a good one.
    ///
    /// # Errors
    /// A sample without a class, a shape that does not fit, or a learning rate that is not finite.
    pub fn train_batch(&mut self, batch: &Batch, learning_rate: f64) -> Result<BatchOutcome> {
        if !(learning_rate as f32).is_finite() {
            return Err(ModelError::TrainParam {
                field: "learning rate",
                value: learning_rate.to_string(),
                wanted: "finite",
            });
        }
        let before = Saved::of(&self.statistics)?;
        let outcome = self.attempt(batch, learning_rate);
        if !matches!(outcome, Ok(BatchOutcome::Trained(_))) {
            before.restore()?;
        }
        let outcome = outcome?;
        self.done.steps += 1;
        if matches!(outcome, BatchOutcome::Bad(_)) {
            self.done.skipped_batches += 1;
        }
        Ok(outcome)
    }

    /// Changes the running statistics, and if the batch is a good one the rest.
    fn attempt(&mut self, batch: &Batch, learning_rate: f64) -> Result<BatchOutcome> {
        let labels = labels_of(batch)?;
        let images = Tensor::from_slice(&batch.images, &batch.shape, self.network.device())?;
        let tape = self.network.training_tape();
        let images = ops::from_nchw(&tape, &images)?;
        let dropout_seed = self
            .params
            .seed
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(self.done.steps);
        let output = self
            .network
            .forward_on(&tape, &images, Mode::Train { dropout_seed })?;
        let correct = count_correct(&output.logits, &labels)?;
        let classification =
            ops::cross_entropy(&tape, &output.logits, labels, self.params.label_smoothing)?;
        let reconstruction = ops::mean_squared_error(&tape, &output.reconstruction, &images)?;
        drop(output);
        let losses = BatchLosses {
            classification: f64::from(classification.to_scalar::<f32>()?),
            reconstruction: f64::from(reconstruction.to_scalar::<f32>()?),
            correct,
        };
        let weight = self.params.reconstruction_weight;
        let loss = losses.total(weight);
        let n_classes = self.network.config().n_classes;
        let normalisation = &self.card.normalisation;
        if let Some(fault) = BatchFault::of_loss(loss, n_classes, weight, normalisation) {
            return Ok(BatchOutcome::Bad(fault));
        }
        let loss = loss as f32;
        let statistics: Vec<Tensor> = self.statistics.iter().map(|v| v.detach()).collect();
        if !sums_of_squares(&statistics)?.iter().all(|s| s.is_finite()) {
            return Ok(BatchOutcome::Bad(BatchFault::Statistics { loss }));
        }
        let gradients = tape.backward(&[(&classification, 1.0), (&reconstruction, weight)])?;
        let norm = self.sgd.norm(&gradients)?;
        if !norm.is_finite() {
            return Ok(BatchOutcome::Bad(BatchFault::Gradients { loss }));
        }
        let scale = self
            .params
            .clip_gradients
            .map_or(1.0, |limit| clip_scale(norm, limit));
        self.sgd.step(&gradients, learning_rate, scale)?;
        Ok(BatchOutcome::Trained(losses))
    }
}

/// Variables as they were.
struct Saved(Vec<(Var, Tensor)>);

impl Saved {
    fn of(variables: &[Var]) -> Result<Self> {
        let saved = variables
            .iter()
            .map(|v| Ok((v.clone(), v.detach().copy()?)));
        Ok(Self(saved.collect::<Result<_>>()?))
    }

    fn restore(self) -> Result<()> {
        for (variable, value) in self.0 {
            variable.set(&value)?;
        }
        Ok(())
    }
}
