//! What a fit of a family tells about itself.

use crate::{
    families::{FamilyError, TailDistribution},
    numeric::Sum,
    tail::TailSide,
};

/// A border of the parameters' domain at which a fit ended.
///
/// The likelihood of these families has no maximum over all parameters: it grows without
/// bound where the support ends at a score and the density there is infinite. The domain is
/// therefore closed where that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Border {
    /// The shape is at its limit, and the support ends at a score of the tail: shape 1 for
    /// the three-parameter Weibull distribution (an exponential distribution that begins at
    /// the least extreme score), -1 for the generalised Pareto distribution (a uniform one
    /// up to the most extreme score) and for the generalised extreme-value distribution (an
    /// exponential one that falls away from the most extreme score).
    Shape,
    /// The location of a three-parameter Weibull distribution is 10,000 times the width of
    /// the tail away from it: the likelihood grows towards a Gumbel distribution (of minima),
    /// which this family only approaches.
    Location,
}

/// How a fit of [`Weibull3`](crate::Weibull3), [`GeneralisedPareto`](crate::GeneralisedPareto)
/// or [`Gev`](crate::Gev) went.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FamilyReport {
    /// Number of scores that were fitted. For the generalised Pareto distribution only those
    /// beyond the threshold count.
    pub n_scores: usize,
    /// Iterations of the root finder, over all brackets.
    pub iterations: u64,
    /// Log-likelihood of these scores under the fitted parameters.
    pub log_likelihood: f64,
    /// The border of the parameters' domain that the fit ended at, if it did.
    pub border: Option<Border>,
}

/// The data of a fit and what it took.
pub(crate) struct FittedTo<'a> {
    /// The `s = sign x` that were fitted.
    pub(crate) data: &'a [f64],
    pub(crate) side: TailSide,
    pub(crate) iterations: u64,
}

impl FittedTo<'_> {
    /// The report on `fitted`.
    ///
    /// # Errors
    /// [`FamilyError::PrecisionLost`] where the rounded parameters make a datum impossible.
    pub(crate) fn report(
        &self,
        fitted: &dyn TailDistribution,
    ) -> Result<FamilyReport, FamilyError> {
        let sum: Sum = self
            .data
            .iter()
            .map(|s| fitted.log_pdf(s * self.side.sign()))
            .collect();
        let log_likelihood = sum.value();
        if !log_likelihood.is_finite() {
            return Err(FamilyError::PrecisionLost {
                family: fitted.family(),
            });
        }
        Ok(FamilyReport {
            n_scores: self.data.len(),
            iterations: self.iterations,
            log_likelihood,
            border: fitted.border(),
        })
    }
}
