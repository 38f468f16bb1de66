//! A fitted tail and the questions it answers.

use crate::{
    error::ParamError,
    numeric::{Sum, ln_ratio},
    params::check_translate,
    tail::TailSide,
};

/// Everything a [`Weibull`] is made of, for storing and rebuilding one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WeibullParts {
    /// Scale of the distribution of the translated data, above 0.
    pub scale: f64,
    /// Shape of the distribution, above 0.
    pub shape: f64,
    /// The smallest score of the tail *after* the sign of `side`: negated for `Low`.
    pub small_score: f64,
    /// What the smallest datum was translated to, above 0.
    pub translate: f64,
    /// Which end of the scores was fitted.
    pub side: TailSide,
    /// Number of scores that were fitted.
    pub tail_size: usize,
}

/// A Weibull distribution fitted to the tail of a list of scores.
///
/// A raw score `x` becomes `t = (sign x + translate) - small_score`, in this order, and `t`
/// is Weibull distributed: `F(t) = 1 - exp(-(t / scale)^shape)` for `t >= 0`, else 0.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "WeibullParts", into = "WeibullParts")
)]
pub struct Weibull {
    parts: WeibullParts,
}

impl TryFrom<WeibullParts> for Weibull {
    type Error = ParamError;

    fn try_from(parts: WeibullParts) -> Result<Self, ParamError> {
        Weibull::from_parts(parts)
    }
}

impl From<Weibull> for WeibullParts {
    fn from(weibull: Weibull) -> Self {
        weibull.parts
    }
}

impl Weibull {
    /// A model with these parameters.
    ///
    /// ```
    /// use crosr_libmr::{TailSide, Weibull, WeibullParts};
    ///
    /// # fn main() -> Result<(), crosr_libmr::ParamError> {
    /// let exponential = Weibull::from_parts(WeibullParts {
    ///     scale: 2.0,
    ///     shape: 1.0,
    ///     small_score: 5.0,
    ///     translate: 1.0,
    ///     side: TailSide::High,
    ///     tail_size: 20,
    /// })?;
    /// assert_eq!(exponential.w_score(4.0), 0.0);
    /// assert_eq!(exponential.w_score(6.0), 1.0 - (-1.0f64).exp());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ParamError::Scale`], [`ParamError::Shape`] and [`ParamError::Translate`] unless finite
    /// and above 0, [`ParamError::SmallScore`] unless finite, [`ParamError::TailSize`] below 2.
    pub fn from_parts(parts: WeibullParts) -> Result<Self, ParamError> {
        let WeibullParts {
            scale,
            shape,
            small_score,
            translate,
            side: _,
            tail_size,
        } = parts;
        if !(scale.is_finite() && scale > 0.0) {
            return Err(ParamError::Scale { given: scale });
        }
        if !(shape.is_finite() && shape > 0.0) {
            return Err(ParamError::Shape { given: shape });
        }
        if !small_score.is_finite() {
            return Err(ParamError::SmallScore { given: small_score });
        }
        check_translate(translate)?;
        if tail_size < 2 {
            return Err(ParamError::TailSize { given: tail_size });
        }
        Ok(Weibull { parts })
    }

    /// All parameters at once; [`Weibull::from_parts`] rebuilds the same model, bit for bit.
    pub fn parts(&self) -> WeibullParts {
        self.parts
    }

    /// Scale of the distribution of the translated data.
    pub fn scale(&self) -> f64 {
        self.parts.scale
    }

    /// Shape of the distribution.
    pub fn shape(&self) -> f64 {
        self.parts.shape
    }

    /// The smallest score of the tail after the sign of the side: negated for `Low`.
    pub fn small_score(&self) -> f64 {
        self.parts.small_score
    }

    /// What the smallest datum was translated to.
    pub fn translate(&self) -> f64 {
        self.parts.translate
    }

    /// Which end of the scores was fitted.
    pub fn side(&self) -> TailSide {
        self.parts.side
    }

    /// Number of scores that were fitted.
    pub fn tail_size(&self) -> usize {
        self.parts.tail_size
    }

    /// How extreme the raw score `x` is: the probability, under the fitted tail, of a score
    /// no more extreme than `x`.
    ///
    /// `w(x) = 1 - exp(-(t / scale)^shape)`, `t = (sign x + translate) - small_score`, and 0
    /// for `t < 0`. Within `[0, 1]`, rising with `x` for `High` and falling for `Low`; a NaN
    /// stays NaN.
    pub fn w_score(&self, x: f64) -> f64 {
        let t = self.translated(x);
        if t <= 0.0 {
            return 0.0;
        }
        -(-self.log_hazard(t).exp()).exp_m1()
    }

    /// The cumulative distribution function: the same number as [`Weibull::w_score`].
    pub fn cdf(&self, x: f64) -> f64 {
        self.w_score(x)
    }

    /// Density at the raw score `x`, per unit of the scores.
    ///
    /// `f(x) = (shape / t) z e^-z`, `z = (t / scale)^shape`, `t` as in [`Weibull::w_score`].
    /// Never NaN unless `x` is: far out it is 0; at `t = 0` it is the limit, infinite for a
    /// shape below 1, `1 / scale` for shape 1 and 0 above.
    pub fn pdf(&self, x: f64) -> f64 {
        self.log_pdf(x).exp()
    }

    /// The raw score whose [`Weibull::cdf`] is `p`.
    ///
    /// `((scale (-ln(1 - p))^(1/shape) - translate) + small_score) sign`. `p = 1` gives the
    /// infinity on the extreme side, a `p` outside `[0, 1]` NaN.
    pub fn inv(&self, p: f64) -> f64 {
        if !(0.0..=1.0).contains(&p) {
            return f64::NAN;
        }
        self.at_hazard(-(-p).ln_1p())
    }

    /// The raw score whose cumulative hazard `z = -ln(1 - cdf)` is `z >= 0`.
    pub(crate) fn at_hazard(&self, z: f64) -> f64 {
        let WeibullParts {
            scale,
            shape,
            small_score,
            translate,
            side,
            ..
        } = self.parts;
        // scale e^y - translate; scale is often close to translate and y close to 0.
        let y = z.ln() / shape;
        let offset = if y.abs() < 0.5 {
            (scale - translate) + scale * y.exp_m1()
        } else {
            scale * y.exp() - translate
        };
        (offset + small_score) * side.sign()
    }

    /// Whether `x` is more extreme than the score whose probability is `threshold`, as libMR's
    /// `predict_match` has it: `x > inv(threshold)` for `High`, `x < inv(threshold)` for `Low`.
    ///
    /// libMR's default threshold is `0.9999999`. False when `x` is NaN or `threshold` is no
    /// probability.
    pub fn predict_match(&self, x: f64, threshold: f64) -> bool {
        let boundary = self.inv(threshold);
        match self.parts.side {
            TailSide::High => x > boundary,
            TailSide::Low => x < boundary,
        }
    }

    /// Log-likelihood of raw scores, all of which are taken to belong to the tail.
    ///
    /// `sum(ln f(x))`, `f` as in [`Weibull::pdf`]; negative infinity when a score is
    /// impossible under the model, 0 for no scores. The scores are summed in the order given.
    pub fn log_likelihood(&self, scores: &[f64]) -> f64 {
        let mut sum = Sum::default();
        let mut impossible = false;
        for &x in scores {
            match self.log_pdf(x) {
                nan if nan.is_nan() => return nan,
                // Not summed: with the infinite density at t = 0 it would make a NaN.
                f64::NEG_INFINITY => impossible = true,
                term => sum.add(term),
            }
        }
        if impossible {
            f64::NEG_INFINITY
        } else {
            sum.value()
        }
    }

    /// `t = (sign x + translate) - small_score`, in libMR's order.
    fn translated(&self, x: f64) -> f64 {
        (x * self.parts.side.sign() + self.parts.translate) - self.parts.small_score
    }

    /// `ln z = shape ln(t / scale)`, the logarithm of the cumulative hazard, for `t > 0`.
    fn log_hazard(&self, t: f64) -> f64 {
        self.parts.shape * ln_ratio(t, self.parts.scale)
    }

    /// `ln f = ln z - z + ln shape - ln t`.
    fn log_pdf(&self, x: f64) -> f64 {
        let WeibullParts { scale, shape, .. } = self.parts;
        let t = self.translated(x);
        if t.is_nan() {
            return t;
        }
        if t < 0.0 {
            return f64::NEG_INFINITY;
        }
        if t == 0.0 {
            return match shape {
                shape if shape < 1.0 => f64::INFINITY,
                shape if shape > 1.0 => f64::NEG_INFINITY,
                _ => -scale.ln(),
            };
        }
        let log_z = self.log_hazard(t);
        let z = log_z.exp();
        if z.is_infinite() || log_z == f64::NEG_INFINITY {
            return f64::NEG_INFINITY;
        }
        (log_z - z) + (shape.ln() - t.ln())
    }
}
