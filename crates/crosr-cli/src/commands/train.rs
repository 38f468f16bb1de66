//! `crosr train`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crosr_data::{Augmentation, Dataset};
use crosr_model::{
    DhrConfig, EpochReport, ModelCard, ReconstructionActivation, Schedule, TrainParams, Trainer,
};
use serde::Serialize;

use crate::args::{AugmentName, DatasetName, Preset, ReconstructionName, ScheduleName, TrainArgs};
use crate::error::{CliError, Result};
use crate::interrupt::Interrupt;
use crate::output;
use crate::progress::{Course, Progress};
use crate::run_folder::{RunFolder, read, read_text, with_config, write_atomically};
use crate::source::{Source, split};

/// One line of `history.jsonl`.
#[derive(Clone, Debug, Serialize)]
struct HistoryLine {
    epoch: usize,
    train_loss: f64,
    classification_loss: f64,
    reconstruction_loss: f64,
    train_accuracy: f64,
    validation_accuracy: Option<f64>,
    validation_reconstruction_loss: Option<f64>,
    learning_rate: f64,
    images_per_second: f64,
    seconds: f64,
    data_wait_seconds: f64,
}

/// Where an epoch's figures go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Printing {
    Table,
    Json,
    /// To the standard error stream, leaving standard output to somebody else.
    Aside,
}

/// A training, every choice made.
pub(crate) struct TrainPlan {
    /// The flags with nothing left open: what the run folder records.
    pub(crate) choices: TrainArgs,
    pub(crate) source: Source,
    params: TrainParams,
    reconstruction: ReconstructionActivation,
}

/// What the recorded choices say about the training data, for `fit` and `eval`.
pub(crate) fn source_of(choices: &TrainArgs, data_dir: Option<&Path>) -> Source {
    let folder = data_dir
        .or(choices.data_dir.as_deref())
        .unwrap_or(Path::new("data"));
    let name = choices.dataset.unwrap_or(DatasetName::Cifar10);
    Source::new(name, folder, choices.seed.unwrap_or(0)).with_known(&choices.known_classes)
}

/// A dataset of any kind.
type Data = Arc<dyn Dataset>;

/// Training data and what is held out of it, as recorded.
pub(crate) fn train_and_held_out(
    source: &Source,
    choices: &TrainArgs,
) -> Result<(Data, Option<Data>)> {
    let seed = choices.seed.unwrap_or(0);
    let mut data = source.train()?;
    if let Some(limit) = choices.limit.filter(|&limit| limit < data.len()) {
        let (_, chosen) = crosr_data::split(data.clone(), limit, seed)?;
        data = Arc::new(chosen) as Arc<dyn Dataset>;
    }
    let part = choices.held_out.unwrap_or(0.0);
    if part == 0.0 {
        return Ok((data, None));
    }
    let (train, held_out) = split(data, part, seed)?;
    Ok((train, Some(held_out)))
}

impl TrainPlan {
    /// Fills in what the flags leave open and checks the rest.
    pub(crate) fn resolve(flags: TrainArgs) -> Result<Self> {
        let preset = flags.preset.unwrap_or_default();
        let reference = preset == Preset::Reference;
        let dataset = flags.dataset.unwrap_or(DatasetName::Cifar10);
        let epochs = flags.epochs.unwrap_or(40);
        let schedule_name = flags.schedule.unwrap_or(ScheduleName::OneCycle);
        let learning_rate = flags.learning_rate.unwrap_or(0.05);
        let step_every = flags.step_every.unwrap_or(epochs.div_ceil(3));
        let step_factor = flags.step_factor.unwrap_or(0.1);
        let defaults = TrainParams::new(epochs);
        // As docs/RESULTS.md has it; the reference keeps the usual values.
        let (weight_decay, conv_dropout, fc_dropout) = if reference {
            (defaults.weight_decay, 0.25, 0.5)
        } else {
            (1e-3, 0.15, 0.4)
        };
        let choices = TrainArgs {
            dataset: Some(dataset),
            data_dir: Some(flags.data_dir.unwrap_or_else(|| PathBuf::from("data"))),
            preset: Some(preset),
            epochs: Some(epochs),
            batch_size: Some(flags.batch_size.unwrap_or(defaults.batch_size)),
            learning_rate: Some(learning_rate),
            schedule: Some(schedule_name),
            step_every: Some(step_every),
            step_factor: Some(step_factor),
            momentum: Some(flags.momentum.unwrap_or(defaults.momentum)),
            weight_decay: Some(flags.weight_decay.unwrap_or(weight_decay)),
            decay_all: Some(flags.decay_all.unwrap_or(reference)),
            label_smoothing: Some(flags.label_smoothing.unwrap_or(defaults.label_smoothing)),
            reconstruction_weight: Some(
                flags
                    .reconstruction_weight
                    .unwrap_or(defaults.reconstruction_weight),
            ),
            reconstruction: Some(flags.reconstruction.unwrap_or(if reference {
                ReconstructionName::Relu
            } else {
                ReconstructionName::Identity
            })),
            width: Some(flags.width.unwrap_or(1.0)),
            conv_dropout: Some(flags.conv_dropout.unwrap_or(conv_dropout)),
            fc_dropout: Some(flags.fc_dropout.unwrap_or(fc_dropout)),
            image_size: Some(flags.image_size.unwrap_or(32)),
            augment: Some(flags.augment.unwrap_or(if reference {
                AugmentName::Reference
            } else if dataset.is_written() {
                AugmentName::Crop
            } else {
                AugmentName::FlipCrop
            })),
            erase: Some(flags.erase.unwrap_or(0)),
            shuffle: Some(flags.shuffle.unwrap_or(!reference)),
            held_out: Some(flags.held_out.unwrap_or(0.1)),
            seed: Some(flags.seed.unwrap_or(0)),
            device: Some(flags.device.unwrap_or_else(|| "auto".to_owned())),
            known_classes: flags.known_classes,
            out: flags.out,
            resume: flags.resume,
            overwrite: flags.overwrite,
            json: flags.json,
            config: flags.config,
            limit: flags.limit,
        };
        let part = choices.held_out.unwrap_or(0.0);
        if !(0.0..1.0).contains(&part) {
            return Err(CliError::usage(format!(
                "--held-out {part}: at least 0 and below 1"
            )));
        }
        let width = choices.width.unwrap_or(1.0);
        if !(width > 0.0 && width <= 64.0) {
            return Err(CliError::usage(format!(
                "--width {width}: above 0, at most 64"
            )));
        }
        let schedule = match schedule_name {
            ScheduleName::OneCycle => Schedule::OneCycle {
                peak: learning_rate,
                warm_up: 0.3,
            },
            ScheduleName::Step => Schedule::Step {
                learning_rate,
                factor: step_factor,
                every: step_every,
            },
            ScheduleName::Constant => Schedule::Constant { learning_rate },
        };
        let params = TrainParams {
            epochs,
            batch_size: choices.batch_size.unwrap_or(defaults.batch_size),
            schedule,
            momentum: choices.momentum.unwrap_or(defaults.momentum),
            weight_decay: choices.weight_decay.unwrap_or(defaults.weight_decay),
            decay_all: choices.decay_all.unwrap_or(defaults.decay_all),
            label_smoothing: choices.label_smoothing.unwrap_or(defaults.label_smoothing),
            reconstruction_weight: choices
                .reconstruction_weight
                .unwrap_or(defaults.reconstruction_weight),
            augmentation: Some(Augmentation {
                erased_side: choices.erase.unwrap_or(0),
                ..match choices.augment {
                    Some(AugmentName::None) => Augmentation::none(),
                    Some(AugmentName::Reference) => Augmentation::reference(),
                    Some(AugmentName::Crop) => Augmentation {
                        horizontal_flip: 0.0,
                        ..Augmentation::flip_and_crop()
                    },
                    _ => Augmentation::flip_and_crop(),
                }
            }),
            shuffle: choices.shuffle.unwrap_or(true),
            seed: choices.seed.unwrap_or(0),
        };
        params.check()?;
        let reconstruction = match choices.reconstruction {
            Some(ReconstructionName::Relu) => ReconstructionActivation::Relu,
            _ => ReconstructionActivation::Identity,
        };
        Ok(Self {
            source: source_of(&choices, None),
            choices,
            params,
            reconstruction,
        })
    }

    fn run_folder(&self) -> RunFolder {
        match &self.choices.out {
            Some(folder) => RunFolder::new(folder),
            None => {
                let dataset = self.choices.dataset.unwrap_or(DatasetName::Cifar10);
                RunFolder::new(&Path::new("runs").join(dataset.name()))
            }
        }
    }

    fn trainer(&self, run: &RunFolder, data: &dyn Dataset) -> Result<Trainer> {
        let device = crosr_model::device(self.choices.device.as_deref().unwrap_or("auto"))?;
        if self.choices.resume {
            let path = run.last();
            return Ok(Trainer::resume(
                &read(&path)?,
                &path,
                self.params.clone(),
                &device,
            )?);
        }
        let mut config = DhrConfig::cifar10(data.class_names().len())
            .with_width(self.choices.width.unwrap_or(1.0));
        config.reconstruction = self.reconstruction;
        config.image_size = self.choices.image_size.unwrap_or(config.image_size);
        config.conv_dropout = self.choices.conv_dropout.unwrap_or(config.conv_dropout);
        config.fc_dropout = self.choices.fc_dropout.unwrap_or(config.fc_dropout);
        let card = ModelCard {
            class_names: data.class_names().to_vec(),
            normalisation: self.source.normalisation(),
        };
        Ok(Trainer::new(&config, card, self.params.clone(), &device)?)
    }

    /// Trains, leaving a complete run folder after every epoch.
    pub(crate) fn execute(&self, run: &RunFolder, printing: Printing) -> Result<()> {
        self.run_epochs(run, printing, false)
    }

    /// [`TrainPlan::execute`]; on Ctrl-C the process can end and say how to go on.
    fn run_epochs(&self, run: &RunFolder, printing: Printing, interruptible: bool) -> Result<()> {
        let (train, held_out) = train_and_held_out(&self.source, &self.choices)?;
        let mut trainer = self.trainer(run, &train)?;
        run.record("train", &self.choices)?;
        let mut history = History::new(run, trainer.epochs_done())?;
        if printing == Printing::Table {
            output::text(HistoryLine::HEADER)?;
        }
        let interrupt = interruptible
            .then(|| Interrupt::listen(run.root(), trainer.epochs_done()))
            .transpose()?;
        let mut course = Course::default();
        while trainer.epochs_done() < self.params.epochs {
            let title = format!("epoch {}/{}", trainer.epochs_done() + 1, self.params.epochs);
            let mut progress = Progress::new(&title, train.len());
            let report = trainer.run_epoch(train.clone(), &mut |step| {
                course.push(step.loss, step.accuracy);
                let drawn = progress.is_drawn();
                progress.advance(step.images, || course.text(drawn));
            })?;
            drop(progress);
            let validation = held_out
                .as_ref()
                .map(|data| trainer.validate(data.clone()))
                .transpose()?;
            let line = HistoryLine::new(&report, validation.as_ref());
            let weights = trainer.network().to_safetensors(trainer.card())?;
            let state = trainer.state()?;
            let mut save = || {
                write_atomically(&run.model(), &weights)?;
                history.push(&line)?;
                write_atomically(&run.last(), &state)
            };
            match &interrupt {
                Some(interrupt) => interrupt.saving(trainer.epochs_done(), save)?,
                None => save()?,
            }
            match printing {
                Printing::Table => output::text(&line.row())?,
                Printing::Json => output::json(&line)?,
                Printing::Aside => eprint!("{}", line.row()),
            }
        }
        Ok(())
    }
}

/// The run's `history.jsonl`, rewritten as a whole so that it is never half a line.
struct History {
    path: PathBuf,
    text: String,
}

impl History {
    /// Keeps the first `epochs` lines of what is there.
    fn new(run: &RunFolder, epochs: usize) -> Result<Self> {
        let path = run.history();
        let mut text = String::new();
        if epochs > 0 && path.is_file() {
            for line in read_text(&path)?.lines().take(epochs) {
                text.push_str(line);
                text.push('\n');
            }
        }
        Ok(Self { path, text })
    }

    fn push(&mut self, line: &HistoryLine) -> Result<()> {
        let json = serde_json::to_string(line)
            .map_err(|e| CliError::file(&self.path, format!("cannot record the epoch: {e}")))?;
        self.text.push_str(&json);
        self.text.push('\n');
        write_atomically(&self.path, self.text.as_bytes())
    }
}

impl HistoryLine {
    const HEADER: &'static str = "epoch   loss  cross-entropy  reconstruction  accuracy  held-out  \
                                  learning rate  images/s  seconds\n";

    fn new(report: &EpochReport, validation: Option<&crosr_model::Validation>) -> Self {
        Self {
            epoch: report.epoch,
            train_loss: report.train_loss,
            classification_loss: report.classification_loss,
            reconstruction_loss: report.reconstruction_loss,
            train_accuracy: report.train_accuracy,
            validation_accuracy: validation.map(|v| v.accuracy),
            validation_reconstruction_loss: validation.map(|v| v.reconstruction_loss),
            learning_rate: report.learning_rate,
            images_per_second: report.images as f64 / report.seconds.max(1e-9),
            seconds: report.seconds,
            data_wait_seconds: report.data_wait_seconds,
        }
    }

    fn row(&self) -> String {
        let held_out = self
            .validation_accuracy
            .map_or("-".to_owned(), |a| format!("{a:.4}"));
        format!(
            "{:5}  {:5.3}  {:13.4}  {:14.4}  {:8.4}  {held_out:>8}  {:13.6}  {:8.0}  {:7.1}\n",
            self.epoch,
            self.train_loss,
            self.classification_loss,
            self.reconstruction_loss,
            self.train_accuracy,
            self.learning_rate,
            self.images_per_second,
            self.seconds,
        )
    }
}

pub(super) fn run(flags: TrainArgs) -> Result<()> {
    let mut config = flags.config.clone();
    if flags.resume && config.is_none() {
        // Without a word to the contrary a run goes on as it began.
        let folder = TrainPlan::resolve(flags.clone())?.run_folder();
        if !folder.last().is_file() {
            return Err(CliError::file(
                &folder.last(),
                "nothing to resume here; name a run folder with --out, or leave --resume out",
            ));
        }
        config = Some(folder.config());
    }
    let merged = with_config(&flags, config.as_deref(), "train")?;
    let plan = TrainPlan::resolve(TrainArgs {
        out: flags.out,
        resume: flags.resume,
        overwrite: flags.overwrite,
        json: flags.json,
        config,
        ..merged
    })?;
    let run = plan.run_folder();
    if !plan.choices.resume && !plan.choices.overwrite && run.model().exists() {
        return Err(CliError::usage(format!(
            "{}: there is a trained network already; go on with --resume, replace it with \
             --overwrite, or name another folder with --out",
            run.root().display()
        )));
    }
    let printing = if plan.choices.json {
        Printing::Json
    } else {
        Printing::Table
    };
    plan.run_epochs(&run, printing, true)?;
    if printing == Printing::Table {
        output::text(&format!(
            "{}\nnext: crosr fit --run {}\n",
            run.model().display(),
            run.root().display()
        ))?;
    }
    Ok(())
}
