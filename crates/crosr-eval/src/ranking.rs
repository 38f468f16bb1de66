//! Telling two sides apart by a score: ROC, precision and recall, thresholds.

use crate::error::{EvalError, Result};
use crate::order::{Descending, first_nan, share_of_pairs};

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
        let samples = scores.iter().copied().zip(positive.iter().copied());
        Self::count(&Descending::new(samples), |side| side)
    }

    /// Counts sorted samples, of which `positive` says the side.
    pub(crate) fn count<T: Copy>(
        samples: &Descending<T>,
        positive: impl Fn(T) -> bool,
    ) -> Result<Self> {
        let mut ranking = Self {
            thresholds: vec![f64::INFINITY],
            true_positives: vec![0],
            false_positives: vec![0],
            positives: 0,
            negatives: 0,
        };
        for (score, group) in samples.groups() {
            let hits = group.iter().filter(|&&(_, of)| positive(of)).count() as u64;
            ranking.positives += hits;
            ranking.negatives += group.len() as u64 - hits;
            ranking.thresholds.push(score);
            ranking.true_positives.push(ranking.positives);
            ranking.false_positives.push(ranking.negatives);
        }
        if ranking.positives == 0 || ranking.negatives == 0 {
            return Err(EvalError::OneSided {
                positives: ranking.positives,
                negatives: ranking.negatives,
            });
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

    fn points(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.true_positives
            .iter()
            .copied()
            .zip(self.false_positives.iter().copied())
    }

    /// A point per distinct score, the highest first, after a first point at (0, 0).
    pub fn roc_curve(&self) -> Vec<RocPoint> {
        let point = |((hits, alarms), &threshold): ((u64, u64), &f64)| RocPoint {
            threshold,
            fpr: alarms as f64 / self.negatives as f64,
            tpr: hits as f64 / self.positives as f64,
        };
        self.points().zip(&self.thresholds).map(point).collect()
    }

    /// A point per distinct score, the highest first. There is none where nothing is called
    /// positive, as that has no precision.
    pub fn precision_recall_curve(&self) -> Vec<PrecisionRecallPoint> {
        let point = |((hits, alarms), &threshold): ((u64, u64), &f64)| PrecisionRecallPoint {
            threshold,
            precision: hits as f64 / (hits + alarms) as f64,
            recall: hits as f64 / self.positives as f64,
        };
        let all = self.points().zip(&self.thresholds);
        all.skip(1).map(point).collect()
    }

    /// Area under the ROC curve: the probability that a positive sample scores above a negative
    /// one, ties counting half (Hanley and McNeil, 1982). Counted in whole numbers.
    pub fn auroc(&self) -> f64 {
        let (mut doubled, mut last) = (0u128, (0, 0));
        for (hits, alarms) in self.points() {
            doubled += u128::from(hits + last.0) * u128::from(alarms - last.1);
            last = (hits, alarms);
        }
        share_of_pairs(doubled, self.positives, self.negatives)
    }

    /// Average precision: Σ (recall − recall before) · precision over the thresholds, without
    /// interpolation (scikit-learn, `average_precision_score`).
    pub fn average_precision(&self) -> f64 {
        // Millions of terms: what each addition loses is carried along (Neumaier, 1974).
        let (mut last, mut sum, mut lost) = (0, 0.0f64, 0.0);
        for (hits, alarms) in self.points().skip(1) {
            let term = (hits - last) as f64 * (hits as f64 / (hits + alarms) as f64);
            let next = sum + term;
            lost += if sum >= term {
                (sum - next) + term
            } else {
                (term - next) + sum
            };
            (last, sum) = (hits, next);
        }
        (sum + lost) / self.positives as f64
    }

    /// The smallest false-positive rate of a threshold with at least this true-positive rate; 1
    /// where none has it, that is for rates above 1 and NaN.
    pub fn fpr_at_tpr(&self, tpr: f64) -> f64 {
        let enough = |&(hits, _): &(u64, u64)| hits as f64 / self.positives as f64 >= tpr;
        let alarms = self
            .points()
            .find(enough)
            .map_or(self.negatives, |(_, alarms)| alarms);
        alarms as f64 / self.negatives as f64
    }

    /// Least mean of the two error rates, ½ (1 − TPR) + ½ FPR, over the thresholds: 1 − the
    /// detection accuracy of Lee et al. (arXiv 1807.03888). Counted in whole numbers.
    pub fn detection_error(&self) -> f64 {
        let doubled = |(hits, alarms): (u64, u64)| {
            u128::from(self.positives - hits) * u128::from(self.negatives)
                + u128::from(alarms) * u128::from(self.positives)
        };
        // The first point, where everything is called negative, always gives ½.
        let least = self.points().map(doubled).min().unwrap_or(0);
        share_of_pairs(least, self.positives, self.negatives)
    }

    /// The same mean at 95 % true positives: ½ · 0.05 + ½ · FPR (Liang et al., arXiv 1706.02690).
    pub fn detection_error_at_95_tpr(&self) -> f64 {
        0.5 * 0.05 + 0.5 * self.fpr_at_tpr(0.95)
    }

    /// The first threshold with the largest TPR − FPR (Youden, Cancer 3, 1950).
    ///
    /// Rates are quotients of counts, subtracted: where several thresholds are equally good, this
    /// fixes which one is the first.
    pub fn youden(&self) -> Youden {
        let mut best = Youden {
            index: 0,
            j: 0.0,
            threshold: f64::INFINITY,
            f1: 0.0,
        };
        for (index, (hits, alarms)) in self.points().enumerate() {
            let j = hits as f64 / self.positives as f64 - alarms as f64 / self.negatives as f64;
            if j > best.j {
                let f1 = 2.0 * hits as f64 / (self.positives + hits + alarms) as f64;
                best = Youden {
                    index,
                    j,
                    threshold: self.thresholds[index],
                    f1,
                };
            }
        }
        best
    }
}
