//! Training.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Tensor};
use crosr_data::{Augmentation, Batch, BatchPlan, Dataset, Fit, Order, batches};

use crate::checkpoint::{ModelCard, Values, deserialise, serialise};
use crate::config::DhrConfig;
use crate::error::{ModelError, Result};
use crate::network::{DhrNet, Mode};
use crate::ops;
use crate::schedule::Schedule;
use crate::sgd::Sgd;
use crate::tape::Backend;

/// How to train. [`TrainParams::new`] gives documented defaults.
#[derive(Clone, Debug)]
pub struct TrainParams {
    /// Passes over the training data.
    pub epochs: usize,
    /// Pictures per step; 128 by default.
    pub batch_size: usize,
    /// Learning rate; one cycle with a peak of 0.05 by default.
    pub schedule: Schedule,
    /// Momentum of SGD; 0.9 by default.
    pub momentum: f64,
    /// L2 coefficient of SGD, on all parameters; 5e-4 by default.
    pub weight_decay: f64,
    /// λ of cross-entropy + λ · MSE; 1 by default.
    pub reconstruction_weight: f64,
    /// Changes to training pictures; flip and crop by default.
    pub augmentation: Option<Augmentation>,
    /// Visit the training data in a fresh order each epoch; true by default. The published
    /// implementation does not.
    pub shuffle: bool,
    /// Fixes weights, order, augmentation and dropout; 0 by default.
    pub seed: u64,
}

impl TrainParams {
    /// The defaults, for `epochs` passes.
    pub fn new(epochs: usize) -> Self {
        Self {
            epochs,
            batch_size: 128,
            schedule: Schedule::OneCycle {
                peak: 0.05,
                warm_up: 0.3,
            },
            momentum: 0.9,
            weight_decay: 5e-4,
            reconstruction_weight: 1.0,
            augmentation: Some(Augmentation::flip_and_crop()),
            shuffle: true,
            seed: 0,
        }
    }

    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// [`ModelError::TrainParam`] naming the setting.
    pub fn check(&self) -> Result<()> {
        let bad = |field, value: String, wanted| {
            Err(ModelError::TrainParam {
                field,
                value,
                wanted,
            })
        };
        let rate = self.schedule.peak();
        if self.epochs == 0 {
            return bad("epochs", "0".to_owned(), "at least 1");
        }
        if self.batch_size < 2 {
            return bad("batch size", self.batch_size.to_string(), "at least 2");
        }
        if !(rate > 0.0 && rate.is_finite()) {
            return bad("learning rate", rate.to_string(), "a positive number");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return bad(
                "momentum",
                self.momentum.to_string(),
                "at least 0 and below 1",
            );
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return bad(
                "weight decay",
                self.weight_decay.to_string(),
                "0 or a positive number",
            );
        }
        let weight = self.reconstruction_weight;
        if !(weight >= 0.0 && weight.is_finite()) {
            return bad(
                "reconstruction weight",
                weight.to_string(),
                "0 or a positive number",
            );
        }
        Ok(())
    }
}

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
    /// Pictures seen.
    pub images: usize,
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
        let labels = batch
            .labels
            .iter()
            .zip(&batch.indices)
            .map(|(label, &index)| label.ok_or(ModelError::Unlabelled { index }))
            .collect::<Result<Vec<usize>>>()?;
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
        let classification = ops::cross_entropy(&tape, &output.logits, labels)?;
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
        let labels = batch
            .labels
            .iter()
            .zip(&batch.indices)
            .map(|(label, &index)| label.ok_or(ModelError::Unlabelled { index }))
            .collect::<Result<Vec<usize>>>()?;
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

fn count_correct(logits: &Tensor, labels: &[usize]) -> Result<usize> {
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
