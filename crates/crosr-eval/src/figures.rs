//! The headline figures alone, for many scores and decisions on the same samples.

use serde::Serialize;

use crate::confusion::ConfusionMatrix;
use crate::curve::{Curve, GroupCurve};
use crate::error::{EvalError, Result};
use crate::order::{Groups, first_nan};
use crate::oscr::{self, Kind};

/// How well a score tells known samples from outliers, whatever the decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RankFigures {
    /// Area under the ROC curve, outliers positive.
    pub auroc: f64,
    /// Average precision, outliers positive.
    pub aupr_unknown: f64,
    /// Average precision, known samples positive.
    pub aupr_known: f64,
    /// Part of the known samples taken for unknown where 95 % of the outliers are found.
    pub fpr_at_95_tpr: f64,
    /// Area under the correct-classification rate over the false-positive rate.
    pub oscr: f64,
}

/// How good the decisions are, over K + 1 classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DecisionFigures {
    /// Part of all samples called what they are.
    pub accuracy: f64,
    /// Mean F1 over K + 1 classes.
    pub macro_f1: f64,
    /// Mean F1 weighted by the classes' samples.
    pub weighted_f1: f64,
    /// F1 of the unknown class.
    pub f1_unknown: f64,
}

impl RankFigures {
    /// Reads the figures off unknown probabilities by [`Kind`].
    pub(crate) fn of(by_kind: Groups<'_>) -> Result<Self> {
        // OSCR first, as it says what is missing where a side is.
        let oscr = oscr::area(by_kind.upwards(), by_kind.sizes())?;
        let unknown = unknown_curve(by_kind)?;
        Ok(Self {
            auroc: unknown.auroc(),
            aupr_unknown: unknown.average_precision(),
            aupr_known: unknown.mirrored().average_precision(),
            fpr_at_95_tpr: unknown.fpr_at_tpr(0.95),
            oscr,
        })
    }
}

/// The ROC curve of unknown probabilities by [`Kind`], outliers positive.
pub(crate) fn unknown_curve(by_kind: Groups<'_>) -> Result<GroupCurve<'_>> {
    let [right, wrong, unknown] = by_kind.sizes();
    GroupCurve::new(by_kind, [false, false, true]).ok_or(EvalError::OneSided {
        positives: unknown,
        negatives: right + wrong,
    })
}

impl DecisionFigures {
    /// Reads the figures off the counts of K + 1 classes, unknown last.
    pub(crate) fn of(confusion: &ConfusionMatrix) -> Self {
        Self {
            accuracy: confusion.accuracy(),
            macro_f1: confusion.macro_average().f1,
            weighted_f1: confusion.weighted_average().f1,
            f1_unknown: confusion.class(confusion.n_classes().saturating_sub(1)).f1,
        }
    }
}

/// Known samples beside one set of outliers, judged again and again: by many detectors, or by one
/// under many settings.
///
/// The figures are those of [`evaluate`](crate::evaluate), to the bit.
///
/// ```
/// use crosr_eval::Contest;
///
/// // Two known samples, the second mistaken for class 0; then two outliers.
/// let contest = Contest::new(2, &[0, 1], &[0, 0], 2)?;
/// assert_eq!(contest.ranked(&[0.1, 0.3, 0.2, 0.9])?.auroc, 0.75);
/// let decided = contest.decided(&[Some(0), None, Some(1), None])?;
/// assert_eq!((decided.accuracy, decided.f1_unknown), (0.5, 0.5));
/// # Ok::<(), crosr_eval::EvalError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Contest {
    n_classes: usize,
    /// True classes, known samples first; K for outliers.
    truths: Vec<usize>,
    kinds: Vec<Kind>,
}

impl Contest {
    /// Known samples with their true and their closed-set classes, `[N]` each and below
    /// `n_classes`, and a number of outliers.
    ///
    /// # Errors
    /// [`EvalError::Empty`] without a known sample or without an outlier, [`EvalError::Length`] for
    /// lists of different length, [`EvalError::Class`] for a class out of range.
    pub fn new(
        n_classes: usize,
        truths: &[usize],
        closed_set_classes: &[usize],
        n_outliers: usize,
    ) -> Result<Self> {
        for (set, samples) in [("known", truths.len()), ("outliers", n_outliers)] {
            if samples == 0 {
                return Err(EvalError::Empty {
                    set: set.to_owned(),
                });
            }
        }
        if closed_set_classes.len() != truths.len() {
            return Err(EvalError::Length {
                what: "closed-set classes",
                found: closed_set_classes.len(),
                expected: truths.len(),
            });
        }
        for (what, classes) in [("truth", truths), ("closed-set class", closed_set_classes)] {
            check_classes("known", what, classes.iter().copied().map(Some), n_classes)?;
        }
        let known = truths.iter().zip(closed_set_classes);
        let outliers = std::iter::repeat_n(Kind::Unknown, n_outliers);
        Ok(Self {
            n_classes,
            truths: [truths, &vec![n_classes; n_outliers]].concat(),
            kinds: known
                .map(|(truth, class)| Kind::of(truth == class, false))
                .chain(outliers)
                .collect(),
        })
    }

    /// Figures of a score that is larger the less known a sample looks: those of the known samples,
    /// then those of the outliers.
    ///
    /// # Errors
    /// [`EvalError::Length`] unless there is one a sample, [`EvalError::NotFinite`] for a NaN.
    pub fn ranked(&self, scores: &[f64]) -> Result<RankFigures> {
        self.check_length("scores", scores.len())?;
        if let Some(index) = first_nan(scores) {
            return Err(EvalError::NotFinite {
                set: "contest".to_owned(),
                index,
                value: scores[index],
            });
        }
        let groups = oscr::by_kind(scores, &self.kinds);
        RankFigures::of(Groups(groups.each_ref().map(Vec::as_slice)))
    }

    /// Figures of decisions, `None` for "unknown": those on the known samples, then those on the
    /// outliers.
    ///
    /// # Errors
    /// [`EvalError::Length`] unless there is one a sample, [`EvalError::Class`] for a class out of
    /// range.
    pub fn decided(&self, verdicts: &[Option<usize>]) -> Result<DecisionFigures> {
        self.check_length("verdicts", verdicts.len())?;
        check_classes(
            "contest",
            "verdict",
            verdicts.iter().copied(),
            self.n_classes,
        )?;
        let numbers = verdicts.iter().map(|class| class.unwrap_or(self.n_classes));
        let pairs = self.truths.iter().copied().zip(numbers);
        let confusion = ConfusionMatrix::count_pairs(pairs, self.n_classes + 1)?;
        Ok(DecisionFigures::of(&confusion))
    }

    fn check_length(&self, what: &'static str, found: usize) -> Result<()> {
        if found == self.truths.len() {
            return Ok(());
        }
        Err(EvalError::Length {
            what,
            found,
            expected: self.truths.len(),
        })
    }
}

/// Fails with the first class that is not below `n_classes`.
fn check_classes(
    set: &str,
    what: &'static str,
    classes: impl Iterator<Item = Option<usize>>,
    n_classes: usize,
) -> Result<()> {
    for (index, class) in classes.enumerate() {
        if let Some(class) = class.filter(|&class| class >= n_classes) {
            return Err(EvalError::Class {
                set: set.to_owned(),
                index,
                what,
                class,
                n_classes,
            });
        }
    }
    Ok(())
}
