//! The Weibull likelihood of a translated tail, reduced to one unknown.
//!
//! With the data `t`, `r = ln(max t / min t)` and `q = ln(max t / t) / r`, every `q` lies in
//! `[0, 1]`, one is 0 and one is 1. The unknown is `s = 1 / (shape * r)`, a pure number that
//! does not depend on the unit of the scores. Weights `w = exp(-q / s)` are never above 1 and
//! never all 0, so nothing here can overflow whatever the shape.

use crate::numeric::{Sum, ln_ratio};

/// The shape equation of a tail.
#[derive(Debug)]
pub(crate) struct ShapeEquation {
    /// `ln(max t / t) / r`, from 1 down to 0.
    q: Vec<f64>,
    mean_q: f64,
    /// `r`, the logarithm of the largest over the smallest datum.
    log_range: f64,
    /// The largest datum.
    largest: f64,
}

/// Value and slope of the shape equation at one point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evaluation {
    pub(crate) value: f64,
    pub(crate) slope: f64,
}

/// What the maximum likelihood is made of, at a solution `s`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimate {
    pub(crate) scale: f64,
    pub(crate) shape: f64,
    pub(crate) log_likelihood: f64,
    /// Of (ln scale, ln shape).
    pub(crate) covariance: [[f64; 2]; 2],
}

impl ShapeEquation {
    /// From ascending, positive data whose first and last differ.
    pub(crate) fn new(data: &[f64]) -> Self {
        let largest = data[data.len() - 1];
        let log_range = -ln_ratio(data[0], largest);
        let q: Vec<f64> = data
            .iter()
            .map(|&t| -ln_ratio(t, largest) / log_range)
            .collect();
        let mean_q = q.iter().copied().collect::<Sum>().value() / q.len() as f64;
        ShapeEquation {
            q,
            mean_q,
            log_range,
            largest,
        }
    }

    /// `F(s) = mean(q) - s - sum(q w) / sum(w)`, `w = exp(-q / s)`, and `F'(s)`.
    ///
    /// This is the derivative of the profile log-likelihood set to 0, in the unknown of this
    /// module (Cohen, "Maximum Likelihood Estimation in the Weibull Distribution Based on
    /// Complete and on Censored Samples", Technometrics 7, 1965, complete samples).
    /// `F' = -1 - var_w(q) / s^2 < 0`, so there is one root.
    pub(crate) fn evaluate(&self, s: f64) -> Evaluation {
        let (mut sum_w, mut sum_qw, mut sum_qqw) = (Sum::default(), Sum::default(), 0.0);
        for &q in &self.q {
            let w = (-q / s).exp();
            sum_w.add(w);
            sum_qw.add(q * w);
            sum_qqw += q * q * w;
        }
        let total = sum_w.value();
        let weighted_mean = sum_qw.value() / total;
        let variance = (sum_qqw / total - weighted_mean * weighted_mean).max(0.0);
        Evaluation {
            // At s = mean(q) the first difference is exactly 0: the sign there is right.
            value: (self.mean_q - s) - weighted_mean,
            slope: -1.0 - variance / (s * s),
        }
    }

    /// Bounds `(low, high)` of the root, with `F(low) > 0 >= F(high)`.
    ///
    /// Upper: `F(mean q) = -sum(q w) / sum(w) <= 0`. Lower: `q w <= s / e` for every `q` and
    /// `sum(w) >= 1` from the largest datum, so `F(s) >= mean q - s (1 + n / e)`.
    pub(crate) fn bracket(&self) -> (f64, f64) {
        (self.mean_q / (2.0 + self.q.len() as f64), self.mean_q)
    }

    /// Below this a value of `F` is rounding: `F` is a difference of two means of that size.
    pub(crate) fn rounding(&self) -> f64 {
        8.0 * f64::EPSILON * self.mean_q
    }

    /// `1 / (s r)`.
    pub(crate) fn shape(&self, s: f64) -> f64 {
        1.0 / (s * self.log_range)
    }

    /// Scale, maximum of the likelihood and covariance, for a root `s` of [`Self::evaluate`].
    ///
    /// `scale = mean(t^shape)^(1/shape) = max t * exp(s r L)` with `L = ln(mean w)`. With
    /// `z = shape ln(t / scale) = -q/s - L` the log-likelihood is
    /// `sum(ln shape + z - e^z - ln t)` and the observed information in (ln scale, ln shape) is
    /// `n shape^2`, `-shape sum(z e^z)`, `n + sum(z^2 e^z)`. As `e^z = w / mean w` has mean 1,
    /// its inverse follows from mean and variance of `z` under the weights `w`.
    pub(crate) fn estimate(&self, s: f64) -> Estimate {
        let n = self.q.len() as f64;
        let shape = self.shape(s);
        let sum_w = self
            .q
            .iter()
            .map(|q| (-q / s).exp())
            .collect::<Sum>()
            .value();
        let log_mean_w = (sum_w / n).ln();
        let weighted = |f: &dyn Fn(f64) -> f64| {
            let sum: Sum = self.q.iter().map(|&q| (-q / s).exp() * f(q)).collect();
            sum.value() / sum_w
        };
        let mean = weighted(&|q| q);
        let variance_z = weighted(&|q| (q - mean) * (q - mean)) / (s * s);
        let mean_z = -mean / s - log_mean_w;

        let x = log_mean_w * s * self.log_range;
        // largest * exp(x), each form where it loses nothing.
        let scale = if x > -0.5 {
            self.largest + self.largest * x.exp_m1()
        } else {
            self.largest * x.exp()
        };
        let mean_log_t = self.largest.ln() - self.log_range * self.mean_q;
        let log_likelihood = n * (shape.ln() - self.mean_q / s - log_mean_w - 1.0 - mean_log_t);

        let determinant = 1.0 + variance_z;
        let cross = mean_z / (n * shape * determinant);
        let covariance = [
            [
                (determinant + mean_z * mean_z) / (n * shape * shape * determinant),
                cross,
            ],
            [cross, 1.0 / (n * determinant)],
        ];
        Estimate {
            scale,
            shape,
            log_likelihood,
            covariance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAILS: [&[f64]; 5] = [
        &[1.0, 2.0],
        &[1.0, 1.0, 1.0, 50.0],
        &[1e-9, 1.0, 1.0, 1.0, 1.1],
        &[1.0, 1.0 + 1e-12, 1.0 + 2e-12],
        &[1e-300, 1.0, 1e300],
    ];

    #[test]
    fn the_bracket_holds_the_root() {
        for data in TAILS {
            let equation = ShapeEquation::new(data);
            let (low, high) = equation.bracket();
            assert!(low < high);
            assert!(equation.evaluate(low).value > 0.0, "{data:?}");
            assert!(equation.evaluate(high).value <= 0.0, "{data:?}");
        }
    }

    #[test]
    fn the_slope_is_the_finite_difference() {
        for data in TAILS {
            let equation = ShapeEquation::new(data);
            let (low, high) = equation.bracket();
            let s = (low * high).sqrt();
            let h = s * 1e-5;
            let numeric =
                (equation.evaluate(s + h).value - equation.evaluate(s - h).value) / (2.0 * h);
            let slope = equation.evaluate(s).slope;
            assert!(
                (numeric / slope - 1.0).abs() < 1e-6,
                "{data:?}: {numeric} {slope}"
            );
        }
    }
}
