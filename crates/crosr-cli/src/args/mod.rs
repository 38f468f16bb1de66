//! Raw arguments. Parsing validates and touches nothing.

mod detectors;
mod export;
mod predict;
mod protocol;
mod report;
mod shell;
mod sweep;
mod weibull;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

pub(crate) use self::detectors::DetectorsArgs;
pub(crate) use self::export::ExportArgs;
pub(crate) use self::predict::PredictArgs;
pub(crate) use self::protocol::ProtocolArgs;
pub(crate) use self::report::{CompareArgs, ReportArgs};
pub(crate) use self::shell::{CompletionsArgs, ManArgs};
pub(crate) use self::sweep::{Axis, Metric, SweepArgs};
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DatasetName {
    /// Ten classes of real pictures, 32x32 (`cargo xtask fetch-data`)
    Cifar10,
    /// Drawn shapes, built in
    Shapes,
    /// Pictures in one folder per class
    Folder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ScheduleName {
    OneCycle,
    Step,
    Constant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AugmentName {
    None,
    /// Horizontal flip, random crop after padding by 4 pixels
    FlipCrop,
    /// Horizontal flip, random affine, colour jitter, as published
    Reference,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReconstructionName {
    Identity,
    Relu,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PoolingName {
    Max,
    Mean,
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

/// Flags of `crosr train`; every one can stand in the `[train]` table of a config file.
#[derive(Clone, Debug, Default, ClapArgs, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(after_help = "Examples:
  crosr train --dataset cifar10 --out runs/cifar
  crosr train --dataset folder --data-dir my-pictures --epochs 30 --width 0.5
  crosr train --out runs/cifar --resume
  crosr train --config runs/cifar/config.toml --out runs/again")]
pub(crate) struct TrainArgs {
    /// What to train on [default: cifar10]
    #[arg(long)]
    pub(crate) dataset: Option<DatasetName>,
    /// Where the data lie [default: data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Train on these classes alone, comma-separated; the others are outliers for `crosr eval`
    /// (--outliers rest=builtin:rest)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) known_classes: Vec<String>,
    /// Run folder [default: runs/DATASET]
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    pub(crate) out: Option<PathBuf>,
    /// Named set of choices; single flags win over it
    #[arg(long)]
    pub(crate) preset: Option<Preset>,
    /// Passes over the training data [default: 40]
    #[arg(long)]
    pub(crate) epochs: Option<usize>,
    /// Pictures per step [default: 128]
    #[arg(long)]
    pub(crate) batch_size: Option<usize>,
    /// Highest learning rate [default: 0.05]
    #[arg(long, value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// Course of the learning rate [default: one-cycle]
    #[arg(long)]
    pub(crate) schedule: Option<ScheduleName>,
    /// Epochs between steps of the step schedule [default: a third of the epochs]
    #[arg(long, value_name = "EPOCHS")]
    pub(crate) step_every: Option<usize>,
    /// Factor of a step of the step schedule [default: 0.1]
    #[arg(long)]
    pub(crate) step_factor: Option<f64>,
    /// Momentum of SGD [default: 0.9]
    #[arg(long)]
    pub(crate) momentum: Option<f64>,
    /// L2 coefficient [default: 0.001; 0.0005 with --preset reference]
    #[arg(long)]
    pub(crate) weight_decay: Option<f64>,
    /// Whether L2 acts on biases, batch norms and the reconstruction too [default: false; true with
    /// --preset reference]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) decay_all: Option<bool>,
    /// Part of each target that is spread evenly over the classes [default: 0]
    #[arg(long, value_name = "PART")]
    pub(crate) label_smoothing: Option<f64>,
    /// Weight of the reconstruction loss beside the cross-entropy [default: 1]
    #[arg(long, value_name = "LAMBDA")]
    pub(crate) reconstruction_weight: Option<f64>,
    /// Activation of the reconstruction [default: identity]
    #[arg(long)]
    pub(crate) reconstruction: Option<ReconstructionName>,
    /// Factor on the network's width [default: 1]
    #[arg(long)]
    pub(crate) width: Option<f64>,
    /// Probability of dropping a value after each encoder stage [default: 0.15; 0.25 with --preset
    /// reference]
    #[arg(long, value_name = "P")]
    pub(crate) conv_dropout: Option<f32>,
    /// Probability of dropping a value after fc4 and fc5 [default: 0.4; 0.5 with --preset reference]
    #[arg(long, value_name = "P")]
    pub(crate) fc_dropout: Option<f32>,
    /// Pictures are brought to this width and height [default: 32]
    #[arg(long, value_name = "PIXELS")]
    pub(crate) image_size: Option<usize>,
    /// Changes to training pictures [default: flip-crop]
    #[arg(long)]
    pub(crate) augment: Option<AugmentName>,
    /// Side of a square at a random place that is erased from each training picture, in pixels
    /// [default: 0]
    #[arg(long, value_name = "PIXELS")]
    pub(crate) erase: Option<usize>,
    /// Fresh order of the training data each epoch [default: true]
    #[arg(long, value_name = "BOOL")]
    pub(crate) shuffle: Option<bool>,
    /// Part of the training data held out for validation and calibration [default: 0.1]
    #[arg(long, value_name = "PART")]
    pub(crate) held_out: Option<f64>,
    /// Train on this many pictures only, chosen by the seed
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Fixes weights, order, augmentation and dropout [default: 0]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// cpu, cuda, metal or auto [default: auto]
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// Go on from the last epoch in the run folder
    #[arg(long)]
    #[serde(skip)]
    pub(crate) resume: bool,
    /// Replace a network that the run folder already holds
    #[arg(long, conflicts_with = "resume")]
    #[serde(skip)]
    pub(crate) overwrite: bool,
    /// Print one JSON object an epoch on standard output
    #[arg(long)]
    #[serde(skip)]
    pub(crate) json: bool,
    /// TOML file that gives any of these flags in its `train` table; the command line wins
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,
}

/// Flags of `crosr fit`.
#[derive(Clone, Debug, Default, ClapArgs, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(after_help = "Examples:
  crosr fit --run runs/cifar --data-dir data
  crosr fit --features train.safetensors --tail 20 --out openset.safetensors")]
pub(crate) struct FitArgs {
    /// Run folder to fit
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "features",
        required_unless_present = "features"
    )]
    #[serde(skip)]
    pub(crate) run: Option<PathBuf>,
    /// Features file: .safetensors, or .npy (labels in the .npy beside it)
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) features: Option<PathBuf>,
    /// Where to write [default: RUN/openset.safetensors]
    #[arg(long, value_name = "FILE", required_unless_present = "run")]
    #[serde(skip)]
    pub(crate) out: Option<PathBuf>,
    /// Where the data lie, if not where they were at training
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Named set of choices; single flags win over it
    #[arg(long)]
    pub(crate) preset: Option<Preset>,
    /// Largest distances per class that the Weibull is fitted to [default: 20; 100 with --run]
    #[arg(long)]
    pub(crate) tail: Option<usize>,
    /// euclidean, cosine or eucos [default: euclidean; cosine with --run]
    #[arg(long)]
    pub(crate) distance: Option<String>,
    /// Known classes, the first columns of the features [default: the highest label + 1]
    #[arg(long, value_name = "K")]
    pub(crate) classes: Option<usize>,
    /// How latents become vectors [default: max]
    #[arg(long)]
    pub(crate) pooling: Option<PoolingName>,
    /// Read every picture together with its mirror image, here and wherever the fitted model is
    /// used: twice the work for steadier decisions [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) mirror: Option<bool>,
    /// Known pictures to keep: sets the threshold on held-out known data [default: 0.85]
    #[arg(long, value_name = "PART")]
    pub(crate) keep_known: Option<f64>,
    /// Softmax order that the threshold is set for: first, last or last-clipped [default: first]
    #[arg(long)]
    pub(crate) softmax: Option<String>,
    /// Classes that recalibration touches, by rank [default: 10]
    #[arg(long)]
    pub(crate) alpha: Option<usize>,
    /// Also write the activation vectors of training and held-out data as features files
    #[arg(long, value_name = "DIR", requires = "run")]
    #[serde(skip)]
    pub(crate) features_out: Option<PathBuf>,
    /// What the decision goes by, comma-separated: classification, distance, reconstruction
    /// [default: all]
    #[arg(long, value_name = "KINDS", value_delimiter = ',', requires = "run")]
    pub(crate) evidence: Vec<String>,
    /// Supporting evidence (distance, reconstruction) speaks where fewer than this part of the
    /// known samples are as surprising; 1 for Fisher's method [default: 0.05]
    #[arg(long, value_name = "PART", requires = "run")]
    pub(crate) truncation: Option<f64>,
    /// A class with fewer correct samples than the tail gets a smaller tail instead of an error
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) shrink_tail: Option<bool>,
    /// cpu, cuda, metal or auto [default: auto]
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// TOML file that gives any of these flags in its `fit` table; the command line wins
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,
}

/// Flags of `crosr eval`.
#[derive(Clone, Debug, Default, ClapArgs, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(after_help = "Examples:
  crosr eval --run runs/cifar --outliers crop=data/Imagenet/test --outliers noise=builtin:gaussian
  crosr eval --pretrained cifar10 --outliers noise=builtin:uniform --report report.html
  crosr eval --openset openset.safetensors --known test.safetensors --unknown svhn=svhn.safetensors --json")]
pub(crate) struct EvalArgs {
    /// Run folder to evaluate
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "openset",
        required_unless_present_any = ["openset", "pretrained"]
    )]
    #[serde(skip)]
    pub(crate) run: Option<PathBuf>,
    /// Weights that come with the repository (cifar10), or a file from `crosr export`
    #[arg(long, value_name = "NAME|FILE", conflicts_with_all = ["run", "openset"])]
    #[serde(skip)]
    pub(crate) pretrained: Option<PathBuf>,
    /// Known test data for --pretrained [default: cifar10]
    #[arg(long, requires = "pretrained")]
    #[serde(skip)]
    pub(crate) dataset: Option<DatasetName>,
    /// Fitted model, to evaluate features files
    #[arg(long, value_name = "FILE", requires = "known")]
    #[serde(skip)]
    pub(crate) openset: Option<PathBuf>,
    /// Features file of known test samples
    #[arg(long, value_name = "FILE", requires = "openset")]
    #[serde(skip)]
    pub(crate) known: Option<PathBuf>,
    /// Features file of outliers
    #[arg(long, value_name = "NAME=FILE", requires = "openset")]
    #[serde(skip)]
    pub(crate) unknown: Vec<String>,
    /// Outlier pictures: a folder, or builtin:gaussian, builtin:uniform, builtin:shapes,
    /// builtin:rest (classes not trained on)
    #[arg(long, value_name = "NAME=PATH", conflicts_with = "openset")]
    pub(crate) outliers: Vec<String>,
    /// Also count how many of the known pictures are rejected once changed a little: rotate=DEGREES,
    /// brightness=FACTOR, blur=PIXELS, comma-separated
    #[arg(
        long,
        value_name = "CHANGES",
        value_delimiter = ',',
        conflicts_with = "openset"
    )]
    pub(crate) altered: Vec<String>,
    /// Also write the activation vectors of each set as a features file, DIR/NAME.safetensors
    #[arg(long, value_name = "DIR", conflicts_with = "openset")]
    #[serde(skip)]
    pub(crate) features_out: Option<PathBuf>,
    /// Where the known data lie, if not where they were at training
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Named set of choices; single flags win over it
    #[arg(long)]
    pub(crate) preset: Option<Preset>,
    /// first, last or last-clipped [default: as fitted, else first]
    #[arg(long)]
    pub(crate) softmax: Option<String>,
    /// Classes that recalibration touches, by rank [default: as fitted, else 10]
    #[arg(long)]
    pub(crate) alpha: Option<usize>,
    /// Unknown if the largest known probability is below this [default: as fitted for this
    /// softmax order and alpha, else 0]
    #[arg(long)]
    pub(crate) epsilon: Option<f64>,
    /// cpu, cuda, metal or auto [default: auto]
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// Write the HTML report here [default: RUN/report.html; without --run, nowhere]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) report: Option<PathBuf>,
    /// Print the evaluation object on standard output and nothing else there
    #[arg(long)]
    #[serde(skip)]
    pub(crate) json: bool,
    /// TOML file that gives any of these flags in its `eval` table; the command line wins
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,
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
