//! Arguments of `crosr export`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// Flags of `crosr export`.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  crosr export --run runs/cifar10 --out dhrnet-cifar10.safetensors
  crosr eval --pretrained dhrnet-cifar10.safetensors --data-dir data --outliers crop=data/Imagenet/test")]
pub(crate) struct ExportArgs {
    /// Run folder, trained and fitted
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// Where to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Keep weights in single precision: twice the size, the run's figures to the last digit
    #[arg(long)]
    pub(crate) single: bool,
}
