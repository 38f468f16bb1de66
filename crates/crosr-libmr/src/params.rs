//! Parameters of a fit: unchecked, checked, and the fit itself.

use crate::{
    error::{FitError, ParamError},
    likelihood::ShapeEquation,
    report::FitReport,
    solver,
    tail::{Tail, TailSide},
    weibull::{Weibull, WeibullParts},
};

/// Parameters of a Weibull fit, not yet checked.
///
/// ```
/// use crosr_libmr::{TailSide, WeibullParams};
///
/// # fn main() -> Result<(), crosr_libmr::FitError> {
/// let params = WeibullParams::new(3).side(TailSide::Low).check()?;
/// let (weibull, report) = params.fit(&[0.9, 0.2, 0.7, 0.4, 0.8])?;
/// assert_eq!(weibull.small_score(), -0.7);    // the tail is 0.2, 0.4, 0.7, sign flipped
/// assert_eq!(report.tail_size, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeibullParams {
    tail_size: usize,
    side: TailSide,
    translate: f64,
    max_iterations: u64,
}

impl WeibullParams {
    /// A fit to the `tail_size` most extreme scores, with the defaults below.
    pub fn new(tail_size: usize) -> Self {
        WeibullParams {
            tail_size,
            side: TailSide::High,
            translate: 1.0,
            max_iterations: 200,
        }
    }

    /// Which end of the scores is the tail. Default: [`TailSide::High`].
    pub fn side(mut self, side: TailSide) -> Self {
        self.side = side;
        self
    }

    /// The smallest datum after translation, in the unit of the scores. Default: `1`, libMR's.
    pub fn translate(mut self, translate: f64) -> Self {
        self.translate = translate;
        self
    }

    /// Upper limit of the solver's iterations. Default: `200`; about 15 are used.
    pub fn max_iterations(mut self, max_iterations: u64) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`ParamError::TailSize`] below 2, [`ParamError::Translate`] unless finite and above 0,
    /// [`ParamError::MaxIterations`] for 0.
    pub fn check(self) -> Result<CheckedParams, ParamError> {
        if self.tail_size < 2 {
            return Err(ParamError::TailSize {
                given: self.tail_size,
            });
        }
        check_translate(self.translate)?;
        if self.max_iterations == 0 {
            return Err(ParamError::MaxIterations);
        }
        Ok(CheckedParams(self))
    }
}

/// The rule for `translate`, for fitting and for a model put together from its parts.
pub(crate) fn check_translate(translate: f64) -> Result<(), ParamError> {
    if translate.is_finite() && translate > 0.0 {
        Ok(())
    } else {
        Err(ParamError::Translate { given: translate })
    }
}

/// Parameters of a Weibull fit, checked by [`WeibullParams::check`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckedParams(WeibullParams);

impl CheckedParams {
    /// Number of scores that are fitted.
    pub fn tail_size(&self) -> usize {
        self.0.tail_size
    }

    /// Which end of the scores is fitted.
    pub fn side(&self) -> TailSide {
        self.0.side
    }

    /// The smallest datum after translation.
    pub fn translate(&self) -> f64 {
        self.0.translate
    }

    /// Upper limit of the solver's iterations.
    pub fn max_iterations(&self) -> u64 {
        self.0.max_iterations
    }

    /// Fits a Weibull distribution to the tail of `scores` by maximum likelihood.
    ///
    /// The result does not depend on the order of the scores, to the last bit. One copy of
    /// the scores is made; the tail is selected in linear time and only the tail is sorted.
    ///
    /// # Errors
    /// [`FitError::NonFinite`] for a NaN or an infinity anywhere in `scores`,
    /// [`FitError::TooFewScores`] for a tail larger than the list, [`FitError::NoSpread`] and
    /// [`FitError::SpreadLost`] for a tail of equal data, [`FitError::TranslateLost`] and
    /// [`FitError::RangeOverflow`] for scores too large, [`FitError::NotConverged`] when
    /// `max_iterations` was too small.
    pub fn fit(&self, scores: &[f64]) -> Result<(Weibull, FitReport), FitError> {
        let WeibullParams {
            tail_size,
            side,
            translate,
            max_iterations,
        } = self.0;
        let tail = Tail::select(scores, tail_size, side, translate)?;
        let equation = ShapeEquation::new(&tail.data);
        let root = solver::solve(&equation, max_iterations)?;
        let estimate = equation.estimate(root.s);
        let weibull = Weibull::from_parts(WeibullParts {
            scale: estimate.scale,
            shape: estimate.shape,
            small_score: tail.small_score,
            translate,
            side,
            tail_size,
        })?;
        let report = FitReport {
            tail_size,
            iterations: root.iterations,
            residual: root.residual,
            log_likelihood: estimate.log_likelihood,
            scale: estimate.scale,
            shape: estimate.shape,
            covariance: estimate.covariance,
        };
        Ok((weibull, report))
    }
}

/// Fits the `tail_size` largest scores, with every default: libMR's `fit_high`.
///
/// # Errors
/// Those of [`WeibullParams::check`], as [`FitError::Param`], and of [`CheckedParams::fit`].
pub fn fit_high(scores: &[f64], tail_size: usize) -> Result<Weibull, FitError> {
    fit_side(scores, tail_size, TailSide::High)
}

/// Fits the `tail_size` smallest scores, with every default: libMR's `fit_low`.
///
/// # Errors
/// Those of [`WeibullParams::check`], as [`FitError::Param`], and of [`CheckedParams::fit`].
pub fn fit_low(scores: &[f64], tail_size: usize) -> Result<Weibull, FitError> {
    fit_side(scores, tail_size, TailSide::Low)
}

fn fit_side(scores: &[f64], tail_size: usize, side: TailSide) -> Result<Weibull, FitError> {
    let (weibull, _) = WeibullParams::new(tail_size)
        .side(side)
        .check()?
        .fit(scores)?;
    Ok(weibull)
}
