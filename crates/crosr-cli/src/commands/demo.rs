//! `crosr demo`: the whole path on built-in data.

use super::eval::eval_run;
use super::fit::{defaults, fit_run};
use super::train::{Printing, TrainPlan};
use crate::args::{DatasetName, DemoArgs, EvalArgs, TrainArgs};
use crate::error::Result;
use crate::output;
use crate::run_folder::RunFolder;
use crate::source::unknown_shapes;

/// A quarter of the width learns the shapes in about a minute on two cores.
const WIDTH: f64 = 0.25;
const EPOCHS: usize = 10;

pub(super) fn run(args: &DemoArgs) -> Result<()> {
    let run = RunFolder::new(&args.out);
    let plan = TrainPlan::resolve(TrainArgs {
        dataset: Some(DatasetName::Shapes),
        width: Some(WIDTH),
        epochs: Some(EPOCHS),
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
    fit_run(&run, &defaults(&run))?;
    say("\nevaluating against shapes it has never seen\n")?;
    let report = eval_run(&run, &EvalArgs::default(), |_, seed| unknown_shapes(seed))?;
    if args.json {
        return output::json(&report);
    }
    output::text(&report.table()?)?;
    output::text(&format!(
        "metrics: {}\nscores:  {}\n",
        run.metrics().display(),
        run.scores().display()
    ))
}
