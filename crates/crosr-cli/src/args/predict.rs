//! Arguments of `crosr predict`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// Flags of `crosr predict`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr predict --run runs/cifar10 photo.jpg holiday-photos
  crosr predict --pretrained cifar10 'photos/*.png' --csv > verdicts.csv
  find . -name '*.jpg' | crosr predict --run runs/cifar10 --jsonl -

One line a picture, in the order of the paths. A picture that cannot be read gets a line with its
error, the others are still judged, and the exit code is 1.")]
pub(crate) struct PredictArgs {
    /// Run folder, trained and fitted
    #[arg(long, value_name = "DIR", required_unless_present = "pretrained")]
    pub(crate) run: Option<PathBuf>,
    /// Weights that come with the repository (cifar10), or a file from `crosr export`
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "run")]
    pub(crate) pretrained: Option<PathBuf>,
    /// Pictures (PNG, JPEG), folders with all pictures below them, patterns like 'photos/*.png';
    /// - reads paths from standard input, one a line
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Print a table of comma-separated values
    #[arg(long, conflicts_with = "jsonl")]
    pub(crate) csv: bool,
    /// Print a JSON object a picture, one a line
    #[arg(long)]
    pub(crate) jsonl: bool,
    /// cpu, cuda, metal or auto [default: auto]
    #[arg(long)]
    pub(crate) device: Option<String>,
}
