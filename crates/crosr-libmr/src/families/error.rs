//! Why a family has no fit.

use std::error::Error;

use crate::{
    error::{FitError, ParamError},
    families::Family,
};

/// Why a list of scores has no fit of a family.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FamilyError {
    /// The scores have no tail of this size, or no two-parameter Weibull fit.
    #[error(transparent)]
    Tail(#[from] FitError),
    /// A family with three parameters needs three scores.
    #[error("tail size {tail_size} is too small, a {family} fit needs at least {needed} scores")]
    TailTooSmall {
        /// The family.
        family: Family,
        /// The tail size asked for.
        tail_size: usize,
        /// The smallest tail size of the family.
        needed: usize,
    },
    /// The width of the tail exceeds the largest double.
    #[error(
        "the tail lies between {least_extreme} and {most_extreme}, its width exceeds the \
         largest double; rescale the scores"
    )]
    RangeOverflow {
        /// The least extreme score of the tail.
        least_extreme: f64,
        /// The most extreme score of the tail.
        most_extreme: f64,
    },
    /// A parameter outside its domain.
    #[error("{family} {name} is {given}, it must be {expected}")]
    Parameter {
        /// The family.
        family: Family,
        /// Name of the parameter.
        name: &'static str,
        /// Its value.
        given: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// The likelihood equation was not solved within the iterations allowed.
    #[error(
        "no convergence of the {family} fit after {iterations} iterations, last shape {shape}, \
         slope {slope:e} of the log-likelihood per score; allow more iterations"
    )]
    NotConverged {
        /// The family.
        family: Family,
        /// Iterations spent on this equation.
        iterations: u64,
        /// The shape reached.
        shape: f64,
        /// Slope of the profile log-likelihood there, per score.
        slope: f64,
    },
    /// The tail is so narrow, beside the scores or altogether, that rounding of the fitted
    /// parameters makes one of its scores impossible or a scale 0.
    #[error(
        "the tail is so narrow that rounding of the parameters spoils the {family} fit; shift \
         the scores towards 0 or rescale them"
    )]
    PrecisionLost {
        /// The family.
        family: Family,
    },
    /// The root finder refused its problem.
    #[error("the root finder refused the likelihood equation of the {family} fit")]
    Solver {
        /// The family.
        family: Family,
        /// What it said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The rule for parameters of a distribution put together by hand.
pub(crate) fn check_parameters(
    family: Family,
    position: (&'static str, f64),
    scale: f64,
    shape: f64,
) -> Result<(), FamilyError> {
    let (name, given, expected) = if !(scale.is_finite() && scale > 0.0) {
        ("scale", scale, "finite and above 0")
    } else if !position.1.is_finite() {
        (position.0, position.1, "finite")
    } else if !shape.is_finite() {
        ("shape", shape, "finite")
    } else {
        return Ok(());
    };
    Err(FamilyError::Parameter {
        family,
        name,
        given,
        expected,
    })
}

impl FamilyError {
    /// What it means that fitted parameters are outside their domain: only rounding can do it.
    pub(crate) fn of_fit(self) -> Self {
        match self {
            FamilyError::Parameter { family, .. } => FamilyError::PrecisionLost { family },
            other => other,
        }
    }
}

impl From<ParamError> for FamilyError {
    fn from(error: ParamError) -> Self {
        FamilyError::Tail(FitError::Param(error))
    }
}

/// A text that names no family.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown family {given:?}, expected weibull, weibull3, gpd or gev")]
pub struct UnknownFamily {
    /// The text.
    pub given: String,
}
