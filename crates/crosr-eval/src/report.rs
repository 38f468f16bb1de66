//! The evaluation of a classifier that can say "unknown".

use serde::{Deserialize, Serialize};

use crate::blocks::{NamedBlocks, evaluate_blocks};
use crate::confusion::ClassScores;
use crate::error::{EvalError, Result};

/// What a classifier said of one sample, and the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredSample {
    /// The sample's class; `None` if it belongs to no known class.
    pub truth: Option<usize>,
    /// The most probable class were there no unknown: the largest logit's.
    pub closed_set_class: usize,
    /// The class it is called; `None` for "unknown".
    pub verdict: Option<usize>,
    /// K known classes, then the unknown one: K + 1 finite numbers. Only their order counts.
    pub probabilities: Vec<f64>,
}

/// Samples of no known class, under a name.
#[derive(Clone, Copy, Debug)]
pub struct OutlierSet<'a> {
    /// The set's name.
    pub name: &'a str,
    /// Its samples.
    pub samples: &'a [ScoredSample],
}

/// The evaluation object. Field names are a contract with programs that read its JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The known test samples alone.
    pub known: KnownSummary,
    /// The known samples together with each outlier set.
    pub outliers: Vec<OutlierEvaluation>,
}

/// The known test samples alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownSummary {
    /// How many there are.
    pub samples: usize,
    /// Part of them whose largest logit is that of their class.
    pub closed_set_accuracy: f64,
}

/// The known samples together with one outlier set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutlierEvaluation {
    /// The set's name.
    pub name: String,
    /// Outliers in it.
    pub samples: usize,
    /// Area under the ROC curve of the unknown probability, outliers positive.
    pub auroc: f64,
    /// Average precision, outliers positive.
    pub aupr_unknown: f64,
    /// Average precision, known samples positive.
    pub aupr_known: f64,
    /// Part of the known samples taken for unknown where 95 % of the outliers are found.
    pub fpr_at_95_tpr: f64,
    /// Part of the outliers taken for known where 95 % of the known samples are kept.
    pub fpr_at_95_tpr_known_positive: f64,
    /// Least mean of the two error rates over all thresholds.
    pub detection_error: f64,
    /// Mean of the two error rates where 95 % of the outliers are found.
    pub detection_error_at_95_tpr: f64,
    /// Area under the correct-classification rate over the false-positive rate; a sample is the
    /// more surely known the smaller its unknown probability.
    pub oscr: f64,
    /// Part of all samples called what they are, over K + 1 classes.
    pub accuracy: f64,
    /// Mean F1 over K + 1 classes.
    pub macro_f1: f64,
    /// Mean F1 weighted by the classes' samples.
    pub weighted_f1: f64,
    /// Means over K + 1 classes, each counting the same.
    pub macro_average: ClassScores,
    /// Means over K + 1 classes, weighted by their samples.
    pub weighted_average: ClassScores,
    /// F1 of the unknown class.
    pub f1_unknown: f64,
    /// Each class against all others; the unknown one comes last.
    pub classes: Vec<ClassEvaluation>,
    /// Rows truth, columns verdict; the unknown class comes last.
    pub confusion_matrix: Vec<Vec<u64>>,
}

/// One class against all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassEvaluation {
    /// The class's name.
    pub name: String,
    /// Part of the samples called so that are.
    pub precision: f64,
    /// Part of its samples called so.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Its samples.
    pub support: u64,
    /// Area under the ROC curve of the class's probability; `None` without a sample of the class
    /// or with no other.
    pub auroc: Option<f64>,
    /// Threshold on that probability with the largest TPR − FPR; `None` also where none is better
    /// than an infinite one, which calls no sample so.
    pub youden_threshold: Option<f64>,
    /// F1 at that threshold: 0 at an infinite one, `None` only where the area is.
    pub f1_at_youden: Option<f64>,
}

/// Measures known samples against each outlier set.
///
/// `class_names` are those of the K known classes. Each class, the unknown one among them, is
/// ranked by its own probability against all others. OSCR orders samples by the unknown
/// probability itself rather than by one less it: the same order, without the ties that rounding
/// would add next to 1.
///
/// # Errors
/// [`EvalError::Empty`] for a set without samples, [`EvalError::Side`] for a sample on the wrong
/// side, [`EvalError::Class`] for a class out of range, [`EvalError::Probabilities`] and
/// [`EvalError::NotFinite`] for probabilities of the wrong number or not finite: each names the
/// set, `known` or the outliers' name, and all but the first the sample.
pub fn evaluate(
    class_names: &[String],
    known: &[ScoredSample],
    outliers: &[OutlierSet<'_>],
) -> Result<Evaluation> {
    let sets: Vec<NamedBlocks<'_, EvalError>> = outliers
        .iter()
        .map(|set| -> NamedBlocks<'_, EvalError> { (set.name, &set.samples) })
        .collect();
    evaluate_blocks(class_names, &known, &sets, class_names.len() + 1)
}

/// Whether the closed-set class is that of the sample; never of an unknown one.
pub(crate) fn is_correct(sample: &ScoredSample) -> bool {
    sample.truth == Some(sample.closed_set_class)
}

/// Checks a block of samples, the first of which is the one at `start` of its set.
pub(crate) fn check(
    set: &str,
    samples: &[ScoredSample],
    start: usize,
    known: bool,
    n_classes: usize,
) -> Result<()> {
    for (index, sample) in (start..).zip(samples) {
        let set = || set.to_owned();
        if sample.truth.is_some() != known {
            let (found, expected) = if known {
                ("an outlier", "known")
            } else {
                ("of a known class", "outlier")
            };
            return Err(EvalError::Side {
                set: set(),
                index,
                found,
                expected,
            });
        }
        for (what, class) in [
            ("truth", sample.truth),
            ("verdict", sample.verdict),
            ("closed-set class", Some(sample.closed_set_class)),
        ] {
            if let Some(class) = class.filter(|&class| class >= n_classes) {
                return Err(EvalError::Class {
                    set: set(),
                    index,
                    what,
                    class,
                    n_classes,
                });
            }
        }
        let (found, expected) = (sample.probabilities.len(), n_classes + 1);
        if found != expected {
            return Err(EvalError::Probabilities {
                set: set(),
                index,
                found,
                expected,
            });
        }
        if let Some(&value) = sample.probabilities.iter().find(|p| !p.is_finite()) {
            return Err(EvalError::NotFinite {
                set: set(),
                index,
                value,
            });
        }
    }
    Ok(())
}
