//! Arguments of `crosr detectors`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// Flags of `crosr detectors`.
#[derive(ClapArgs)]
#[command(after_help = "Example, on a fitted run:
  crosr fit --run runs/cifar10 --features-out features
  crosr eval --run runs/cifar10 --outliers crop=data/Imagenet/test --features-out features
  crosr detectors --features features")]
pub(crate) struct DetectorsArgs {
    /// Folder with train, held-out and known .safetensors, as `crosr fit` and `crosr eval` leave
    /// with --features-out; every other features file in it is an outlier set
    #[arg(long, value_name = "DIR")]
    pub(crate) features: PathBuf,
    /// Detectors, comma-separated: max-softmax, max-logit, energy, entropy, z-score, mahalanobis,
    /// knn, vim, reconstruction, openmax-logits, crosr, evidence [default: all]; some of the
    /// evidence alone as evidence:KIND+KIND, of classification, distance and reconstruction
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) detectors: Vec<String>,
    /// Part of the held-out samples that each detector's threshold keeps
    #[arg(long, value_name = "PART", default_value_t = 0.9)]
    pub(crate) keep_known: f64,
    /// Supporting evidence speaks where fewer than this part of the known samples are as
    /// surprising; 1 for Fisher's method
    #[arg(long, value_name = "PART", default_value_t = 0.05)]
    pub(crate) truncation: f64,
    /// The distance that is evidence is an angle in directions of equal spread; false for the plain
    /// cosine
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) whiten: bool,
    /// Tail size of the OpenMax detectors
    #[arg(long, default_value_t = 100)]
    pub(crate) tail: usize,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
