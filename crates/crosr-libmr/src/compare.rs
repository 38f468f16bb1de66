//! Several families fitted to one tail.

use crate::{
    distance::{anderson_darling, kolmogorov_smirnov},
    families::{Extremes, Family, FamilyError, SortedScores, TailDistribution, fit_extremes},
    numeric::Sum,
    params::CheckedParams,
    tail::TailSide,
};

/// A fitted family and how well it describes the tail.
#[derive(Debug)]
#[non_exhaustive]
pub struct FittedFamily {
    /// The fitted distribution.
    pub distribution: Box<dyn TailDistribution>,
    /// Sum of the log-densities of all scores of the tail, per unit of the scores.
    pub log_likelihood: f64,
    /// Akaike's information criterion, `2 n_parameters - 2 log_likelihood`
    /// ([`Family::n_parameters`]); the smaller the better.
    pub aic: f64,
    /// [`kolmogorov_smirnov`] distance of the tail from the distribution.
    pub kolmogorov_smirnov: f64,
    /// [`anderson_darling`] statistic of the tail; infinite when the support ends at a score.
    pub anderson_darling: f64,
}

/// One family of a [`Comparison`].
#[derive(Debug)]
#[non_exhaustive]
pub struct ComparedFamily {
    /// The family.
    pub family: Family,
    /// Its fit, or why it has none.
    pub result: Result<FittedFamily, FamilyError>,
}

/// Several families fitted to one tail, the best first.
#[derive(Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// Which end of the scores was fitted.
    pub side: TailSide,
    /// Number of scores in the tail.
    pub tail_size: usize,
    /// By AIC, the smallest first; families without a fit last. Equals stay in the order in
    /// which they were given.
    pub families: Vec<ComparedFamily>,
}

impl Comparison {
    /// The family with the smallest AIC, if any has a fit.
    pub fn best(&self) -> Option<(Family, &FittedFamily)> {
        let first = self.families.first()?;
        Some((first.family, first.result.as_ref().ok()?))
    }
}

/// Fits each of `families` to the tail of `scores` and compares the fits.
///
/// Every log-likelihood is that of the same numbers, the `tail_size` raw scores of the tail,
/// per unit of the scores, and so is every distance. The families differ in what they
/// condition on:
///
/// * [`Family::GeneralisedPareto`]: on a score beyond the threshold. Where the threshold is
///   the least extreme score of the tail (the tail is the whole list), that score was no datum
///   of the fit but counts here, with the density at the beginning of the support.
/// * [`Family::Weibull`]: the support begins `translate` below the least extreme score, which
///   is chosen, not estimated. It gives some probability to scores that are less extreme than
///   the tail, more so the larger `translate` is beside the width of the tail.
/// * [`Family::Weibull3`] and [`Family::Gev`]: on nothing; where the support begins or ends is
///   estimated.
///
/// A family that spends probability below the tail, where no data can be, pays for it in
/// likelihood: that is the sense of the comparison, which asks for the best description of
/// scores known to be the most extreme ones. AIC takes the fits for regular interior maxima;
/// for a fit with a [`border`](TailDistribution::border) it is a convention.
///
/// ```
/// use crosr_libmr::{Family, WeibullParams, compare};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let distances: Vec<f64> = (1..200).map(|i| -(f64::from(i) / 200.0).ln()).collect();
/// let comparison = compare(&distances, WeibullParams::new(40).check()?, &Family::ALL)?;
/// let (family, fit) = comparison.best().ok_or("no family has a fit")?;
/// assert_eq!(family, Family::GeneralisedPareto);
/// assert!(fit.kolmogorov_smirnov < 0.05);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`FamilyError::Tail`] and [`FamilyError::RangeOverflow`] for scores that have no tail of
/// this size. Whatever else one family lacks stands in its [`ComparedFamily::result`].
pub fn compare(
    scores: &[f64],
    params: CheckedParams,
    families: &[Family],
) -> Result<Comparison, FamilyError> {
    let sorted = SortedScores::for_tail(scores, params.side(), params.tail_size())?;
    let extremes = sorted.extremes(params.tail_size())?;
    let mut compared: Vec<ComparedFamily> = families
        .iter()
        .map(|&family| ComparedFamily {
            family,
            result: fit_extremes(family, &extremes, &params)
                .and_then(|distribution| judge(family, distribution, &extremes)),
        })
        .collect();
    // Stable; a family without a fit sorts behind every other.
    compared.sort_by(|a, b| {
        let aic = |family: &ComparedFamily| match &family.result {
            Ok(fitted) => (false, fitted.aic),
            Err(_) => (true, 0.0),
        };
        let ((failed_a, aic_a), (failed_b, aic_b)) = (aic(a), aic(b));
        failed_a
            .cmp(&failed_b)
            .then_with(|| aic_a.total_cmp(&aic_b))
    });
    Ok(Comparison {
        side: params.side(),
        tail_size: params.tail_size(),
        families: compared,
    })
}

fn judge(
    family: Family,
    distribution: Box<dyn TailDistribution>,
    extremes: &Extremes<'_>,
) -> Result<FittedFamily, FamilyError> {
    let sign = extremes.side.sign();
    let log_likelihood = extremes
        .ascending
        .iter()
        .map(|s| distribution.log_pdf(sign * s))
        .collect::<Sum>()
        .value();
    let cdf = cdf_values(&*distribution, extremes);
    // The values ascend and are probabilities: only an empty tail would be refused.
    let undefined = |_| FamilyError::PrecisionLost { family };
    Ok(FittedFamily {
        log_likelihood,
        aic: 2.0 * family.n_parameters() as f64 - 2.0 * log_likelihood,
        kolmogorov_smirnov: kolmogorov_smirnov(&cdf).map_err(undefined)?,
        anderson_darling: anderson_darling(&cdf).map_err(undefined)?,
        distribution,
    })
}

/// The distribution function at the scores of a tail, ascending.
///
/// `exp` and `ln` are not strictly monotone in the last digit, so equal values may come out of
/// order; sorting them changes nothing else.
pub(crate) fn cdf_values(distribution: &dyn TailDistribution, extremes: &Extremes<'_>) -> Vec<f64> {
    let sign = extremes.side.sign();
    let mut values: Vec<f64> = extremes
        .ascending
        .iter()
        .map(|s| distribution.cdf(sign * s))
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}
