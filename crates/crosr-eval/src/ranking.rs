//! Telling two sides apart by a score: ROC, precision and recall, thresholds.

use crate::curve::{Curve, GroupCurve, Point};
use crate::error::{EvalError, Result};
use crate::order::{Groups, first_nan, sort_descending};

/// Positive and negative samples at or above each distinct score, from the highest down.
///
/// Samples of one score enter together, as no threshold can part them; -0.0 and 0.0 are one
/// score.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    thresholds: Vec<f64>,
    true_positives: Vec<u64>,
    false_positives: Vec<u64>,
    positives: u64,
    negatives: u64,
}

/// A point of the ROC curve: what a threshold does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Samples with at least this score are called positive; infinite for the first point.
    pub threshold: f64,
    /// Part of the negative samples called positive.
    pub fpr: f64,
    /// Part of the positive samples called positive.
    pub tpr: f64,
}

/// A point of the precision-recall curve: what a threshold does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Samples with at least this score are called positive.
    pub threshold: f64,
    /// Part of the samples called positive that are.
    pub precision: f64,
    /// Part of the positive samples called positive.
    pub recall: f64,
}

/// The threshold that parts two sides best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Youden {
    /// Its place among [`Ranking::roc_curve`]'s points.
    pub index: usize,
    /// Its true-positive rate less its false-positive rate.
    pub j: f64,
    /// The threshold; infinite where no threshold beats calling everything negative.
    pub threshold: f64,
    /// F1 of the positive side at it.
    pub f1: f64,
}

impl Ranking {
    /// Sorts `scores`, larger meaning positive, where `positive` says which side each is on.
    ///
    /// # Errors
    /// [`EvalError::Length`], [`EvalError::NotFinite`] for a NaN (infinities have a rank),
    /// [`EvalError::OneSided`].
    pub fn new(scores: &[f64], positive: &[bool]) -> Result<Self> {
        if scores.len() != positive.len() {
            return Err(EvalError::Length {
                what: "scores",
                found: scores.len(),
                expected: positive.len(),
            });
        }
        if let Some(index) = first_nan(scores) {
            return Err(EvalError::NotFinite {
                set: "ranking".to_owned(),
                index,
                value: scores[index],
            });
        }
        let of_side = |side: bool| -> Vec<f64> {
            let all = scores.iter().zip(positive);
            let mut scores: Vec<f64> = all.filter(|(_, s)| **s == side).map(|(s, _)| *s).collect();
            sort_descending(&mut scores);
            scores
        };
        let (positives, negatives) = (of_side(true), of_side(false));
        let groups = Groups([&positives, &negatives, &[]]);
        let curve = GroupCurve::new(groups, [true, false, false]).ok_or(EvalError::OneSided {
            positives: positives.len() as u64,
            negatives: negatives.len() as u64,
        })?;
        let mut ranking = Self {
            thresholds: Vec::new(),
            true_positives: Vec::new(),
            false_positives: Vec::new(),
            positives: positives.len() as u64,
            negatives: negatives.len() as u64,
        };
        for point in curve.points() {
            ranking.thresholds.push(point.threshold);
            ranking.true_positives.push(point.hits);
            ranking.false_positives.push(point.alarms);
        }
        Ok(ranking)
    }

    /// The same samples by negated score and with the sides exchanged: how well a low score finds
    /// the negative side. Needs no sorting.
    pub fn mirrored(&self) -> Self {
        let thresholds = self.thresholds[1..].iter().rev().map(|score| 0.0 - score);
        // What lies below a threshold is everything less what lies at or above the one before.
        let below = |counts: &[u64], all: u64| -> Vec<u64> {
            let others = counts.iter().rev().map(|count| all - count);
            others.collect()
        };
        Self {
            thresholds: std::iter::once(f64::INFINITY).chain(thresholds).collect(),
            true_positives: below(&self.false_positives, self.negatives),
            false_positives: below(&self.true_positives, self.positives),
            positives: self.negatives,
            negatives: self.positives,
        }
    }

    /// A point per distinct score, the highest first, after a first point at (0, 0).
    pub fn roc_curve(&self) -> Vec<RocPoint> {
        let point = |point: Point| RocPoint {
            threshold: point.threshold,
            fpr: point.alarms as f64 / self.negatives as f64,
            tpr: point.hits as f64 / self.positives as f64,
        };
        self.points().map(point).collect()
    }

    /// A point per distinct score, the highest first. There is none where nothing is called
    /// positive, as that has no precision.
    pub fn precision_recall_curve(&self) -> Vec<PrecisionRecallPoint> {
        let point = |point: Point| PrecisionRecallPoint {
            threshold: point.threshold,
            precision: point.hits as f64 / (point.hits + point.alarms) as f64,
            recall: point.hits as f64 / self.positives as f64,
        };
        self.points().skip(1).map(point).collect()
    }

    /// Area under the ROC curve: the probability that a positive sample scores above a negative
    /// one, ties counting half (Hanley and McNeil, 1982). Counted in whole numbers.
    pub fn auroc(&self) -> f64 {
        Curve::auroc(self)
    }

    /// Average precision: Σ (recall − recall before) · precision over the thresholds, without
    /// interpolation (scikit-learn, `average_precision_score`).
    pub fn average_precision(&self) -> f64 {
        Curve::average_precision(self)
    }

    /// The smallest false-positive rate of a threshold with at least this true-positive rate; 1
    /// where none has it, that is for rates above 1 and NaN.
    pub fn fpr_at_tpr(&self, tpr: f64) -> f64 {
        Curve::fpr_at_tpr(self, tpr)
    }

    /// Least mean of the two error rates, ½ (1 − TPR) + ½ FPR, over the thresholds: 1 − the
    /// detection accuracy of Lee et al. (arXiv 1807.03888). Counted in whole numbers.
    pub fn detection_error(&self) -> f64 {
        Curve::detection_error(self)
    }

    /// The same mean at 95 % true positives: ½ · 0.05 + ½ · FPR (Liang et al., arXiv 1706.02690).
    pub fn detection_error_at_95_tpr(&self) -> f64 {
        Curve::detection_error_at_95_tpr(self)
    }

    /// The first threshold with the largest TPR − FPR (Youden, Cancer 3, 1950).
    ///
    /// Rates are quotients of counts, subtracted: where several thresholds are equally good, this
    /// fixes which one is the first.
    pub fn youden(&self) -> Youden {
        Curve::youden(self)
    }
}

impl Curve for Ranking {
    fn sides(&self) -> (u64, u64) {
        (self.positives, self.negatives)
    }

    fn points(&self) -> impl Iterator<Item = Point> {
        let counts = self.true_positives.iter().zip(&self.false_positives);
        let all = self.thresholds.iter().zip(counts);
        all.map(|(&threshold, (&hits, &alarms))| Point {
            threshold,
            hits,
            alarms,
        })
    }
}
