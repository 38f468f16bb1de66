//! One module a command.

mod altered;
mod bench;
mod compare;
mod completions;
mod convert;
mod demo;
mod detectors;
mod eval;
mod export;
mod fit;
mod fitted;
mod man;
mod predict;
mod protocol;
mod report;
mod scoring;
mod sets;
mod sweep;
mod train;
mod weibull;

use crate::args::{Args, Command};
use crate::error::{CliError, Result};

/// Runs what the arguments ask for.
pub(crate) fn run(args: Args) -> Result<()> {
    if let Some(threads) = args.threads {
        if threads == 0 {
            return Err(CliError::usage(
                "--threads 0: at least one thread is needed",
            ));
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .map_err(|e| CliError::usage(format!("--threads {threads}: {e}")))?;
    }
    match args.command {
        Command::Demo(args) => demo::run(&args),
        Command::Train(args) => train::run(args),
        Command::Fit(args) => fit::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Predict(args) => predict::run(args),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Detectors(args) => detectors::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Protocol(args) => protocol::run(args),
        Command::Weibull(command) => weibull::run(&command),
        Command::Export(args) => export::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Bench(command) => bench::run(&command),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}
