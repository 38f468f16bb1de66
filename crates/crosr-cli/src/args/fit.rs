//! Arguments of `crosr fit`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use crosr_model::Views;
use serde::{Deserialize, Serialize};

use super::Preset;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PoolingName {
    Max,
    Mean,
}

/// How a picture is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ViewsName {
    /// As it is
    #[default]
    Single,
    /// As it is and mirrored: twice the work
    Mirrored,
    /// The same, and moved by a pixel to either side: six times the work
    Shifted,
}

impl ViewsName {
    /// As the command line and the files have it.
    pub(crate) fn name(self) -> String {
        super::name_of(&self)
    }

    /// The one of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::from_str(name, false).ok()
    }

    /// For the network.
    pub(crate) fn views(self) -> Views {
        match self {
            Self::Single => Views::Single,
            Self::Mirrored => Views::Mirrored,
            Self::Shifted => Views::Shifted,
        }
    }
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
    /// How often every picture is read, here and wherever the fitted model is used: more work for
    /// steadier decisions [default: single]
    #[arg(long, requires = "run")]
    pub(crate) views: Option<ViewsName>,
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
    /// The distance that is evidence is an angle in directions of equal spread among held-out known
    /// samples; false for that of --distance [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", requires = "run")]
    pub(crate) whiten: Option<bool>,
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
