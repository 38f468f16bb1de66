//! What a fit tells about itself.

use crate::{error::ParamError, normal};

/// How a fit went and how sure its parameters are.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FitReport {
    /// Number of scores that were fitted.
    pub tail_size: usize,
    /// Solver iterations, bracketed and exact steps together.
    pub iterations: u64,
    /// Residual of the shape equation
    /// `1/shape + mean(ln t) - sum(t^shape ln t) / sum(t^shape) = 0`, relative to `1/shape`.
    pub residual: f64,
    /// Log-likelihood of the translated tail at its maximum.
    pub log_likelihood: f64,
    /// The fitted scale.
    pub scale: f64,
    /// The fitted shape.
    pub shape: f64,
    /// Covariance of `(ln scale, ln shape)`: the inverse of the observed information.
    pub covariance: [[f64; 2]; 2],
}

/// Confidence intervals of scale and shape, each `(lower, upper)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConfidenceIntervals {
    /// The level, as in `0.95`.
    pub level: f64,
    /// Interval of the scale.
    pub scale: (f64, f64),
    /// Interval of the shape.
    pub shape: (f64, f64),
}

impl FitReport {
    /// Akaike's information criterion, `2 * 2 - 2 log_likelihood`: two parameters were fitted.
    /// Smaller is better; comparable only between fits to the same data.
    ///
    /// H. Akaike, "A New Look at the Statistical Model Identification", IEEE Transactions on
    /// Automatic Control 19 (1974).
    pub fn aic(&self) -> f64 {
        4.0 - 2.0 * self.log_likelihood
    }

    /// Confidence intervals at `level`, strictly between 0 and 1.
    ///
    /// `theta exp(-/+ z se(ln theta))` with the normal quantile `z` at `(1 + level) / 2`: the
    /// normal approximation on the log scale, where positive parameters belong (Meeker and
    /// Escobar, "Statistical Methods for Reliability Data", 1998, section 8.4).
    ///
    /// libMR's intervals differ: its Python default `alpha = 5.0` is no significance level,
    /// and with a proper one its lower and upper getters are exchanged.
    ///
    /// # Errors
    /// [`ParamError::Level`] for a level outside (0, 1) or NaN.
    pub fn confidence(&self, level: f64) -> Result<ConfidenceIntervals, ParamError> {
        if level > 0.0 && level < 1.0 {
            Ok(self.intervals(level))
        } else {
            Err(ParamError::Level { given: level })
        }
    }

    /// [`Self::confidence`] for a level known to lie in (0, 1).
    pub(crate) fn intervals(&self, level: f64) -> ConfidenceIntervals {
        // The lower tail keeps its digits for levels close to 1.
        let z = -normal::quantile(0.5 * (1.0 - level));
        let interval = |estimate: f64, variance: f64| {
            let half_width = z * variance.sqrt();
            (estimate * (-half_width).exp(), estimate * half_width.exp())
        };
        ConfidenceIntervals {
            level,
            scale: interval(self.scale, self.covariance[0][0]),
            shape: interval(self.shape, self.covariance[1][1]),
        }
    }
}
