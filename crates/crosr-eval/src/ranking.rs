//! Telling two sides apart by a score: ROC, precision and recall, thresholds.

use crate::error::{EvalError, Result};

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
        if let Some(index) = scores.iter().position(|s| s.is_nan()) {
            return Err(EvalError::NotFinite {
                set: "ranking".to_owned(),
                index,
                value: scores[index],
            });
        }
        let positives = positive.iter().filter(|&&p| p).count();
        let negatives = positive.len() - positives;
        if positives == 0 || negatives == 0 {
            return Err(EvalError::OneSided {
                positives,
                negatives,
            });
        }
        // Adding zero makes one zero of two.
        let mut order: Vec<(f64, bool)> = scores
            .iter()
            .zip(positive)
            .map(|(&score, &p)| (score + 0.0, p))
            .collect();
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut ranking = Self {
            thresholds: vec![f64::INFINITY],
            true_positives: vec![0],
            false_positives: vec![0],
            positives: positives as u64,
            negatives: negatives as u64,
        };
        let (mut hits, mut alarms) = (0, 0);
        let mut rest = order.as_slice();
        while let Some(&(score, _)) = rest.first() {
            let equal = rest.partition_point(|&(other, _)| other == score);
            let group = rest[..equal].iter().filter(|&&(_, p)| p).count() as u64;
            hits += group;
            alarms += equal as u64 - group;
            ranking.thresholds.push(score);
            ranking.true_positives.push(hits);
            ranking.false_positives.push(alarms);
            rest = &rest[equal..];
        }
        Ok(ranking)
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

    /// Area under the ROC curve: the probability that a positive sample scores above a negative
    /// one, ties counting half (Hanley and McNeil, 1982). Counted in whole numbers.
    pub fn auroc(&self) -> f64 {
        let (mut doubled, mut last) = (0u128, (0, 0));
        for (hits, alarms) in self.points() {
            doubled += u128::from(hits + last.0) * u128::from(alarms - last.1);
            last = (hits, alarms);
        }
        doubled as f64 / (2.0 * self.positives as f64 * self.negatives as f64)
    }

    /// Average precision: Σ (recall − recall before) · precision over the thresholds.
    pub fn average_precision(&self) -> f64 {
        let mut last = 0;
        let mut sum = 0.0;
        for (hits, alarms) in self.points().skip(1) {
            sum += (hits - last) as f64 / self.positives as f64 * (hits as f64)
                / (hits + alarms) as f64;
            last = hits;
        }
        sum
    }

    /// The smallest false-positive rate of a threshold with at least this true-positive rate.
    pub fn fpr_at_tpr(&self, tpr: f64) -> f64 {
        let enough = |&(hits, _): &(u64, u64)| hits as f64 / self.positives as f64 >= tpr;
        let alarms = self
            .points()
            .find(enough)
            .map_or(self.negatives, |(_, alarms)| alarms);
        alarms as f64 / self.negatives as f64
    }

    /// Least mean of the two error rates, ½ (1 − TPR) + ½ FPR, over the thresholds.
    pub fn detection_error(&self) -> f64 {
        let error = |(hits, alarms): (u64, u64)| {
            let tpr = hits as f64 / self.positives as f64;
            0.5 * (1.0 - tpr) + 0.5 * (alarms as f64 / self.negatives as f64)
        };
        self.points().map(error).fold(f64::INFINITY, f64::min)
    }

    /// The same mean at 95 % true positives: ½ · 0.05 + ½ · FPR (Liang et al., arXiv 1706.02690).
    pub fn detection_error_at_95_tpr(&self) -> f64 {
        0.5 * 0.05 + 0.5 * self.fpr_at_tpr(0.95)
    }

    /// The first threshold with the largest TPR − FPR (Youden, 1950).
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
