//! The tail as raw scores, for families that need no translation.

use crate::{
    error::{FitError, ParamError},
    families::{Family, FamilyError},
    tail::TailSide,
};

/// Scores after the sign of the side, ascending.
#[derive(Debug)]
pub(crate) struct SortedScores {
    side: TailSide,
    /// All scores, or the most extreme ones.
    ascending: Vec<f64>,
    /// The number of all scores.
    n_scores: usize,
}

impl SortedScores {
    /// Sorts `s = sign x` of all scores.
    ///
    /// # Errors
    /// [`FitError::NonFinite`] for a NaN or an infinity.
    pub(crate) fn new(scores: &[f64], side: TailSide) -> Result<Self, FitError> {
        Self::most_extreme(scores, side, scores.len())
    }

    /// Sorts what tails of up to `tail_size` scores need, the next score included.
    ///
    /// # Errors
    /// [`FitError::NonFinite`] for a NaN or an infinity, in the tail or not.
    pub(crate) fn for_tail(
        scores: &[f64],
        side: TailSide,
        tail_size: usize,
    ) -> Result<Self, FitError> {
        Self::most_extreme(scores, side, tail_size.saturating_add(1))
    }

    fn most_extreme(scores: &[f64], side: TailSide, n_kept: usize) -> Result<Self, FitError> {
        if let Some(index) = scores.iter().position(|score| !score.is_finite()) {
            return Err(FitError::NonFinite {
                index,
                value: scores[index],
            });
        }
        // Adding 0.0 turns -0.0 into 0.0, so that equal scores have equal bits.
        let mut ascending: Vec<f64> = scores.iter().map(|x| side.sign() * x + 0.0).collect();
        let below = scores.len().saturating_sub(n_kept);
        if below > 0 && n_kept > 0 {
            ascending.select_nth_unstable_by(below, f64::total_cmp);
            ascending.drain(..below);
        }
        ascending.sort_unstable_by(f64::total_cmp);
        Ok(SortedScores {
            side,
            ascending,
            n_scores: scores.len(),
        })
    }

    /// The sorted `s`, ascending.
    pub(crate) fn ascending(&self) -> &[f64] {
        &self.ascending
    }

    /// The tail of `tail_size` scores.
    ///
    /// # Errors
    /// [`ParamError::TailSize`] below 2, [`FitError::TooFewScores`], [`FitError::NoSpread`]
    /// and [`FamilyError::RangeOverflow`].
    pub(crate) fn extremes(&self, tail_size: usize) -> Result<Extremes<'_>, FamilyError> {
        let n = self.ascending.len();
        if tail_size < 2 {
            return Err(ParamError::TailSize { given: tail_size }.into());
        }
        if tail_size > n {
            return Err(FitError::TooFewScores {
                tail_size,
                given: self.n_scores,
            }
            .into());
        }
        let (below, ascending) = self.ascending.split_at(n - tail_size);
        let extremes = Extremes {
            side: self.side,
            ascending,
            next: below.last().copied(),
        };
        let sign = self.side.sign();
        let (least, most) = (extremes.least(), extremes.most());
        if least == most {
            return Err(FitError::NoSpread {
                tail_size,
                value: sign * least,
            }
            .into());
        }
        if !(most - extremes.next.unwrap_or(least)).is_finite() {
            return Err(FamilyError::RangeOverflow {
                least_extreme: sign * least,
                most_extreme: sign * most,
            });
        }
        Ok(extremes)
    }
}

/// The tail of a list of scores: `s = sign x`, ascending, finite, the first and the last
/// different, their distance a finite number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extremes<'a> {
    pub(crate) side: TailSide,
    pub(crate) ascending: &'a [f64],
    /// The most extreme `s` that does not belong to the tail.
    pub(crate) next: Option<f64>,
}

impl Extremes<'_> {
    /// The smallest `s` of the tail.
    pub(crate) fn least(&self) -> f64 {
        self.ascending[0]
    }

    /// The largest `s` of the tail.
    pub(crate) fn most(&self) -> f64 {
        self.ascending[self.ascending.len() - 1]
    }

    /// Fails unless there are as many scores as `family` has parameters.
    pub(crate) fn check_size(&self, family: Family) -> Result<(), FamilyError> {
        let needed = family.n_parameters();
        if self.ascending.len() < needed {
            return Err(FamilyError::TailTooSmall {
                family,
                tail_size: self.ascending.len(),
                needed,
            });
        }
        Ok(())
    }
}
