//! The tail sizes among which a rule chooses.

use crate::tail_size::TailSizeError;

/// The tail sizes among which [`choose_tail_size`](crate::choose_tail_size) chooses.
///
/// ```
/// use crosr_libmr::TailCandidates;
///
/// # fn main() -> Result<(), crosr_libmr::TailSizeError> {
/// let candidates = TailCandidates::geometric(10, 160, 5)?;
/// assert_eq!(candidates.sizes(1000)?, [10, 20, 40, 80, 160]);
/// assert_eq!(candidates.sizes(50)?, [10, 15, 22, 33, 50]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailCandidates(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// 20 to half of the scores.
    Default,
    Geometric {
        smallest: usize,
        largest: usize,
        points: usize,
    },
    List(Vec<usize>),
}

impl Default for TailCandidates {
    /// Up to 50 sizes in geometric progression from 20 to half of the scores.
    fn default() -> Self {
        TailCandidates(Kind::Default)
    }
}

impl TailCandidates {
    /// Up to `points` sizes in geometric progression from `smallest` to `largest`, or to the
    /// number of scores where that is less.
    ///
    /// # Errors
    /// [`TailSizeError::Limits`] unless `2 <= smallest <= largest` and `points >= 1`.
    pub fn geometric(
        smallest: usize,
        largest: usize,
        points: usize,
    ) -> Result<Self, TailSizeError> {
        if smallest < 2 || largest < smallest || points == 0 {
            return Err(TailSizeError::Limits {
                smallest,
                largest,
                points,
            });
        }
        Ok(TailCandidates(Kind::Geometric {
            smallest,
            largest,
            points,
        }))
    }

    /// These sizes, in any order. Those that a list of scores does not have are skipped with
    /// their reason.
    ///
    /// # Errors
    /// [`TailSizeError::NoCandidates`] for none.
    pub fn list(mut sizes: Vec<usize>) -> Result<Self, TailSizeError> {
        if sizes.is_empty() {
            return Err(TailSizeError::NoCandidates);
        }
        sizes.sort_unstable();
        sizes.dedup();
        Ok(TailCandidates(Kind::List(sizes)))
    }

    /// The sizes for a list of `n_scores`, ascending, no two equal.
    ///
    /// # Errors
    /// [`TailSizeError::TooFewScores`] for fewer scores than the smallest candidate, or, by
    /// default, fewer than 4.
    pub fn sizes(&self, n_scores: usize) -> Result<Vec<usize>, TailSizeError> {
        let (smallest, largest, points) = match &self.0 {
            Kind::Default => {
                const SMALLEST: usize = 20;
                const POINTS: usize = 50;
                let largest = n_scores / 2;
                (SMALLEST.min(largest).max(2), largest, POINTS)
            }
            &Kind::Geometric {
                smallest,
                largest,
                points,
            } => (smallest, largest.min(n_scores), points),
            Kind::List(sizes) => return Ok(sizes.clone()),
        };
        if largest < smallest {
            return Err(TailSizeError::TooFewScores {
                given: n_scores,
                needed: match self.0 {
                    Kind::Default => 4,
                    _ => smallest,
                },
            });
        }
        let ratio = largest as f64 / smallest as f64;
        let mut sizes: Vec<usize> = (0..points)
            .map(|i| {
                let share = if points == 1 {
                    1.0
                } else {
                    i as f64 / (points - 1) as f64
                };
                let size = (smallest as f64 * ratio.powf(share)).round() as usize;
                size.clamp(smallest, largest)
            })
            .collect();
        sizes.dedup();
        Ok(sizes)
    }
}
