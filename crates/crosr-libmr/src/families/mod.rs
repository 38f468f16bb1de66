//! Families of distributions that a tail may be fitted with, behind one trait.

mod border;
mod error;
mod extremes;
mod gev;
mod pareto;
mod profile;
mod search;
mod standard;
mod weibull;
mod weibull3;

use std::{
    fmt::{self, Debug, Display, Formatter},
    str::FromStr,
};

use crate::{params::CheckedParams, tail::TailSide};

pub(crate) use extremes::{Extremes, SortedScores};

pub use border::{Border, FamilyReport};
pub use error::{FamilyError, UnknownFamily};
pub use gev::Gev;
pub use pareto::{GeneralisedPareto, ThresholdSource};
pub use weibull3::Weibull3;

/// The families that [`fit_family`] knows.
///
/// ```
/// use crosr_libmr::Family;
///
/// assert_eq!("gpd".parse(), Ok(Family::GeneralisedPareto));
/// assert_eq!(Family::ALL.map(|family| family.to_string()).join(" "), "weibull weibull3 gpd gev");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Two-parameter Weibull distribution of the translated tail, libMR's: [`crate::Weibull`].
    Weibull,
    /// Three-parameter Weibull distribution, its location free: [`Weibull3`].
    Weibull3,
    /// Generalised Pareto distribution of the excesses over a threshold:
    /// [`GeneralisedPareto`].
    GeneralisedPareto,
    /// Generalised extreme-value distribution: [`Gev`].
    Gev,
}

impl Family {
    /// Every family, in the order in which they are declared.
    pub const ALL: [Family; 4] = [
        Family::Weibull,
        Family::Weibull3,
        Family::GeneralisedPareto,
        Family::Gev,
    ];

    /// The name that [`Display`] writes and [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Family::Weibull => "weibull",
            Family::Weibull3 => "weibull3",
            Family::GeneralisedPareto => "gpd",
            Family::Gev => "gev",
        }
    }

    /// Number of parameters that are estimated. `translate` and a threshold are not: the one
    /// is given, the other a score.
    pub fn n_parameters(self) -> usize {
        match self {
            Family::Weibull | Family::GeneralisedPareto => 2,
            Family::Weibull3 | Family::Gev => 3,
        }
    }
}

impl Display for Family {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(text: &str) -> Result<Self, UnknownFamily> {
        Family::ALL
            .into_iter()
            .find(|family| family.name() == text)
            .ok_or_else(|| UnknownFamily {
                given: text.to_owned(),
            })
    }
}

/// A distribution fitted to the tail of a list of scores.
///
/// Every method takes a raw score `x`; the side is seen to inside: with `s = x` for
/// [`TailSide::High`] and `s = -x` for [`TailSide::Low`] the distribution is one of `s`. So
/// [`cdf`](TailDistribution::cdf) rises with `x` for `High` and falls for `Low`, and densities
/// are per unit of the scores on either side. Nothing returns NaN unless it is given one
/// (`inv` also for a `p` outside `[0, 1]`).
pub trait TailDistribution: Debug + Send + Sync {
    /// The family of the distribution.
    fn family(&self) -> Family;

    /// Which end of the scores was fitted.
    fn side(&self) -> TailSide;

    /// How extreme `x` is: the probability, under the fitted tail, of a score no more extreme
    /// than `x`. Within `[0, 1]`.
    fn cdf(&self, x: f64) -> f64;

    /// Density at `x`, per unit of the scores; 0 outside the support.
    fn pdf(&self, x: f64) -> f64 {
        self.log_pdf(x).exp()
    }

    /// The raw score whose [`cdf`](TailDistribution::cdf) is `p`; NaN outside `[0, 1]`.
    fn inv(&self, p: f64) -> f64;

    /// Logarithm of the density at `x`; negative infinity outside the support.
    fn log_pdf(&self, x: f64) -> f64;

    /// Names and values of the parameters. Positions (`location`, `threshold`, `small_score`)
    /// are those of `s`: negated for `Low`.
    fn parameters(&self) -> Vec<(&'static str, f64)>;

    /// The border of the parameters' domain that the fit ended at, if it did.
    fn border(&self) -> Option<Border> {
        None
    }
}

/// Fits a distribution of `family` to the tail of `scores` by maximum likelihood.
///
/// The tail is the `tail_size` most extreme scores on the side that `params` names;
/// `translate` matters for [`Family::Weibull`] alone. The result does not depend on the order
/// of the scores.
///
/// ```
/// use crosr_libmr::{Family, WeibullParams, fit_family};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let distances = [0.8, 2.9, 1.7, 1.1, 4.2, 0.4, 3.3, 2.1, 1.3, 2.5];
/// let params = WeibullParams::new(5).check()?;
/// let tail = fit_family(Family::GeneralisedPareto, &distances, params)?;
/// assert_eq!(tail.cdf(1.7), 0.0);     // the threshold: the sixth largest
/// assert!(tail.cdf(4.0) > 0.8);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`FamilyError::Tail`] where the scores have no tail to fit, and what the families'
/// own `fit` names: [`Weibull3::fit`], [`GeneralisedPareto::fit`], [`Gev::fit`].
pub fn fit_family(
    family: Family,
    scores: &[f64],
    params: CheckedParams,
) -> Result<Box<dyn TailDistribution>, FamilyError> {
    let sorted = SortedScores::for_tail(scores, params.side(), params.tail_size())?;
    fit_extremes(family, &sorted.extremes(params.tail_size())?, &params)
}

/// [`fit_family`] for a tail that is already selected.
pub(crate) fn fit_extremes(
    family: Family,
    extremes: &Extremes<'_>,
    params: &CheckedParams,
) -> Result<Box<dyn TailDistribution>, FamilyError> {
    let max_iterations = params.max_iterations();
    Ok(match family {
        Family::Weibull => Box::new(weibull::fit_extremes(extremes, params)?),
        Family::Weibull3 => Box::new(Weibull3::fit_extremes(extremes, max_iterations)?.0),
        Family::GeneralisedPareto => {
            Box::new(GeneralisedPareto::fit_extremes(extremes, max_iterations)?.0)
        }
        Family::Gev => Box::new(Gev::fit_extremes(extremes, max_iterations)?.0),
    })
}
