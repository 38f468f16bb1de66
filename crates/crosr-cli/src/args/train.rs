//! Arguments of `crosr train`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{DatasetName, Preset};

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
    /// The same without the flip, for what is written
    Crop,
    /// Horizontal flip, random affine, colour jitter, as published
    Reference,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReconstructionName {
    Identity,
    Relu,
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
    /// Largest L2 norm of a step's gradients; longer ones are shortened to it, as by PyTorch's
    /// clip_grad_norm_; 0 for no limit [default: 0]
    #[arg(long, value_name = "NORM")]
    pub(crate) clip_gradients: Option<f64>,
    /// Batches whose loss or gradients are no finite numbers, or whose loss explodes, that may be
    /// skipped in the whole training before it stops [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) skip_bad_batches: Option<u64>,
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
    /// Changes to training pictures [default: flip-crop; crop for digits and letters]
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
