//! Training.

mod params;
mod reports;
mod validation;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Tensor};
use crosr_data::{Batch, BatchPlan, Dataset, Order, batches};

use crate::checkpoint::{ModelCard, Values, deserialise, serialise};
use crate::config::DhrConfig;
use crate::error::{ModelError, Result};
use crate::network::{DhrNet, Mode};
use crate::ops;
use crate::sgd::Sgd;
use crate::tape::Backend;

use self::validation::{count_correct, labels_of};

pub use self::{
    params::TrainParams,
    reports::{BatchLosses, EpochReport, StepReport, Validation},
    validation::{evaluation_plan, validate},
};

/// A network in training.
pub struct Trainer {
    network: DhrNet,
    card: ModelCard,
    params: TrainParams,
    sgd: Sgd,
    epochs_done: usize,
    steps_done: u64,
}

impl Trainer {
    /// A fresh network.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(
        config: &DhrConfig,
        card: ModelCard,
        params: TrainParams,
        device: &Device,
    ) -> Result<Self> {
        params.check()?;
        let network = DhrNet::new(config, params.seed, device)?;
        network.card_metadata(&card)?;
        Ok(Self::with_network(network, card, params))
    }

    fn with_network(network: DhrNet, card: ModelCard, params: TrainParams) -> Self {
        let sgd = Sgd::new(
            network.parameters().trainable(),
            params.momentum,
            params.weight_decay,
            params.decay_all,
        );
        Self {
            network,
            card,
            params,
            sgd,
            epochs_done: 0,
            steps_done: 0,
        }
    }

    /// Goes on from a state written by [`Trainer::state`]: the rest of the training gives the
    /// same bits as if it had never stopped. `path` is named in errors.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn resume(bytes: &[u8], path: &Path, params: TrainParams, device: &Device) -> Result<Self> {
        params.check()?;
        let (values, metadata) = deserialise(bytes, path)?;
        let (network, card) = DhrNet::described_by(&metadata, path, device)?;
        let count = |key: &str| {
            metadata
                .get(key)
                .and_then(|text| text.parse::<u64>().ok())
                .ok_or_else(|| ModelError::Metadata {
                    path: path.to_owned(),
                    what: format!("no training state ({key})"),
                })
        };
        let (mut parameters, mut velocities) = (Values::new(), Values::new());
        for (name, value) in values {
            match name.split_once('/') {
                Some(("velocity", name)) => velocities.insert(name.to_owned(), value),
                Some(("parameter", name)) => parameters.insert(name.to_owned(), value),
                _ => parameters.insert(name, value),
            };
        }
        network.load(&parameters, path)?;
        let (epochs_done, steps_done) = (count("epochs_done")? as usize, count("steps_done")?);
        let mut trainer = Self::with_network(network, card, params);
        trainer
            .sgd
            .restore(&velocities, Backend::of(device) == Backend::Kernels)?;
        trainer.epochs_done = epochs_done;
        trainer.steps_done = steps_done;
        Ok(trainer)
    }

    /// Everything an exact resume needs, as a safetensors file. Order, augmentation and dropout
    /// follow from the seed and the counts of epochs and steps, so no generator has a state.
    ///
    /// # Errors
    /// Failure to copy tensors from the device.
    pub fn state(&self) -> Result<Vec<u8>> {
        let mut values = Values::new();
        for (name, value) in self.network.values()? {
            values.insert(format!("parameter/{name}"), value);
        }
        for (name, value) in self.sgd.velocities()? {
            values.insert(format!("velocity/{name}"), value);
        }
        let mut metadata: HashMap<String, String> = self.network.card_metadata(&self.card)?;
        metadata.insert("epochs_done".to_owned(), self.epochs_done.to_string());
        metadata.insert("steps_done".to_owned(), self.steps_done.to_string());
        serialise(&values, metadata)
    }

    /// The network as it stands.
    pub fn network(&self) -> &DhrNet {
        &self.network
    }

    /// What the weights file will say about itself.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Epochs completed.
    pub fn epochs_done(&self) -> usize {
        self.epochs_done
    }

    /// The trained network.
    pub fn into_network(self) -> DhrNet {
        self.network
    }

    /// One pass over `dataset`; `observe` hears of every step.
    ///
    /// The last, incomplete batch is left out, as its statistics would be poor; shuffling gives
    /// its samples their turn in other epochs.
    ///
    /// # Errors
    /// Reading the data, a sample without a class, or a loss that is no longer a number.
    pub fn run_epoch(
        &mut self,
        dataset: Arc<dyn Dataset>,
        observe: &mut dyn FnMut(&StepReport),
    ) -> Result<EpochReport> {
        let classes = dataset.class_names().len();
        if classes != self.network.config().n_classes {
            return Err(ModelError::ClassCount {
                data: classes,
                network: self.network.config().n_classes,
            });
        }
        let plan = BatchPlan {
            augmentation: self.params.augmentation.clone(),
            order: if self.params.shuffle {
                Order::Shuffled
            } else {
                Order::Sequential
            },
            drop_last: true,
            epoch: self.epochs_done as u64,
            ..self.plan()
        };
        let samples = dataset.len();
        let steps = samples / self.params.batch_size;
        if steps == 0 {
            return Err(ModelError::TooFewSamples {
                samples,
                batch_size: self.params.batch_size,
            });
        }
        let start = Instant::now();
        let mut waited = 0.0;
        let mut learning_rate = 0.0;
        let mut sums = BatchLosses::default();
        let mut images = 0;
        let epoch = self.epochs_done + 1;
        let mut stream = batches(dataset, &plan)?;
        for step in 1..=steps {
            let wait = Instant::now();
            let Some(batch) = stream.next() else { break };
            let batch = batch?;
            waited += wait.elapsed().as_secs_f64();
            learning_rate = self.params.schedule.learning_rate(
                self.steps_done,
                steps as u64,
                self.params.epochs as u64,
            );
            let losses = self.train_batch(&batch, learning_rate)?;
            let weight = self.params.reconstruction_weight as f32;
            let loss = losses.classification as f32 + weight * losses.reconstruction as f32;
            if !loss.is_finite() {
                return Err(ModelError::LossNotFinite {
                    epoch,
                    step,
                    learning_rate,
                    loss,
                });
            }
            let size = batch.labels.len();
            let accuracy = losses.correct as f32 / size as f32;
            sums.classification += losses.classification * size as f64;
            sums.reconstruction += losses.reconstruction * size as f64;
            sums.correct += losses.correct;
            images += size;
            observe(&StepReport {
                epoch,
                step,
                steps,
                images: size,
                loss,
                accuracy,
            });
        }
        self.epochs_done += 1;
        let mean = |sum: f64| sum / images.max(1) as f64;
        let (classification, reconstruction) =
            (mean(sums.classification), mean(sums.reconstruction));
        Ok(EpochReport {
            epoch,
            train_loss: classification + self.params.reconstruction_weight * reconstruction,
            classification_loss: classification,
            reconstruction_loss: reconstruction,
            train_accuracy: mean(sums.correct as f64),
            learning_rate,
            images,
            seconds: start.elapsed().as_secs_f64(),
            data_wait_seconds: waited,
        })
    }

    fn plan(&self) -> BatchPlan {
        evaluation_plan(
            &self.network,
            &self.card,
            self.params.batch_size,
            self.params.seed,
        )
    }

    /// One optimiser step on one batch, as [`Trainer::run_epoch`] takes them.
    ///
    /// # Errors
    /// A sample without a class, or a shape that does not fit. A loss that is no longer finite is
    /// returned, and leaves the parameters alone.
    pub fn train_batch(&mut self, batch: &Batch, learning_rate: f64) -> Result<BatchLosses> {
        let labels = labels_of(batch)?;
        let images = Tensor::from_slice(&batch.images, &batch.shape, self.network.device())?;
        let tape = self.network.training_tape();
        let images = ops::from_nchw(&tape, &images)?;
        let dropout_seed = self
            .params
            .seed
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(self.steps_done);
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
        // A loss that is no number must not reach the parameters: the caller reports it.
        if (losses.classification + weight * losses.reconstruction).is_finite() {
            let gradients = tape.backward(&[(&classification, 1.0), (&reconstruction, weight)])?;
            self.sgd.step(&gradients, learning_rate)?;
            self.steps_done += 1;
        }
        Ok(losses)
    }

    /// Measures the network as it stands.
    ///
    /// # Errors
    /// Reading the data, or a sample without a class.
    pub fn validate(&self, dataset: Arc<dyn Dataset>) -> Result<Validation> {
        validate(&self.network, &self.card, dataset, self.params.batch_size)
    }
}
