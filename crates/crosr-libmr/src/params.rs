//! Parameters of a fit: unchecked, checked, and the fit itself.

use rayon::prelude::*;

use crate::{
    error::{FitError, ParamError},
    likelihood::ShapeEquation,
    report::FitReport,
    sample::Sample,
    score::Score,
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

    /// Upper limit of the solver's iterations. Default: `200`; about 4 are used.
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
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "WeibullParams", into = "WeibullParams")
)]
pub struct CheckedParams(WeibullParams);

impl TryFrom<WeibullParams> for CheckedParams {
    type Error = ParamError;

    fn try_from(params: WeibullParams) -> Result<Self, ParamError> {
        params.check()
    }
}

impl From<CheckedParams> for WeibullParams {
    fn from(params: CheckedParams) -> Self {
        params.0
    }
}

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
    /// The result does not depend on the order of the scores, to the last bit. The tail is
    /// collected in one pass that keeps twice its size; nothing is sorted.
    ///
    /// # Errors
    /// [`FitError::NonFinite`] for a NaN or an infinity anywhere in `scores`,
    /// [`FitError::TooFewScores`] for a tail larger than the list, [`FitError::NoSpread`] and
    /// [`FitError::SpreadLost`] for a tail of equal data, [`FitError::TranslateLost`] and
    /// [`FitError::RangeOverflow`] for scores too large, [`FitError::NotConverged`] when
    /// `max_iterations` was too small.
    pub fn fit(&self, scores: &[f64]) -> Result<(Weibull, FitReport), FitError> {
        self.fit_list(scores)
    }

    /// [`CheckedParams::fit`] for `f32`, each score at its exact value.
    ///
    /// # Errors
    /// Those of [`CheckedParams::fit`].
    pub fn fit_f32(&self, scores: &[f32]) -> Result<(Weibull, FitReport), FitError> {
        self.fit_list(scores)
    }

    /// [`CheckedParams::fit`] for many lists, on all threads of the current rayon pool.
    ///
    /// The results are in the order of the lists and the same, bit for bit, as one by one.
    ///
    /// ```
    /// use crosr_libmr::WeibullParams;
    ///
    /// # fn main() -> Result<(), crosr_libmr::FitError> {
    /// let classes = [vec![0.2, 0.9, 0.4, 0.7], vec![1.5, 1.5, 1.5], vec![3.1, 2.0, 2.6]];
    /// let fits = WeibullParams::new(3).check()?.fit_many(&classes);
    /// assert!(fits[0].is_ok() && fits[1].is_err() && fits[2].is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fit_many<L>(&self, lists: &[L]) -> Vec<Result<(Weibull, FitReport), FitError>>
    where
        L: AsRef<[f64]> + Sync,
    {
        lists
            .par_iter()
            .map(|scores| self.fit(scores.as_ref()))
            .collect()
    }

    /// [`CheckedParams::fit`] of scores with a weight each: a weight of `k` counts like `k`
    /// equal scores, except that the tail is `tail_size` scores whatever their weights.
    ///
    /// # Errors
    /// Those of [`CheckedParams::fit_sample`].
    pub fn fit_weighted(
        &self,
        scores: &[f64],
        weights: &[f64],
    ) -> Result<(Weibull, FitReport), FitError> {
        self.fit_sample(&Sample::new(scores).weights(weights))
    }

    /// Fits scores with weights and censoring flags by maximum likelihood.
    ///
    /// The likelihood is the product of `f(t)^w` over the uncensored and `(1 - F(t))^w` over the
    /// censored scores of the tail. With `d = 1` for an uncensored score, else 0, the shape `k`
    /// solves
    /// `sum(w d (1/k + ln t)) - sum(w d) sum(w t^k ln t) / sum(w t^k) = 0`, and
    /// `scale^k = sum(w t^k) / sum(w d)` (J. F. Lawless, "Statistical Models and Methods for
    /// Lifetime Data", 2nd ed. 2003, section 5.2). The covariance takes the weights for
    /// numbers of observations. The result does not depend on the order of the rows.
    ///
    /// # Errors
    /// Those of [`CheckedParams::fit`], scores without weight not counted;
    /// [`FitError::Lengths`], [`FitError::Weight`] and [`FitError::WeightRange`] for unusable
    /// weights, [`FitError::NotIdentified`] when no uncensored score lies below the most
    /// extreme one.
    pub fn fit_sample(&self, sample: &Sample<'_>) -> Result<(Weibull, FitReport), FitError> {
        let (tail, weighting) = sample.tail(self.tail_size(), self.side(), self.translate())?;
        let Tail {
            small_score,
            data,
            range,
        } = tail;
        let most_extreme = self.side().sign() * ((range.1 - self.translate()) + small_score);
        let equation = ShapeEquation::weighted(data, weighting).ok_or(FitError::NotIdentified {
            value: most_extreme,
        })?;
        self.solve(&equation, small_score)
    }

    fn fit_list<T: Score>(&self, scores: &[T]) -> Result<(Weibull, FitReport), FitError> {
        let tail = Tail::select(scores, self.tail_size(), self.side(), self.translate())?;
        let (smallest, largest) = tail.range;
        let equation = ShapeEquation::new(tail.data, smallest, largest);
        self.solve(&equation, tail.small_score)
    }

    fn solve(
        &self,
        equation: &ShapeEquation,
        small_score: f64,
    ) -> Result<(Weibull, FitReport), FitError> {
        let root = solver::solve(equation, self.max_iterations())?;
        let estimate = equation.estimate(root.s, &root.moments);
        let weibull = Weibull::from_parts(WeibullParts {
            scale: estimate.scale,
            shape: estimate.shape,
            small_score,
            translate: self.translate(),
            side: self.side(),
            tail_size: self.tail_size(),
        })?;
        let report = FitReport {
            tail_size: self.tail_size(),
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
