//! Open-set classification rate (Dhamija, Günther and Boult, NeurIPS 2018, Section 3).

use crate::error::{EvalError, Result};

/// A point of the curve: what a threshold lets through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OscrPoint {
    /// Samples with at least this score are taken as known; infinite for the first point.
    pub threshold: f64,
    /// Part of the unknown samples let through.
    pub fpr: f64,
    /// Part of the known samples let through and classified correctly.
    pub ccr: f64,
}

/// Correct-classification rate against false-positive rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Oscr {
    points: Vec<OscrPoint>,
    area: f64,
}

impl Oscr {
    /// Curve of samples with `scores`, larger meaning more surely known; `correct` says whether
    /// the closed-set class is right, `unknown` which samples are of no known class.
    ///
    /// # Errors
    /// [`EvalError::Length`], [`EvalError::NotFinite`] for a NaN, [`EvalError::OneSided`] without
    /// a known or without an unknown sample.
    pub fn new(scores: &[f64], correct: &[bool], unknown: &[bool]) -> Result<Self> {
        for (what, found) in [
            ("correctness flags", correct.len()),
            ("sides", unknown.len()),
        ] {
            if found != scores.len() {
                return Err(EvalError::Length {
                    what,
                    found,
                    expected: scores.len(),
                });
            }
        }
        if let Some(index) = scores.iter().position(|s| s.is_nan()) {
            let set = "OSCR".to_owned();
            return Err(EvalError::NotFinite {
                set,
                index,
                value: scores[index],
            });
        }
        let negatives = unknown.iter().filter(|&&u| u).count();
        let positives = unknown.len() - negatives;
        if positives == 0 || negatives == 0 {
            return Err(EvalError::OneSided {
                positives,
                negatives,
            });
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|&a, &b| (scores[b] + 0.0).total_cmp(&(scores[a] + 0.0)));
        let mut points = vec![OscrPoint {
            threshold: f64::INFINITY,
            fpr: 0.0,
            ccr: 0.0,
        }];
        let (mut right, mut alarms, mut doubled) = (0u64, 0u64, 0u128);
        let mut rest = order.as_slice();
        while let Some(&first) = rest.first() {
            let score = scores[first];
            let equal = rest.partition_point(|&index| scores[index] == score);
            let (before, passed) = (right, alarms);
            for &index in &rest[..equal] {
                right += u64::from(!unknown[index] && correct[index]);
                alarms += u64::from(unknown[index]);
            }
            doubled += u128::from(right + before) * u128::from(alarms - passed);
            points.push(OscrPoint {
                threshold: score + 0.0,
                fpr: alarms as f64 / negatives as f64,
                ccr: right as f64 / positives as f64,
            });
            rest = &rest[equal..];
        }
        let area = doubled as f64 / (2.0 * positives as f64 * negatives as f64);
        Ok(Self { points, area })
    }

    /// A point per distinct score, the highest first, after a first point at (0, 0).
    pub fn points(&self) -> &[OscrPoint] {
        &self.points
    }

    /// Area under the curve, from (0, 0) to (1, closed-set accuracy).
    pub fn area(&self) -> f64 {
        self.area
    }

    /// The largest correct-classification rate with at most this false-positive rate.
    pub fn ccr_at_fpr(&self, fpr: f64) -> f64 {
        let allowed = self.points.iter().filter(|point| point.fpr <= fpr);
        allowed.map(|point| point.ccr).fold(0.0, f64::max)
    }
}
