//! Arguments of `crosr eval`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde::{Deserialize, Serialize};

use super::{DatasetName, Preset};

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
