//! `crosr train`.

mod history;
mod plan;

use std::path::Path;
use std::sync::Arc;

use crosr_data::Dataset;
use crosr_model::{
    BatchFault, DhrConfig, ModelCard, ReconstructionActivation, StepReport, TrainParams, Trainer,
};

use self::history::{History, HistoryLine};
use crate::args::{DatasetName, TrainArgs};
use crate::error::{CliError, Result};
use crate::interrupt::Interrupt;
use crate::output;
use crate::progress::{Course, Progress};
use crate::run_folder::{RunFolder, read, with_config};
use crate::source::{Source, split};

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
        if !self.choices.resume {
            run.clear()?;
        }
        run.record("train", &self.choices)?;
        let mut history = History::new(run, trainer.epochs_done())?;
        if printing == Printing::Table {
            output::log(HistoryLine::HEADER)?;
        }
        let interrupt = interruptible
            .then(|| Interrupt::listen(run.root(), trainer.epochs_done()))
            .transpose()?;
        let mut course = Course::default();
        while trainer.epochs_done() < self.params.epochs {
            let title = format!("epoch {}/{}", trainer.epochs_done() + 1, self.params.epochs);
            let mut progress = Progress::new(&title, train.len());
            let mut skipped = trainer.skipped_batches();
            let report = trainer.run_epoch(train.clone(), &mut |step| {
                let drawn = progress.is_drawn();
                match &step.fault {
                    None => course.push(step.loss, step.accuracy),
                    Some(fault) => {
                        skipped += 1;
                        let count = format!("{skipped} of {}", self.params.skip_bad_batches);
                        say_skipped(step, fault, &count, drawn);
                    }
                }
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
                run.replace(&run.model(), &weights)?;
                history.push(run, &line)?;
                run.replace(&run.last(), &state)
            };
            match &interrupt {
                Some(interrupt) => interrupt.saving(trainer.epochs_done(), save)?,
                None => save()?,
            }
            match printing {
                Printing::Table => output::log(&line.row())?,
                Printing::Json => output::log_json(&line)?,
                Printing::Aside => output::aside(line.row().trim_end()),
            }
        }
        Ok(())
    }
}

/// A line on the standard error stream, in the place of the bar where one is drawn; the bar's next
/// step draws it again below.
fn say_skipped(step: &StepReport, fault: &BatchFault, count: &str, drawn: bool) {
    if drawn {
        // A terminal that does not clear a line shows the rest of the bar in front of the text.
        console::Term::stderr().clear_line().ok();
    }
    let (epoch, step) = (step.epoch, step.step);
    output::aside(&format!(
        "epoch {epoch}, step {step}: {fault}; batch skipped ({count})"
    ));
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
