//! Raw arguments. Parsing validates and touches nothing.

mod dataset;
mod detectors;
mod eval;
mod export;
mod fit;
mod predict;
mod protocol;
mod report;
mod shell;
mod sweep;
mod train;
mod weibull;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

pub(crate) use self::dataset::DatasetName;
pub(crate) use self::detectors::DetectorsArgs;
pub(crate) use self::eval::EvalArgs;
pub(crate) use self::export::ExportArgs;
pub(crate) use self::fit::{FitArgs, PoolingName, ViewsName};
pub(crate) use self::predict::PredictArgs;
pub(crate) use self::protocol::ProtocolArgs;
pub(crate) use self::report::{CompareArgs, ReportArgs};
pub(crate) use self::shell::{CompletionsArgs, ManArgs};
pub(crate) use self::sweep::{Axis, Metric, SweepArgs};
pub(crate) use self::train::{AugmentName, ReconstructionName, ScheduleName, TrainArgs};
pub(crate) use self::weibull::{
    ColumnArgs, ExtremesArgs, TailRuleName, WeibullCommand, WeibullCompareArgs, WeibullFitArgs,
    WeibullScoreArgs, WeibullTailArgs,
};

/// Open-set recognition: train classifiers that can say "unknown".
#[derive(Parser)]
#[command(
    name = "crosr",
    version,
    about,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Examples:
  crosr demo
  crosr train --dataset folder --data-dir my-pictures
  crosr fit --run runs/folder
  crosr predict --run runs/folder new-pictures"
)]
pub(crate) struct Args {
    /// Threads to compute with [default: all cores]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Train, fit and evaluate on built-in drawn shapes: no download, about a minute
    Demo(DemoArgs),
    /// Train a DHRNet
    Train(TrainArgs),
    /// Fit mean activation vectors and Weibulls, from a run or a features file
    Fit(FitArgs),
    /// Evaluate on known data and any number of outlier sets
    Eval(EvalArgs),
    /// Judge pictures: one of the known classes, or unknown, and why
    Predict(PredictArgs),
    /// Write the HTML report of an evaluated run again
    Report(ReportArgs),
    /// Measurements of several runs side by side
    Compare(CompareArgs),
    /// Compare detectors of unknown samples on the same features
    Detectors(DetectorsArgs),
    /// Try many settings of OpenMax on the same features, ranked
    Sweep(SweepArgs),
    /// Train on some of the classes, evaluate against the others; several splits, averaged
    Protocol(ProtocolArgs),
    /// Extreme-value fitting on a column of numbers
    #[command(subcommand)]
    Weibull(WeibullCommand),
    /// Write a fitted run as one file, network and open-set model
    Export(ExportArgs),
    /// Turn a PyTorch checkpoint into a weights file
    Convert(ConvertArgs),
    /// Measure the full-width network's speed
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print a script that completes this command line in a shell
    Completions(CompletionsArgs),
    /// Print or write manual pages
    Man(ManArgs),
}

/// A value as the command line has it.
fn name_of(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Named sets of choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Preset {
    /// What works best
    #[default]
    Default,
    /// The published Python implementation: data in order, ReLU on the reconstruction, tail 100,
    /// no threshold on the largest known probability
    Reference,
    /// CROSR as its paper describes it: Euclidean distance on logits and max-pooled latents, tail
    /// 20, softmax first, unknown below a largest known probability calibrated on held-out data
    Paper,
}

/// Flags of `crosr demo`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr demo
  crosr demo --seed 2 --out runs/second --json > report.json")]
pub(crate) struct DemoArgs {
    /// Print the evaluation object on standard output and nothing else there
    #[arg(long)]
    pub(crate) json: bool,
    /// Run folder
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    pub(crate) out: PathBuf,
    /// Fixes data, weights and order
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Flags of `crosr convert`.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  crosr convert dhrnet.pt --out dhrnet.safetensors --reconstruction relu")]
pub(crate) struct ConvertArgs {
    /// PyTorch checkpoint: a state dict, or one under model_state_dict
    #[arg(value_name = "FILE.pt")]
    pub(crate) input: PathBuf,
    /// Where to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Class names, comma-separated [default: CIFAR-10's for ten classes, else class 0, class 1, …]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) classes: Vec<String>,
    /// What the network does to its reconstruction; the published code applies ReLU
    #[arg(long, default_value = "relu")]
    pub(crate) reconstruction: ReconstructionName,
    /// Print a JSON description on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// Full training steps
    Train(BenchArgs),
    /// Forward passes in evaluation mode
    Infer(BenchArgs),
}

/// Flags of `crosr bench`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr bench infer
  crosr bench train --batch 64 --threads 1 --json")]
pub(crate) struct BenchArgs {
    /// Pictures per iteration
    #[arg(long, default_value_t = 128)]
    pub(crate) batch: usize,
    /// Timed iterations
    #[arg(long, default_value_t = 20)]
    pub(crate) iters: usize,
    /// Untimed iterations before them
    #[arg(long, default_value_t = 5)]
    pub(crate) warmup: usize,
    /// cpu, cuda, metal or auto
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::{Command as Clap, CommandFactory};

    use super::Args;

    #[test]
    fn flags_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples() {
        fn check(command: &Clap) {
            if command.get_subcommands().next().is_none() {
                let examples = command.get_after_help().unwrap_or_default().to_string();
                let line = examples.contains("Example") && examples.contains("\n  ");
                assert!(line, "{}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Args::command());
    }
}
