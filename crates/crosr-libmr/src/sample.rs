//! Scores with weights, and scores that are known only to be at least so extreme.

use crate::{
    error::FitError,
    tail::{Tail, TailSide},
};

/// Scores with optional weights and censoring flags, for [`CheckedParams::fit_sample`].
///
/// A weight of `k` counts like `k` equal scores, so a weight of 0 is no score at all. A
/// *censored* score is one whose true value is known only to be at least as extreme: right
/// censored for [`TailSide::High`], left censored for [`TailSide::Low`].
///
/// ```
/// use crosr_libmr::{Sample, WeibullParams};
///
/// # fn main() -> Result<(), crosr_libmr::FitError> {
/// // Hours to failure; two units still ran when the test ended after 100 hours.
/// let hours = [12.0, 35.0, 50.0, 71.0, 100.0];
/// let units = [1.0, 2.0, 1.0, 1.0, 2.0];
/// let running = [false, false, false, false, true];
/// let sample = Sample::new(&hours).weights(&units).censored(&running);
/// // The tail is the whole list, and translate the smallest score: the data are the hours.
/// let (weibull, _) = WeibullParams::new(5).translate(12.0).check()?.fit_sample(&sample)?;
/// assert!(70.0 < weibull.scale() && weibull.scale() < 85.0);
/// # Ok(())
/// # }
/// ```
///
/// [`CheckedParams::fit_sample`]: crate::CheckedParams::fit_sample
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    scores: &'a [f64],
    weights: Option<&'a [f64]>,
    censored: Option<&'a [bool]>,
}

/// Weights and censoring of a tail, in the order of its data.
#[derive(Debug)]
pub(crate) struct Weighting {
    /// Weights over the largest weight, above 0.
    pub(crate) weights: Vec<f64>,
    /// Whether the datum is known only to be at least this large.
    pub(crate) censored: Vec<bool>,
    /// The largest weight.
    pub(crate) unit: f64,
}

/// One score of the tail, ordered by score, then weight, then censoring: so that the tail is
/// the same for every order of the rows.
#[derive(Clone, Copy)]
struct Row {
    s: f64,
    weight: f64,
    censored: bool,
}

impl Row {
    fn order(&self, other: &Row) -> std::cmp::Ordering {
        self.s
            .total_cmp(&other.s)
            .then(self.weight.total_cmp(&other.weight))
            .then(self.censored.cmp(&other.censored))
    }
}

impl<'a> Sample<'a> {
    /// Scores that all have weight 1 and none of which is censored.
    pub fn new(scores: &'a [f64]) -> Self {
        Sample {
            scores,
            weights: None,
            censored: None,
        }
    }

    /// A weight for every score, finite and not negative. Default: all `1`.
    pub fn weights(mut self, weights: &'a [f64]) -> Self {
        self.weights = Some(weights);
        self
    }

    /// For every score, whether it is censored. Default: none is.
    pub fn censored(mut self, censored: &'a [bool]) -> Self {
        self.censored = Some(censored);
        self
    }

    /// The tail of the rows with a weight, and the weighting in the order of its data.
    pub(crate) fn tail(
        &self,
        tail_size: usize,
        side: TailSide,
        translate: f64,
    ) -> Result<(Tail, Weighting), FitError> {
        let mut rows = self.rows(side)?;
        if tail_size > rows.len() {
            return Err(FitError::TooFewScores {
                tail_size,
                given: rows.len(),
            });
        }
        let below = rows.len() - tail_size;
        if below > 0 {
            rows.select_nth_unstable_by(below, Row::order);
            rows.drain(..below);
        }
        rows.sort_unstable_by(Row::order);

        let tail = Tail::translated(rows.iter().map(|row| row.s).collect(), side, translate)?;
        let unit = rows.iter().map(|row| row.weight).fold(0.0, f64::max);
        let total: f64 = rows.iter().map(|row| row.weight).sum();
        let weights: Vec<f64> = rows.iter().map(|row| row.weight / unit).collect();
        // A weight that vanishes beside the largest could leave the largest datum without one.
        if !total.is_finite() || weights.iter().any(|weight| !weight.is_normal()) {
            return Err(FitError::WeightRange {
                largest: unit,
                smallest: rows
                    .iter()
                    .map(|row| row.weight)
                    .fold(f64::INFINITY, f64::min),
            });
        }
        let weighting = Weighting {
            weights,
            censored: rows.iter().map(|row| row.censored).collect(),
            unit,
        };
        Ok((tail, weighting))
    }

    /// The rows with a weight, `sign` applied.
    fn rows(&self, side: TailSide) -> Result<Vec<Row>, FitError> {
        let scores = self.scores.len();
        for (what, given) in [
            ("weights", self.weights.map(<[f64]>::len)),
            ("censoring flags", self.censored.map(<[bool]>::len)),
        ] {
            if let Some(given) = given.filter(|given| *given != scores) {
                return Err(FitError::Lengths {
                    what,
                    given,
                    scores,
                });
            }
        }
        let mut rows = Vec::with_capacity(scores);
        for (index, &value) in self.scores.iter().enumerate() {
            if !value.is_finite() {
                return Err(FitError::NonFinite { index, value });
            }
            let weight = self.weights.map_or(1.0, |weights| weights[index]);
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(FitError::Weight {
                    index,
                    value: weight,
                });
            }
            if weight > 0.0 {
                rows.push(Row {
                    s: side.sign() * value + 0.0,
                    weight,
                    censored: self.censored.is_some_and(|censored| censored[index]),
                });
            }
        }
        Ok(rows)
    }
}
