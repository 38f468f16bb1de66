//! Open-set classification rate (Dhamija, Günther and Boult, "Reducing network agnostophobia",
//! NeurIPS 2018).

use crate::error::{EvalError, Result};
use crate::order::{Descending, first_nan, share_of_pairs};

/// What the curve must know of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of a known class, which is also the closed-set class.
    Right,
    /// Of a known class, with another closed-set class.
    Wrong,
    /// Of no known class.
    Unknown,
}

impl Kind {
    /// The kind of a sample; whether an unknown one is called correct is of no account.
    pub(crate) fn of(correct: bool, unknown: bool) -> Self {
        match (correct, unknown) {
            (_, true) => Self::Unknown,
            (true, false) => Self::Right,
            (false, false) => Self::Wrong,
        }
    }
}

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
        if let Some(index) = first_nan(scores) {
            return Err(EvalError::NotFinite {
                set: "OSCR".to_owned(),
                index,
                value: scores[index],
            });
        }
        let kinds = correct.iter().zip(unknown).map(|(&c, &u)| Kind::of(c, u));
        let samples = Descending::new(scores.iter().copied().zip(kinds));
        Self::count(samples.groups())
    }

    /// Counts groups of equal score, the most surely known first.
    pub(crate) fn count<'a>(
        groups: impl Iterator<Item = (f64, &'a [(f64, Kind)])>,
    ) -> Result<Self> {
        let mut steps = vec![(f64::INFINITY, 0, 0)];
        let (mut right, mut known, mut unknown, mut doubled) = (0u64, 0u64, 0u64, 0u128);
        for (threshold, group) in groups {
            let count = |kind| group.iter().filter(|&&(_, of)| of == kind).count() as u64;
            let (hits, alarms) = (count(Kind::Right), count(Kind::Unknown));
            // Twice a trapezoid: those let through before and now, by the step to the right.
            doubled += u128::from(2 * right + hits) * u128::from(alarms);
            right += hits;
            unknown += alarms;
            known += group.len() as u64 - alarms;
            steps.push((threshold, unknown, right));
        }
        if known == 0 || unknown == 0 {
            return Err(EvalError::OneSided {
                positives: known,
                negatives: unknown,
            });
        }
        let point = |(threshold, alarms, right)| OscrPoint {
            threshold,
            fpr: alarms as f64 / unknown as f64,
            ccr: right as f64 / known as f64,
        };
        Ok(Self {
            points: steps.into_iter().map(point).collect(),
            area: share_of_pairs(doubled, known, unknown),
        })
    }

    /// A point per distinct score, the highest first, after a first point at (0, 0).
    pub fn points(&self) -> &[OscrPoint] {
        &self.points
    }

    /// Area under the curve, from (0, 0) to (1, closed-set accuracy): the part of all pairs of a
    /// known and an unknown sample where the known one is correct and scores higher, ties counting
    /// half. Counted in whole numbers.
    pub fn area(&self) -> f64 {
        self.area
    }

    /// The largest correct-classification rate with at most this false-positive rate.
    pub fn ccr_at_fpr(&self, fpr: f64) -> f64 {
        let allowed = self.points.iter().filter(|point| point.fpr <= fpr);
        allowed.map(|point| point.ccr).fold(0.0, f64::max)
    }
}
