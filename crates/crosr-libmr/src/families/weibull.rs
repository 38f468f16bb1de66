//! The two-parameter Weibull distribution as one of the families.

use crate::{
    error::FitError,
    families::{Extremes, Family, TailDistribution},
    params::{CheckedParams, WeibullParams},
    tail::TailSide,
    weibull::Weibull,
};

/// The two-parameter fit of an already selected tail.
pub(crate) fn fit_extremes(
    extremes: &Extremes<'_>,
    params: &CheckedParams,
) -> Result<Weibull, FitError> {
    // Raw scores, so that an error names what the caller knows.
    let raw: Vec<f64> = extremes
        .ascending
        .iter()
        .map(|s| s * extremes.side.sign())
        .collect();
    let (weibull, _) = WeibullParams::new(raw.len())
        .side(extremes.side)
        .translate(params.translate())
        .max_iterations(params.max_iterations())
        .check()?
        .fit(&raw)?;
    Ok(weibull)
}

impl TailDistribution for Weibull {
    fn family(&self) -> Family {
        Family::Weibull
    }

    fn side(&self) -> TailSide {
        Weibull::side(self)
    }

    fn cdf(&self, x: f64) -> f64 {
        Weibull::cdf(self, x)
    }

    fn pdf(&self, x: f64) -> f64 {
        Weibull::pdf(self, x)
    }

    fn inv(&self, p: f64) -> f64 {
        Weibull::inv(self, p)
    }

    fn log_pdf(&self, x: f64) -> f64 {
        self.log_likelihood(&[x])
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("scale", self.scale()),
            ("shape", self.shape()),
            ("small_score", self.small_score()),
            ("translate", self.translate()),
        ]
    }
}
