//! Arguments of `crosr protocol`.

use clap::Args as ClapArgs;

use super::TrainArgs;

/// Flags of `crosr protocol`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr protocol --dataset cifar10 --epochs 25 --out runs/protocol
  crosr protocol --dataset cifar10 --plus 50 --epochs 25
  crosr protocol --dataset shapes --known 4 --splits 3 --width 0.125 --epochs 4

Interrupted, the same command goes on where it stopped.")]
pub(crate) struct ProtocolArgs {
    #[command(flatten)]
    pub(crate) train: TrainArgs,
    /// Known classes of a split [default: 6 of 10; as published where there are published splits]
    #[arg(long, value_name = "K")]
    pub(crate) known: Option<usize>,
    /// Four known classes of CIFAR-10, and 10 or 50 classes of CIFAR-100 as unknown ones
    #[arg(long, value_name = "CLASSES", conflicts_with = "known", value_parser = ["10", "50"])]
    pub(crate) plus: Option<String>,
    /// How many splits; cifar10, mnist, svhn and tiny-imagenet have five published ones
    #[arg(long, default_value_t = 5)]
    pub(crate) splits: usize,
}
