//! Arguments of `crosr sweep`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

/// What settings can be ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Metric {
    Auroc,
    AuprUnknown,
    AuprKnown,
    /// The lower, the better
    #[value(name = "fpr-at-95-tpr")]
    FprAt95Tpr,
    Oscr,
    Accuracy,
    #[value(name = "macro-f1")]
    MacroF1,
    #[value(name = "weighted-f1")]
    WeightedF1,
    #[value(name = "f1-unknown")]
    F1Unknown,
}

/// What settings differ in, but for the tail size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Axis {
    Pooling,
    Distance,
    Softmax,
    Alpha,
    Epsilon,
}

/// Flags of `crosr sweep`.
#[derive(ClapArgs)]
#[command(after_help = "Examples, on a fitted run:
  crosr fit --run runs/cifar10 --features-out features
  crosr eval --run runs/cifar10 --outliers crop=data/Imagenet/test --features-out features
  crosr sweep --features features
  crosr sweep --features features --tails 20,100 --distances cosine --rank-by auroc --svg sweep.svg

Two poolings side by side, each fitted into a folder of its own:
  crosr sweep --features max=features-max --features mean=features-mean --svg-rows pooling,distance")]
pub(crate) struct SweepArgs {
    /// Folder with train, held-out and known .safetensors, as `crosr fit` and `crosr eval` leave
    /// with --features-out; every other features file in it is an outlier set. NAME=DIR once for
    /// each pooling to compare several
    #[arg(long, value_name = "[NAME=]DIR", required = true)]
    pub(crate) features: Vec<String>,
    /// Tail sizes
    #[arg(
        long,
        value_name = "SIZES",
        value_delimiter = ',',
        default_value = "10,20,50,100,200,500,1000"
    )]
    pub(crate) tails: Vec<usize>,
    /// Distances from the class means
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "euclidean,cosine,eucos"
    )]
    pub(crate) distances: Vec<String>,
    /// Softmax orders
    #[arg(
        long,
        value_name = "ORDERS",
        value_delimiter = ',',
        default_value = "first,last,last-clipped"
    )]
    pub(crate) softmax: Vec<String>,
    /// Numbers of classes that recalibration touches, by rank
    #[arg(
        long,
        value_name = "RANKS",
        value_delimiter = ',',
        default_value = "1,3,10"
    )]
    pub(crate) alphas: Vec<usize>,
    /// Thresholds on the largest known probability; `calibrated` is the one that keeps --keep-known
    /// of the held-out samples
    #[arg(
        long,
        value_name = "THRESHOLDS",
        value_delimiter = ',',
        default_value = "0,0.5,0.9,calibrated"
    )]
    pub(crate) epsilons: Vec<String>,
    /// Part of the held-out samples that the calibrated threshold keeps
    #[arg(long, value_name = "PART", default_value_t = 0.9)]
    pub(crate) keep_known: f64,
    /// A class with fewer correct samples than a tail gets a smaller tail; else settings with that
    /// tail size are left out
    #[arg(long)]
    pub(crate) shrink_tail: bool,
    /// Figure to rank by
    #[arg(long, value_name = "FIGURE", default_value = "macro-f1")]
    pub(crate) rank_by: Metric,
    /// Outlier set to rank on [default: the mean over all]
    #[arg(long, value_name = "NAME")]
    pub(crate) rank_on: Option<String>,
    /// Settings in the table
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top: usize,
    /// Heat map of the figure over the tail sizes, a panel for each outlier set; a cell is the best
    /// of the settings that fall into it
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// What the rows of the heat map differ in
    #[arg(
        long,
        value_name = "AXES",
        value_delimiter = ',',
        default_value = "distance,softmax"
    )]
    pub(crate) svg_rows: Vec<Axis>,
    /// Print every setting as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
