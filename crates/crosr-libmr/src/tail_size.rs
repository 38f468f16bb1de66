//! Choosing the tail size by a stated rule.

mod candidates;
mod mean_excess;

use crate::{
    compare::cdf_values,
    distance::kolmogorov_smirnov,
    error::FitError,
    families::{Family, FamilyError, SortedScores, fit_extremes},
    params::WeibullParams,
    tail::TailSide,
};

pub use candidates::TailCandidates;

/// How a tail size is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TailRule {
    /// The tail whose fit is closest to it: the least Kolmogorov-Smirnov distance `D` between
    /// the tail and the distribution of `family` fitted to it.
    ///
    /// Clauset, Shalizi and Newman, "Power-Law Distributions in Empirical Data", SIAM Review
    /// 51 (2009), section 3.3, with any family in place of the power law. It is `D` itself that
    /// is minimised: it falls as `1 / sqrt(k)` while the tail of `k` follows the family and
    /// rises when scores of another kind come in, so that the larger tail wins until then.
    /// `sqrt(k) D`, which would not prefer larger tails, is reported beside it.
    KolmogorovSmirnov {
        /// What is fitted. [`Family::GeneralisedPareto`] is what theory expects beyond a high
        /// threshold.
        family: Family,
    },
    /// The largest tail over which the mean excess is a straight line.
    ///
    /// Beyond the threshold from which scores follow a generalised Pareto distribution, the
    /// mean excess `e(u)` over a threshold `u` is linear in `u` (Davison and Smith, "Models for
    /// Exceedances over High Thresholds", Journal of the Royal Statistical Society B 52, 1990).
    /// A line is fitted to the points `(u_j, e_j)`, `u_j` the `(j + 1)`-th most extreme score
    /// and `e_j` the mean of the `j` excesses over it, for `j` from 10 to the tail size,
    /// with weights `j / v_j`, `v_j` the variance of these excesses (Langousis, Mamalakis,
    /// Puliga and Deidda, "Threshold Detection for the Generalized Pareto Distribution",
    /// Water Resources Research 52, 2016). The criterion is the mean of the squared weighted
    /// residuals, in units of the points' own standard errors: the largest tail with a value
    /// of at most 0.5 is chosen, or, where there is none, the one with the least value. About
    /// one exact generalised Pareto sample in twenty exceeds 0.5 (simulated, shapes -0.3 to
    /// 0.4). Scores from below the onset of the tail have to outweigh the standard errors
    /// before they show: on samples with a known onset the choice is 0 to 30 % too large.
    MeanExcess,
}

/// One point of the curve that a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TailPoint {
    /// The candidate.
    pub tail_size: usize,
    /// The least extreme score of this tail.
    pub least_extreme: f64,
    /// What the rule judges by: `D`, or the mean of the squared residuals.
    pub value: f64,
    /// The same on a scale that does not depend on the tail size where the family holds:
    /// `sqrt(tail_size) D`, or the mean of the squared residuals.
    pub normalised: f64,
}

/// A candidate that has no value.
#[derive(Debug)]
#[non_exhaustive]
pub struct SkippedTail {
    /// The candidate.
    pub tail_size: usize,
    /// Why.
    pub error: TailSizeError,
}

/// A chosen tail size, and why.
#[derive(Debug)]
#[non_exhaustive]
pub struct TailChoice {
    /// The chosen tail size.
    pub tail_size: usize,
    /// The least extreme score of that tail.
    pub least_extreme: f64,
    /// Whether the choice meets the limit of the rule; always for the Kolmogorov-Smirnov rule,
    /// which has none.
    pub within_limit: bool,
    /// The candidates by size, with what the rule saw.
    pub curve: Vec<TailPoint>,
    /// The candidates that could not be judged.
    pub skipped: Vec<SkippedTail>,
}

/// Why there is no choice of a tail size, or no value for a candidate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TailSizeError {
    /// A score is NaN or infinite.
    #[error(transparent)]
    Scores(#[from] FitError),
    /// No list of candidates fits this many scores.
    #[error("{given} scores given, a choice of the tail size needs at least {needed}")]
    TooFewScores {
        /// The number of scores.
        given: usize,
        /// The smallest number.
        needed: usize,
    },
    /// Limits of candidates that hold none.
    #[error(
        "candidates from {smallest} to {largest} at {points} points, expected \
         2 <= smallest <= largest and at least 1 point"
    )]
    Limits {
        /// The smallest tail size.
        smallest: usize,
        /// The largest tail size.
        largest: usize,
        /// The number of candidates.
        points: usize,
    },
    /// An empty list of candidates.
    #[error("no candidate tail size given")]
    NoCandidates,
    /// The family has no fit to this tail.
    #[error("no {family} fit to the tail of {tail_size}")]
    Fit {
        /// The family.
        family: Family,
        /// The candidate.
        tail_size: usize,
        /// Why.
        #[source]
        source: Box<FamilyError>,
    },
    /// Too few points for a line, or none with different excesses.
    #[error(
        "the tail of {tail_size} of {n_scores} scores has too few points of the mean excess; \
         it needs at least {needed} different scores and one that is not in it"
    )]
    TooFewPoints {
        /// The candidate.
        tail_size: usize,
        /// The number of scores.
        n_scores: usize,
        /// The smallest tail size that can be judged.
        needed: usize,
    },
    /// No candidate could be judged.
    #[error("none of the {candidates} candidate tail sizes could be judged")]
    AllSkipped {
        /// The number of candidates.
        candidates: usize,
        /// Why not the first of them.
        #[source]
        source: Box<TailSizeError>,
    },
}

/// Chooses how many of the most extreme scores are the tail.
///
/// Scores are sorted once. The Kolmogorov-Smirnov rule then fits each candidate; the
/// mean-excess rule goes over the scores once for all of them.
///
/// ```
/// use crosr_libmr::{TailCandidates, TailRule, TailSide, choose_tail_size};
///
/// # fn main() -> Result<(), crosr_libmr::TailSizeError> {
/// // 900 scores spread evenly over [0, 1), and 100 beyond, exponentially distributed.
/// let body = (0..900).map(|i| f64::from(i) / 900.0);
/// let tail = (0..100).map(|i| 1.0 - 2.0 * ((f64::from(i) + 0.5) / 100.0).ln());
/// let scores: Vec<f64> = body.chain(tail).collect();
/// let candidates = TailCandidates::geometric(20, 500, 40)?;
/// let choice = choose_tail_size(&scores, TailSide::High, TailRule::MeanExcess, &candidates)?;
/// assert!((80..140).contains(&choice.tail_size));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`TailSizeError::Scores`] for a NaN or an infinity, [`TailSizeError::TooFewScores`] for a
/// list too short for its candidates, [`TailSizeError::AllSkipped`] when no candidate could be
/// judged. A candidate without a fit is no error but listed in [`TailChoice::skipped`].
pub fn choose_tail_size(
    scores: &[f64],
    side: TailSide,
    rule: TailRule,
    candidates: &TailCandidates,
) -> Result<TailChoice, TailSizeError> {
    let sorted = SortedScores::new(scores, side)?;
    let sizes = candidates.sizes(scores.len())?;
    let judged = match rule {
        TailRule::KolmogorovSmirnov { family } => sizes
            .iter()
            .map(|&tail_size| distance_of_fit(&sorted, tail_size, family))
            .collect(),
        TailRule::MeanExcess => mean_excess::curve(&sorted, &sizes),
    };

    let ascending = sorted.ascending();
    let (mut curve, mut skipped) = (Vec::new(), Vec::new());
    for (&tail_size, value) in sizes.iter().zip(judged) {
        match value {
            Ok(value) => curve.push(TailPoint {
                tail_size,
                least_extreme: side.sign() * ascending[ascending.len() - tail_size],
                value,
                normalised: match rule {
                    TailRule::KolmogorovSmirnov { .. } => value * (tail_size as f64).sqrt(),
                    TailRule::MeanExcess => value,
                },
            }),
            Err(error) => skipped.push(SkippedTail { tail_size, error }),
        }
    }
    let limit = match rule {
        TailRule::KolmogorovSmirnov { .. } => None,
        TailRule::MeanExcess => Some(mean_excess::LIMIT),
    };
    let largest_within = limit.and_then(|limit| {
        curve
            .iter()
            .rev()
            .find(|point| point.value <= limit)
            .copied()
    });
    // From the largest, so that of equal values the larger tail wins.
    let least = || curve.iter().rev().copied().min_by(by_value);
    let Some(chosen) = largest_within.or_else(least) else {
        return Err(match skipped.into_iter().next() {
            Some(first) => TailSizeError::AllSkipped {
                candidates: sizes.len(),
                source: Box::new(first.error),
            },
            None => TailSizeError::NoCandidates,
        });
    };
    Ok(TailChoice {
        tail_size: chosen.tail_size,
        least_extreme: chosen.least_extreme,
        within_limit: limit.is_none_or(|limit| chosen.value <= limit),
        curve,
        skipped,
    })
}

fn by_value(a: &TailPoint, b: &TailPoint) -> std::cmp::Ordering {
    a.value.total_cmp(&b.value)
}

/// The Kolmogorov-Smirnov distance between a tail and its fit, every other parameter at its
/// default.
fn distance_of_fit(
    sorted: &SortedScores,
    tail_size: usize,
    family: Family,
) -> Result<f64, TailSizeError> {
    let failed = |source: FamilyError| TailSizeError::Fit {
        family,
        tail_size,
        source: Box::new(source),
    };
    let params = WeibullParams::new(tail_size)
        .check()
        .map_err(|error| failed(error.into()))?;
    let extremes = sorted.extremes(tail_size).map_err(failed)?;
    let fitted = fit_extremes(family, &extremes, &params).map_err(failed)?;
    kolmogorov_smirnov(&cdf_values(&*fitted, &extremes))
        .map_err(|_| failed(FamilyError::PrecisionLost { family }))
}
