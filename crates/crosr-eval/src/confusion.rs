//! Counts of truth against prediction, and what follows from them.

use serde::{Deserialize, Serialize};

use crate::error::{EvalError, Result};

/// How often each class was taken for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    n_classes: usize,
    counts: Vec<u64>,
}

/// Precision, recall and F1 of a class or an average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Part of the samples called this class that are.
    pub precision: f64,
    /// Part of the samples of this class that are called so.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Samples of this class; of an average, all samples.
    pub support: u64,
}

/// A quotient, 0 where nothing is divided by nothing.
fn quotient(numerator: u64, denominator: u64) -> f64 {
    if denominator == 0 {
        0.0
    } else {
        numerator as f64 / denominator as f64
    }
}

impl ConfusionMatrix {
    /// Counts pairs of true and predicted class, each below `n_classes`.
    ///
    /// # Errors
    /// [`EvalError::Length`] for lists of different length, [`EvalError::Class`] for a number
    /// that is none of the classes, [`EvalError::TooManyClasses`] where the table of their pairs
    /// cannot be held.
    pub fn new(truth: &[usize], predicted: &[usize], n_classes: usize) -> Result<Self> {
        if truth.len() != predicted.len() {
            return Err(EvalError::Length {
                what: "predictions",
                found: predicted.len(),
                expected: truth.len(),
            });
        }
        let pairs = truth.iter().copied().zip(predicted.iter().copied());
        Self::count_pairs(pairs, n_classes)
    }

    /// [`ConfusionMatrix::new`] of pairs (truth, prediction).
    pub(crate) fn count_pairs(
        pairs: impl Iterator<Item = (usize, usize)>,
        n_classes: usize,
    ) -> Result<Self> {
        let mut matrix = Self::empty(n_classes)?;
        for (index, (truth, predicted)) in pairs.enumerate() {
            for (what, class) in [("truth", truth), ("prediction", predicted)] {
                if class >= n_classes {
                    return Err(EvalError::Class {
                        set: "confusion matrix".to_owned(),
                        index,
                        what,
                        class,
                        n_classes,
                    });
                }
            }
            matrix.add(truth, predicted);
        }
        Ok(matrix)
    }

    /// Without a sample.
    pub(crate) fn empty(n_classes: usize) -> Result<Self> {
        let too_many = || EvalError::TooManyClasses { n_classes };
        let cells = n_classes.checked_mul(n_classes).ok_or_else(too_many)?;
        let mut counts = Vec::new();
        counts.try_reserve_exact(cells).map_err(|_| too_many())?;
        counts.resize(cells, 0);
        Ok(Self { n_classes, counts })
    }

    /// Counts one more pair of classes, each of which the caller has made sure there is.
    pub(crate) fn add(&mut self, truth: usize, predicted: usize) {
        self.counts[truth * self.n_classes + predicted] += 1;
    }

    /// Takes in the counts of another matrix of as many classes.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Samples of class `truth` called `predicted`; 0 for classes that do not exist.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if truth.max(predicted) >= self.n_classes {
            return 0;
        }
        self.counts[truth * self.n_classes + predicted]
    }

    /// The counts, a row per true class.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts
            .chunks(self.n_classes.max(1))
            .map(<[u64]>::to_vec)
            .collect()
    }

    /// All samples.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn of_truth(&self, class: usize) -> u64 {
        (0..self.n_classes)
            .map(|other| self.count(class, other))
            .sum()
    }

    fn of_prediction(&self, class: usize) -> u64 {
        (0..self.n_classes)
            .map(|other| self.count(other, class))
            .sum()
    }

    fn right(&self) -> u64 {
        (0..self.n_classes)
            .map(|class| self.count(class, class))
            .sum()
    }

    /// Part of the samples whose class was found.
    pub fn accuracy(&self) -> f64 {
        quotient(self.right(), self.total())
    }

    /// Precision, recall and F1 = 2 TP / (2 TP + FP + FN) of one class; 0/0 counts as 0.
    pub fn class(&self, class: usize) -> ClassScores {
        let hits = self.count(class, class);
        let (support, called) = (self.of_truth(class), self.of_prediction(class));
        ClassScores {
            precision: quotient(hits, called),
            recall: quotient(hits, support),
            f1: quotient(2 * hits, support + called),
            support,
        }
    }

    /// Mean over all classes, each counting the same.
    pub fn macro_average(&self) -> ClassScores {
        self.average(&(0..self.n_classes).collect::<Vec<_>>(), |_| 1)
    }

    /// Mean over all classes, weighted by their samples.
    pub fn weighted_average(&self) -> ClassScores {
        self.average(&(0..self.n_classes).collect::<Vec<_>>(), |scores| {
            scores.support
        })
    }

    /// Mean over those classes only that occur as truth or prediction.
    pub fn macro_average_present(&self) -> ClassScores {
        let present: Vec<usize> = (0..self.n_classes)
            .filter(|&class| self.of_truth(class) + self.of_prediction(class) > 0)
            .collect();
        self.average(&present, |_| 1)
    }

    /// Precision, recall and F1 of all decisions together, which all equal the accuracy.
    pub fn micro_average(&self) -> ClassScores {
        let accuracy = self.accuracy();
        let support = self.total();
        ClassScores {
            precision: accuracy,
            recall: accuracy,
            f1: accuracy,
            support,
        }
    }

    fn average(&self, classes: &[usize], weight: impl Fn(&ClassScores) -> u64) -> ClassScores {
        let scores: Vec<ClassScores> = classes.iter().map(|&class| self.class(class)).collect();
        let total: u64 = scores.iter().map(&weight).sum();
        let mean = |value: fn(&ClassScores) -> f64| {
            if total == 0 {
                return 0.0;
            }
            let sum: f64 = scores.iter().map(|s| value(s) * weight(s) as f64).sum();
            sum / total as f64
        };
        ClassScores {
            precision: mean(|s| s.precision),
            recall: mean(|s| s.recall),
            f1: mean(|s| s.f1),
            support: self.total(),
        }
    }
}
