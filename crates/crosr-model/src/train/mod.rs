//! Training.

mod fault;
mod params;
mod reports;
mod state;
mod step;
mod validation;

use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Var};
use crosr_data::{BatchPlan, Dataset, Order, batches};

use crate::checkpoint::ModelCard;
use crate::config::DhrConfig;
use crate::error::{ModelError, Result};
use crate::gradients::sums_of_squares;
use crate::network::DhrNet;
use crate::sgd::Sgd;

use self::state::Done;

pub use self::{
    fault::BatchFault,
    params::TrainParams,
    reports::{BatchLosses, BatchOutcome, EpochReport, StepReport, Validation},
    validation::{evaluation_plan, validate},
};

/// A network in training.
pub struct Trainer {
    network: DhrNet,
    card: ModelCard,
    params: TrainParams,
    sgd: Sgd,
    /// Running statistics, which every forward pass in training moves.
    statistics: Vec<Var>,
    done: Done,
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
            statistics: network.parameters().statistics(),
            network,
            card,
            params,
            sgd,
            done: Done::default(),
        }
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
        self.done.epochs
    }

    /// Bad batches left out so far, in the whole training.
    pub fn skipped_batches(&self) -> u64 {
        self.done.skipped_batches
    }

    /// The trained network.
    pub fn into_network(self) -> DhrNet {
        self.network
    }

    /// One pass over `dataset`; `observe` hears of every step.
    ///
    /// The last, incomplete batch is left out, as its statistics would be poor; shuffling gives
    /// its samples their turn in other epochs. So is a bad batch ([`BatchFault`]), as often as
    /// [`TrainParams::skip_bad_batches`] allows it; an epoch of nothing but bad batches fails
    /// whatever that is.
    ///
    /// # Errors
    /// Reading the data, a sample without a class, a bad batch that may not be left out, or a
    /// parameter that is not finite at the end.
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
            epoch: self.done.epochs as u64,
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
        let mut skipped_batches = 0;
        let mut last_fault = None;
        let epoch = self.done.epochs + 1;
        let mut stream = batches(dataset, &plan)?;
        for step in 1..=steps {
            let wait = Instant::now();
            let Some(batch) = stream.next() else { break };
            let batch = batch?;
            waited += wait.elapsed().as_secs_f64();
            learning_rate = self.params.schedule.learning_rate(
                self.done.steps,
                steps as u64,
                self.params.epochs as u64,
            );
            let size = batch.labels.len();
            let mut report = StepReport {
                epoch,
                step,
                steps,
                images: size,
                loss: 0.0,
                accuracy: 0.0,
                fault: None,
            };
            match self.train_batch(&batch, learning_rate)? {
                BatchOutcome::Trained(losses) => {
                    sums.classification += losses.classification * size as f64;
                    sums.reconstruction += losses.reconstruction * size as f64;
                    sums.correct += losses.correct;
                    images += size;
                    report.loss = losses.total(self.params.reconstruction_weight) as f32;
                    report.accuracy = losses.correct as f32 / size as f32;
                }
                BatchOutcome::Bad(fault) => {
                    let skipped = self.done.skipped_batches.saturating_sub(1);
                    let error = ModelError::BadBatch {
                        epoch,
                        step,
                        learning_rate,
                        skipped,
                        fault,
                    };
                    if skipped >= self.params.skip_bad_batches {
                        return Err(error);
                    }
                    skipped_batches += 1;
                    last_fault = Some(error);
                    report.loss = fault.loss();
                    report.fault = Some(fault);
                }
            }
            observe(&report);
        }
        if let Some(error) = last_fault.filter(|_| images == 0) {
            return Err(error);
        }
        self.check_parameters(learning_rate)?;
        self.done.epochs = epoch;
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
            skipped_batches,
            seconds: start.elapsed().as_secs_f64(),
            data_wait_seconds: waited,
        })
    }

    /// An update can leave the numbers that there are although its gradients are finite; the next
    /// batch would show it, but there may be none.
    fn check_parameters(&self, learning_rate: f64) -> Result<()> {
        let (names, tensors): (Vec<_>, Vec<_>) = self.network.named_tensors().into_iter().unzip();
        let sums = sums_of_squares(&tensors)?;
        match names
            .into_iter()
            .zip(sums)
            .find(|(_, sum)| !sum.is_finite())
        {
            None => Ok(()),
            Some((name, _)) => Err(ModelError::ParametersNotFinite {
                name,
                epoch: self.done.epochs + 1,
                learning_rate,
            }),
        }
    }

    fn plan(&self) -> BatchPlan {
        evaluation_plan(
            &self.network,
            &self.card,
            self.params.batch_size,
            self.params.seed,
        )
    }

    /// Measures the network as it stands.
    ///
    /// # Errors
    /// Reading the data, or a sample without a class.
    pub fn validate(&self, dataset: Arc<dyn Dataset>) -> Result<Validation> {
        validate(&self.network, &self.card, dataset, self.params.batch_size)
    }
}
