//! Arguments of `crosr protocol`.

use clap::Args as ClapArgs;

use super::TrainArgs;

/// Flags of `crosr protocol`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr protocol --dataset cifar10 --epochs 25 --out runs/protocol
  crosr protocol --dataset shapes --known 4 --splits 3 --width 0.125 --epochs 4

Interrupted, the same command goes on where it stopped.")]
pub(crate) struct ProtocolArgs {
    #[command(flatten)]
    pub(crate) train: TrainArgs,
    /// Known classes of a split [default: 6 of 10]
    #[arg(long, value_name = "K")]
    pub(crate) known: Option<usize>,
    /// How many splits; CIFAR-10 has five published ones
    #[arg(long, default_value_t = 5)]
    pub(crate) splits: usize,
}
