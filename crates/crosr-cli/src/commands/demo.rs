//! `crosr demo`: the whole path on built-in data.

use super::eval::eval_run;
use super::fit::{fit_run, keeping};
use super::train::{Printing, TrainPlan};
use crate::args::{DatasetName, DemoArgs, EvalArgs, TrainArgs};
use crate::error::Result;
use crate::output;
use crate::run_folder::RunFolder;
use crate::source::unknown_shapes;

/// A quarter of the width learns the shapes in about a minute on two cores.
const WIDTH: f64 = 0.25;
const EPOCHS: usize = 8;
const BATCH: usize = 64;
const LEARNING_RATE: f64 = 0.04;
/// So small a network on data that never repeat itself needs hardly any dropout.
const FC_DROPOUT: f32 = 0.1;
/// Shapes are told apart almost perfectly, so that little of them need be given up.
const KEEP_KNOWN: f64 = 0.95;

pub(super) fn run(args: &DemoArgs) -> Result<()> {
    let run = RunFolder::new(&args.out);
    let plan = TrainPlan::resolve(TrainArgs {
        dataset: Some(DatasetName::Shapes),
        width: Some(WIDTH),
        epochs: Some(EPOCHS),
        batch_size: Some(BATCH),
        learning_rate: Some(LEARNING_RATE),
        conv_dropout: Some(0.0),
        fc_dropout: Some(FC_DROPOUT),
        seed: Some(args.seed),
        ..TrainArgs::default()
    })?;
    let say = |text: &str| {
        if args.json {
            Ok(())
        } else {
            output::text(text)
        }
    };
    say("training on drawn shapes\n")?;
    plan.execute(
        &run,
        if args.json {
            Printing::Aside
        } else {
            Printing::Table
        },
    )?;
    say("\nfitting\n")?;
    fit_run(&run, &keeping(&run, KEEP_KNOWN))?;
    say("\nevaluating against shapes it has never seen\n")?;
    let report = eval_run(&run, &EvalArgs::default(), |_, _, seed| {
        unknown_shapes(seed)
    })?;
    if args.json {
        return output::json(&report);
    }
    output::text(&report.table()?)?;
    output::text(&format!(
        "metrics: {}\nscores:  {}\nfigures: {}\nreport:  {}\n",
        run.metrics().display(),
        run.scores().display(),
        run.figures().display(),
        run.report().display()
    ))
}
