//! Open-set classification rate (Dhamija, Günther and Boult, "Reducing network agnostophobia",
//! NeurIPS 2018).

use crate::error::{EvalError, Result};
use crate::order::{Groups, Steps, first_nan, share_of_pairs, sort_descending};

/// What the curve must know of a sample: the groups that it is walked in.
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
        let kinds: Vec<Kind> = kinds.collect();
        let groups = by_kind(scores, &kinds);
        let groups = Groups(groups.each_ref().map(Vec::as_slice));
        let [right, wrong, unknown] = groups.sizes();
        let area = area(groups.downwards(), groups.sizes())?;
        let mut points = vec![OscrPoint {
            threshold: f64::INFINITY,
            fpr: 0.0,
            ccr: 0.0,
        }];
        let (mut hits, mut alarms) = (0, 0);
        for (threshold, counts) in groups.downwards() {
            hits += counts[0];
            alarms += counts[2];
            points.push(OscrPoint {
                threshold,
                fpr: alarms as f64 / unknown as f64,
                ccr: hits as f64 / (right + wrong) as f64,
            });
        }
        Ok(Self { points, area })
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

/// Scores by kind, in the order of [`Kind`], each from the highest down.
pub(crate) fn by_kind(scores: &[f64], kinds: &[Kind]) -> [Vec<f64>; 3] {
    [Kind::Right, Kind::Wrong, Kind::Unknown].map(|kind| {
        let all = scores.iter().zip(kinds);
        let mut of_kind: Vec<f64> = all
            .filter(|(_, of)| **of == kind)
            .map(|(s, _)| *s)
            .collect();
        sort_descending(&mut of_kind);
        of_kind
    })
}

/// Area under the curve of samples by kind, the most surely known first; nothing is kept of them.
pub(crate) fn area(steps: Steps<'_>, sizes: [u64; 3]) -> Result<f64> {
    let [right, wrong, unknown] = sizes;
    let known = right + wrong;
    if known == 0 || unknown == 0 {
        return Err(EvalError::OneSided {
            positives: known,
            negatives: unknown,
        });
    }
    let (mut through, mut doubled) = (0u64, 0u128);
    for (_, [hits, _, alarms]) in steps {
        // Twice a trapezoid: those let through before and now, by the step to the right.
        doubled += u128::from(2 * through + hits) * u128::from(alarms);
        through += hits;
    }
    Ok(share_of_pairs(doubled, known, unknown))
}
