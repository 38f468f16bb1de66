//! The evaluation of a classifier that can say "unknown".

use serde::Serialize;

use crate::confusion::ConfusionMatrix;
use crate::error::{EvalError, Result};
use crate::oscr::Oscr;
use crate::ranking::Ranking;

/// What a classifier said of one sample, and the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredSample {
    /// The sample's class; `None` if it belongs to no known class.
    pub truth: Option<usize>,
    /// The most probable class were there no unknown: the largest logit's.
    pub closed_set_class: usize,
    /// The class it is called; `None` for "unknown".
    pub verdict: Option<usize>,
    /// K known classes, then the unknown one.
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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The known test samples alone.
    pub known: KnownSummary,
    /// The known samples together with each outlier set.
    pub outliers: Vec<OutlierEvaluation>,
}

/// The known test samples alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KnownSummary {
    /// How many there are.
    pub samples: usize,
    /// Part of them whose largest logit is that of their class.
    pub closed_set_accuracy: f64,
}

/// The known samples together with one outlier set.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// False-positive rate where 95 % of the outliers are found.
    pub fpr_at_95_tpr: f64,
    /// Least mean of the two error rates.
    pub detection_error: f64,
    /// Area under the open-set classification rate.
    pub oscr: f64,
    /// Part of all samples called what they are, over K + 1 classes.
    pub accuracy: f64,
    /// Mean F1 over K + 1 classes.
    pub macro_f1: f64,
    /// Mean F1 weighted by the classes' samples.
    pub weighted_f1: f64,
    /// F1 of the unknown class.
    pub f1_unknown: f64,
    /// Each class against all others; the unknown one comes last.
    pub classes: Vec<ClassEvaluation>,
    /// Rows truth, columns verdict; the unknown class comes last.
    pub confusion_matrix: Vec<Vec<u64>>,
}

/// One class against all others.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// Area under the ROC curve of the class's probability; `None` without a sample of it.
    pub auroc: Option<f64>,
    /// Threshold on that probability with the largest TPR − FPR; `None` where none is any good.
    pub youden_threshold: Option<f64>,
    /// F1 at that threshold.
    pub f1_at_youden: Option<f64>,
}

/// Measures known samples against each outlier set.
///
/// # Errors
/// An empty set, a sample on the wrong side, probabilities of the wrong number or not finite, a
/// class out of range: each names the set and the sample.
pub fn evaluate(
    class_names: &[String],
    known: &[ScoredSample],
    outliers: &[OutlierSet<'_>],
) -> Result<Evaluation> {
    check("known", known, true, class_names.len())?;
    let right = known
        .iter()
        .filter(|s| s.truth == Some(s.closed_set_class))
        .count();
    let outliers = outliers
        .iter()
        .map(|set| {
            check(set.name, set.samples, false, class_names.len())?;
            against(class_names, known, set)
        })
        .collect::<Result<_>>()?;
    Ok(Evaluation {
        known: KnownSummary {
            samples: known.len(),
            closed_set_accuracy: right as f64 / known.len() as f64,
        },
        outliers,
    })
}

fn check(set: &str, samples: &[ScoredSample], known: bool, n_classes: usize) -> Result<()> {
    if samples.is_empty() {
        return Err(EvalError::Empty {
            set: set.to_owned(),
        });
    }
    for (index, sample) in samples.iter().enumerate() {
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
        let classes = [sample.truth, sample.verdict, Some(sample.closed_set_class)];
        if let Some(class) = classes
            .into_iter()
            .flatten()
            .find(|&class| class >= n_classes)
        {
            return Err(EvalError::Class {
                set: set(),
                index,
                class,
                n_classes,
            });
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

fn against(
    class_names: &[String],
    known: &[ScoredSample],
    set: &OutlierSet<'_>,
) -> Result<OutlierEvaluation> {
    let n_classes = class_names.len();
    let samples = || known.iter().chain(set.samples);
    let number = |class: Option<usize>| class.unwrap_or(n_classes);
    let truth: Vec<usize> = samples().map(|s| number(s.truth)).collect();
    let verdicts: Vec<usize> = samples().map(|s| number(s.verdict)).collect();
    let confusion = ConfusionMatrix::new(&truth, &verdicts, n_classes + 1)?;

    let unknown: Vec<bool> = samples().map(|s| s.truth.is_none()).collect();
    let scores: Vec<f64> = samples().map(|s| s.probabilities[n_classes]).collect();
    let ranking = Ranking::new(&scores, &unknown)?;
    let negated: Vec<f64> = scores.iter().map(|s| -s).collect();
    let is_known: Vec<bool> = unknown.iter().map(|u| !u).collect();
    let correct: Vec<bool> = samples()
        .map(|s| s.truth == Some(s.closed_set_class))
        .collect();

    let names = class_names.iter().map(String::as_str).chain(["unknown"]);
    let classes = names
        .enumerate()
        .map(|(class, name)| {
            let counted = confusion.class(class);
            let positive: Vec<bool> = truth.iter().map(|&t| t == class).collect();
            let scores: Vec<f64> = samples().map(|s| s.probabilities[class]).collect();
            let ranking = match Ranking::new(&scores, &positive) {
                Ok(ranking) => Some(ranking),
                Err(EvalError::OneSided { .. }) => None,
                Err(other) => return Err(other),
            };
            let youden = ranking
                .as_ref()
                .map(Ranking::youden)
                .filter(|y| y.threshold.is_finite());
            Ok(ClassEvaluation {
                name: name.to_owned(),
                precision: counted.precision,
                recall: counted.recall,
                f1: counted.f1,
                support: counted.support,
                auroc: ranking.as_ref().map(Ranking::auroc),
                youden_threshold: youden.map(|y| y.threshold),
                f1_at_youden: youden.map(|y| y.f1),
            })
        })
        .collect::<Result<_>>()?;

    Ok(OutlierEvaluation {
        name: set.name.to_owned(),
        samples: set.samples.len(),
        auroc: ranking.auroc(),
        aupr_unknown: ranking.average_precision(),
        aupr_known: Ranking::new(&negated, &is_known)?.average_precision(),
        fpr_at_95_tpr: ranking.fpr_at_tpr(0.95),
        detection_error: ranking.detection_error(),
        oscr: Oscr::new(&negated, &correct, &unknown)?.area(),
        accuracy: confusion.accuracy(),
        macro_f1: confusion.macro_average().f1,
        weighted_f1: confusion.weighted_average().f1,
        f1_unknown: confusion.class(n_classes).f1,
        classes,
        confusion_matrix: confusion.rows(),
    })
}
