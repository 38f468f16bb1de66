//! Detectors of unknown samples that work from features alone.

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;

use crate::error::{EvalError, Result};

mod knn;
mod logits;
mod mahalanobis;
mod moments;
mod table;
mod vim;

pub use table::{FeatureTable, SampleView};

/// Something fitted that says how unknown a sample looks.
///
/// ```
/// use crosr_eval::{Detector, EvalError, FeatureTable, SampleView};
///
/// /// The gap between the two largest of two logits.
/// struct Margin;
///
/// impl Detector for Margin {
///     fn name(&self) -> &str {
///         "margin"
///     }
///     fn score(&self, sample: SampleView<'_>) -> Result<f64, EvalError> {
///         let [a, b] = [0, 1].map(|class| f64::from(sample.logits()[class]));
///         Ok(-(a - b).abs())
///     }
/// }
/// let table = FeatureTable::new(&[4.0, 1.0, 0.5, 0.0], 2, 2)?;
/// assert_eq!(Margin.scores(&table)?, [-3.0, -0.5]);
/// # Ok::<(), EvalError>(())
/// ```
pub trait Detector: Send + Sync {
    /// Its name, for tables and messages.
    fn name(&self) -> &str;

    /// How unknown the sample looks: the larger, the more likely unknown. No scale is promised.
    ///
    /// # Errors
    /// [`EvalError::Shape`] for a row of another shape than the training rows,
    /// [`EvalError::Missing`] for a sample without what the detector reads.
    fn score(&self, sample: SampleView<'_>) -> Result<f64>;

    /// The scores of all samples in order, in parallel, the same for any number of threads.
    ///
    /// # Errors
    /// Those of [`Detector::score`].
    fn scores(&self, table: &FeatureTable<'_>) -> Result<Vec<f64>> {
        let indices = (0..table.n_samples()).into_par_iter().with_min_len(64);
        indices.map(|index| self.score(table.at(index))).collect()
    }
}

/// Which columns of a row a detector reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Columns {
    /// Logits and latents.
    #[default]
    All,
    /// The K logits.
    Logits,
    /// What follows the logits.
    Latents,
}

impl Columns {
    fn of<'a>(self, sample: SampleView<'a>) -> &'a [f32] {
        match self {
            Self::All => sample.row(),
            Self::Logits => sample.logits(),
            Self::Latents => sample.latents(),
        }
    }
}

/// A published detector, to be fitted; l are a sample's logits, x its features.
///
/// Written and read as `max-softmax`, `max-logit`, `energy`, `entropy`, `z-score`, `mahalanobis`,
/// `knn`, `vim` and `reconstruction`; parameters other than the default follow a colon, as in
/// `knn:10`, `mahalanobis:logits`, `vim:32`.
///
/// ```
/// use crosr_eval::{Baseline, FeatureTable};
///
/// let rows = [5.0, 0.0, 0.0, 4.0, 0.1, 0.0];
/// let table = FeatureTable::new(&rows, 2, 2)?;
/// let energy = "energy".parse::<Baseline>()?.fit(&table)?;
/// let scores = energy.scores(&table)?;
/// assert!(scores[2] > scores[1] && scores[1] > scores[0]);
/// # Ok::<(), crosr_eval::EvalError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Baseline {
    /// −max softmax(l): Hendrycks and Gimpel, ICLR 2017, section 2.
    MaxSoftmax,
    /// −max l: Vaze et al., ICLR 2022, section 4; Hendrycks et al., ICML 2022, section 4.
    MaxLogit,
    /// −ln Σ e^l: Liu et al., NeurIPS 2020, equation 4 at temperature 1.
    Energy,
    /// −Σ p ln p, p = softmax(l), in nats.
    Entropy,
    /// −(max l − mean) / standard deviation, both of the maximum logit over the correctly
    /// classified training samples of the predicted class (population standard deviation): the
    /// CROSR reference implementation's baseline. Needs labels.
    MaxLogitZScore,
    /// Squared distance min_c (x − μ_c)ᵀ Σ⁻¹ (x − μ_c) to the class means under one covariance:
    /// Lee et al., NeurIPS 2018, equations 1 and 2. Needs labels.
    ///
    /// 10⁻⁶ of the mean variance is added to the diagonal of Σ, so that constant or dependent
    /// columns are no obstacle. Classes without samples take no part.
    Mahalanobis {
        /// The columns that make up x; by default all.
        columns: Columns,
    },
    /// Euclidean distance from x/‖x‖ to the k-th nearest training row so scaled, all columns:
    /// Sun et al., ICML 2022, section 3. Exact.
    Knn {
        /// k, from 1 to the number of training rows; by default 50.
        k: usize,
    },
    /// α ‖residual of x outside the principal subspace‖ − ln Σ e^l, α such that the mean of the
    /// first over the training set is that of max l: Wang et al., CVPR 2022, equations 5 to 7, of
    /// whose probability this is a monotone function. x are the latents, which it needs.
    ///
    /// The paper centres x where the last layer's logits vanish; that layer is not in the features,
    /// so that the training mean stands in.
    Vim {
        /// Dimensions of the principal subspace; by default half of those in which the training
        /// latents vary, rounded down.
        dimension: Option<usize>,
    },
    /// The reconstruction error, which it needs.
    ReconstructionError,
}

impl Baseline {
    /// Every baseline with its default parameters.
    pub const ALL: [Self; 9] = [
        Self::MaxSoftmax,
        Self::MaxLogit,
        Self::Energy,
        Self::Entropy,
        Self::MaxLogitZScore,
        Self::Mahalanobis {
            columns: Columns::All,
        },
        Self::Knn { k: 50 },
        Self::Vim { dimension: None },
        Self::ReconstructionError,
    ];

    /// Fits the detector to the training set; those without parameters read nothing of it.
    ///
    /// # Errors
    /// [`EvalError::Missing`] for labels or latents that it needs, [`EvalError::Unfit`] for
    /// samples or parameters that leave it undefined.
    pub fn fit(&self, train: &FeatureTable<'_>) -> Result<Box<dyn Detector>> {
        let name = self.to_string();
        Ok(match *self {
            Self::MaxLogitZScore => Box::new(logits::ZScore::fit(name, train)?),
            Self::Mahalanobis { columns } => {
                Box::new(mahalanobis::Mahalanobis::fit(name, columns, train)?)
            }
            Self::Knn { k } => Box::new(knn::Knn::fit(name, k, train)?),
            Self::Vim { dimension } => Box::new(vim::Vim::fit(name, dimension, train)?),
            direct => Box::new(logits::Direct(direct, name)),
        })
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::MaxSoftmax => "max-softmax",
            Self::MaxLogit => "max-logit",
            Self::Energy => "energy",
            Self::Entropy => "entropy",
            Self::MaxLogitZScore => "z-score",
            Self::Mahalanobis { columns } => match columns {
                Columns::All => "mahalanobis",
                Columns::Logits => "mahalanobis:logits",
                Columns::Latents => "mahalanobis:latents",
            },
            Self::Knn { k: 50 } => "knn",
            Self::Knn { k } => return write!(f, "knn:{k}"),
            Self::Vim { dimension: None } => "vim",
            Self::Vim { dimension: Some(d) } => return write!(f, "vim:{d}"),
            Self::ReconstructionError => "reconstruction",
        };
        f.pad(name)
    }
}

impl FromStr for Baseline {
    type Err = EvalError;

    fn from_str(name: &str) -> Result<Self> {
        let plain = Self::ALL.into_iter().find(|b| b.to_string() == name);
        let with_parameter = || match name.split_once(':')? {
            ("knn", k) => Some(Self::Knn { k: k.parse().ok()? }),
            ("vim", d) => Some(Self::Vim {
                dimension: Some(d.parse().ok()?),
            }),
            ("mahalanobis", "logits") => Some(Self::Mahalanobis {
                columns: Columns::Logits,
            }),
            ("mahalanobis", "latents") => Some(Self::Mahalanobis {
                columns: Columns::Latents,
            }),
            _ => None,
        };
        plain
            .or_else(with_parameter)
            .ok_or_else(|| EvalError::Baseline {
                name: name.to_owned(),
                known: Self::ALL.iter().map(ToString::to_string).collect(),
            })
    }
}

fn missing(detector: &str, what: &'static str) -> EvalError {
    EvalError::Missing {
        detector: detector.to_owned(),
        what,
    }
}

fn unfit(detector: &str, what: String) -> EvalError {
    EvalError::Unfit {
        detector: detector.to_owned(),
        what,
    }
}

/// Refuses a sample of other columns, or of other classes, than the training set's.
fn same_shape(
    detector: &str,
    sample: SampleView<'_>,
    (dim, n_classes): (Option<usize>, usize),
) -> Result<()> {
    let (found, found_classes) = (sample.row().len(), sample.logits().len());
    let expected = dim.unwrap_or(found);
    if (found, found_classes) == (expected, n_classes) {
        return Ok(());
    }
    Err(EvalError::Shape {
        detector: detector.to_owned(),
        expected,
        expected_classes: n_classes,
        found,
        found_classes,
    })
}
