//! The Weibull likelihood of a translated tail, reduced to one unknown.
//!
//! With the data `t`, `r = ln(max t / min t)` and `q = ln(max t / t) / r`, every `q` lies in
//! `[0, 1]`, one is 0 and one is 1. The unknown is `s = 1 / (shape * r)`, a pure number that
//! does not depend on the unit of the scores. The powers `e = exp(-q / s)` are never above 1
//! and never all 0, so nothing here can overflow whatever the shape.
//!
//! Weights `w` and censoring enter as in J. F. Lawless, "Statistical Models and Methods for
//! Lifetime Data" (2nd ed. 2003), section 5.2: the density counts for uncensored data, the
//! cumulative hazard for all.

use pulp::Arch;

use crate::{
    kernels::{BLOCK, exp_nonpositive, ln_quotient, vectorised},
    moments::{Moments, central_sums, power_sums, to_moments},
    numeric::{Sum, ln_ratio},
    sample::Weighting,
};

/// Stands for `q` after the last datum: so far from the largest datum that `e` is exactly 0.
const PADDING: f64 = 1e100;
/// More data than this are summed at one more level: the rounding that the coarsest level
/// leaves grows with their number.
const FEW: usize = 1 << 13;

/// The shape equation of a tail.
#[derive(Debug)]
pub(crate) struct ShapeEquation {
    arch: Arch,
    /// `ln(max t / t) / r`, padded to whole blocks.
    q: Vec<f64>,
    /// Number of data.
    n: usize,
    /// Weights of the data over the largest weight, padded with 0; `None` when all are 1.
    weights: Option<Vec<f64>>,
    /// Weighted mean of `q` over the uncensored data.
    mean_q: f64,
    /// Over all data: the moments at shape 0.
    start: Moments,
    /// Total weight of all data over that of the largest datum.
    weight_ratio: f64,
    /// Total weight of the uncensored data, over the largest weight.
    events: f64,
    /// The largest weight.
    unit: f64,
    /// `r`, the logarithm of the largest over the smallest datum.
    log_range: f64,
    /// The largest datum.
    largest: f64,
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
    /// From positive data whose smallest and largest, given, differ.
    pub(crate) fn new(data: Vec<f64>, smallest: f64, largest: f64) -> Self {
        let n = data.len() as f64;
        let mut equation = Self::logarithms(data, smallest, largest);
        equation.mean_q = equation.start.mean;
        equation.weight_ratio = n;
        equation.events = n;
        equation
    }

    /// From ascending data with weights; `None` when no uncensored datum lies below the
    /// largest: then the likelihood grows without bound with the shape.
    pub(crate) fn weighted(data: Vec<f64>, weighting: Weighting) -> Option<Self> {
        let Weighting {
            mut weights,
            censored,
            unit,
        } = weighting;
        let (smallest, largest) = (data[0], data[data.len() - 1]);
        let mut equation = Self::logarithms(data, smallest, largest);
        let rows = || equation.q.iter().zip(&weights);
        let events = || rows().zip(&censored).filter(|(_, c)| !**c).map(|(r, _)| r);
        let total_events: Sum = events().map(|(_, w)| *w).collect();
        let sum_q: Sum = events().map(|(q, w)| q * w).collect();
        let mean_q = sum_q.value() / total_events.value();
        // 0 / 0 without any uncensored datum.
        if mean_q.is_nan() || mean_q <= 0.0 {
            return None;
        }
        let power_sum = |power: i32| rows().map(|(q, w)| q.powi(power) * w).collect::<Sum>();
        let start = Moments::from_sums([0, 1, 2, 3].map(|power| power_sum(power).value()));
        let of_largest = weights.last().copied().unwrap_or(1.0);
        equation.weight_ratio = start.total / of_largest;
        equation.start = start;
        equation.mean_q = mean_q;
        equation.events = total_events.value();
        equation.unit = unit;
        weights.resize(equation.q.len(), 0.0);
        equation.weights = Some(weights);
        Some(equation)
    }

    /// `q`, padded, in place of the data, with its moments.
    fn logarithms(mut data: Vec<f64>, smallest: f64, largest: f64) -> Self {
        let arch = Arch::new();
        let n = data.len();
        // Multiplying by inverses costs half a unit in the last place, and saves time.
        let inverse = 1.0 / largest;
        let plain = (smallest / largest).is_normal() && inverse.is_normal();
        // As large as the largest, the padding is 0 in the sums.
        data.resize(n.next_multiple_of(BLOCK), largest);
        let (log_range, sums) = if plain {
            vectorised(
                arch,
                #[inline(always)]
                || {
                    to_moments(
                        &mut data,
                        n,
                        smallest,
                        #[inline(always)]
                        |t| ln_quotient(t * inverse, (t - largest) * inverse),
                    )
                },
            )
        } else {
            to_moments(&mut data, n, smallest, |t| ln_ratio(t, largest))
        };
        data[n..].fill(PADDING);
        ShapeEquation {
            arch,
            q: data,
            n,
            weights: None,
            mean_q: 0.0,
            start: Moments::from_sums(sums),
            weight_ratio: 0.0,
            events: 0.0,
            unit: 1.0,
            log_range,
            largest,
        }
    }

    /// `F(s) = mean_q - s - sum(w q e) / sum(w e)` with `e = exp(-q / s)`.
    ///
    /// This is the derivative of the profile log-likelihood set to 0, in the unknown of this
    /// module (A. C. Cohen, "Maximum Likelihood Estimation in the Weibull Distribution Based on
    /// Complete and on Censored Samples", Technometrics 7, 1965).
    pub(crate) fn value(&self, s: f64, moments: &Moments) -> f64 {
        // At s = mean_q the first difference is exactly 0: the sign there is right.
        (self.mean_q - s) - moments.mean
    }

    /// `F'(s) = -1 - var(q) / s^2 < 0`, so there is one root.
    pub(crate) fn slope(&self, s: f64, moments: &Moments) -> f64 {
        -1.0 - moments.variance / (s * s)
    }

    /// The moments at `s`, to about ten digits at least.
    pub(crate) fn moments(&self, s: f64) -> Moments {
        if let Some(weights) = &self.weights {
            return Moments::from_sums(
                [0, 1, 2, 3].map(|power| self.weighted_sum(weights, s, |q| q.powi(power))),
            );
        }
        let (q, n) = (&self.q[..], self.n);
        let sums = vectorised(
            self.arch,
            #[inline(always)]
            || {
                if n <= FEW {
                    power_sums::<1>(q, n, s)
                } else {
                    power_sums::<2>(q, n, s)
                }
            },
        );
        Moments::from_sums(sums)
    }

    /// The moments at `s` to the last digits, the variance about what the mean is at the root,
    /// but for the third, which is handed on.
    pub(crate) fn exact_moments(&self, s: f64, skew: f64) -> Moments {
        let centre = self.mean_q - s;
        let (q, n) = (&self.q[..], self.n);
        let sums = match &self.weights {
            Some(weights) => [
                self.weighted_sum(weights, s, |_| 1.0),
                self.weighted_sum(weights, s, |q| q),
                self.weighted_sum(weights, s, |q| (q - centre) * (q - centre)),
            ],
            None => vectorised(
                self.arch,
                #[inline(always)]
                || {
                    if n <= FEW {
                        central_sums::<2>(q, n, s, centre)
                    } else {
                        central_sums::<3>(q, n, s, centre)
                    }
                },
            ),
        };
        let mean = sums[1] / sums[0];
        let shift = mean - centre;
        Moments {
            total: sums[0],
            mean,
            variance: (sums[2] / sums[0] - shift * shift).max(0.0),
            skew,
        }
    }

    /// `sum(f(q) w e)`. The rows are in a canonical order and their weights may differ by any
    /// factor: a compensated sum, one datum at a time.
    fn weighted_sum(&self, weights: &[f64], s: f64, f: impl Fn(f64) -> f64) -> f64 {
        let factor = -1.0 / s;
        let terms = self.q.iter().zip(weights);
        let terms = terms.map(|(&q, w)| f(q) * (w * exp_nonpositive(factor * q)));
        terms.collect::<Sum>().value()
    }

    /// Where the search starts: [`Self::step`] from shape 0.
    pub(crate) fn start(&self) -> f64 {
        self.gamma_root(0.0, &self.start)
    }

    /// The next `s` after `moments` at `s`.
    pub(crate) fn step(&self, s: f64, moments: &Moments) -> f64 {
        self.gamma_root(1.0 / s, moments)
    }

    /// The root `s` of the shape equation if `q` were gamma distributed, up to an offset.
    ///
    /// Then the mean under `exp(-k q)` is `c + alpha / (b + k - at)`, and three moments at
    /// `k = at` give `b = 2 variance / skew`, `alpha = variance b^2`, `c = mean - variance b`;
    /// without positive skew, `c = 0` gives `b = mean / variance`. With `k = 1 / s` the
    /// equation `(mean_q - c) - 1/k = alpha / (b + k - at)` is quadratic, and its larger root is
    /// the one with `b + k > at`. The model has the true value and two true derivatives at `at`:
    /// convergence is cubic, and it starts from far away.
    fn gamma_root(&self, at: f64, moments: &Moments) -> f64 {
        let Moments {
            mean,
            variance,
            skew,
            ..
        } = *moments;
        let b = if skew > 0.0 && 2.0 * variance * variance < mean * skew {
            2.0 * variance / skew
        } else {
            mean / variance
        };
        let alpha = variance * b * b;
        let level = self.mean_q - (mean - variance * b);
        let beta = b - at;
        let p = level * beta - 1.0 - alpha;
        let root = (p * p + 4.0 * level * beta).sqrt();
        // s = 1 / k, each form where it does not cancel.
        if p > 0.0 {
            (p + root) / (2.0 * beta)
        } else {
            2.0 * level / (root - p)
        }
    }

    /// Bounds `(low, high)` of the root, with `F(low) > 0 >= F(high)`.
    ///
    /// Upper: `F(mean_q) = -sum(w q e) / sum(w e) <= 0`. Lower: `q e <= s / exp(1)` for every
    /// `q`, and `sum(w e)` is at least the weight of the largest datum, so with `R` the total
    /// weight over that one, `F(s) >= mean_q - s (1 + R / exp(1))`.
    pub(crate) fn bracket(&self) -> (f64, f64) {
        (self.mean_q / (2.0 + self.weight_ratio), self.mean_q)
    }

    /// Below this a value of `F` is rounding: `F` is a difference of two means of that size.
    pub(crate) fn rounding(&self) -> f64 {
        8.0 * f64::EPSILON * self.mean_q
    }

    /// The same where the equation is steep: what the last places of `s` itself make of `F`, and
    /// those of the exponents `q / s`, whose errors move the mean by their covariance with `q`.
    pub(crate) fn conditioned_rounding(&self, s: f64, moments: &Moments) -> f64 {
        let Moments { mean, variance, .. } = *moments;
        let of_root = (s * self.slope(s, moments)).abs();
        let of_exponents = (variance * (variance + mean * mean)).sqrt() / s;
        4.0 * f64::EPSILON * (self.mean_q + of_root + of_exponents)
    }

    /// `1 / (s r)`.
    pub(crate) fn shape(&self, s: f64) -> f64 {
        1.0 / (s * self.log_range)
    }

    /// Scale, maximum of the likelihood and covariance, from the moments at a root `s`.
    ///
    /// With `D` the total weight of the uncensored data,
    /// `scale = (sum(w t^shape) / D)^(1/shape) = max t * exp(s r L)`, `L = ln(sum(w e) / D)`.
    /// With `z = shape ln(t / scale) = -q/s - L` the log-likelihood is
    /// `sum_uncensored(w (ln shape + z - ln t)) - sum(w e^z)` and the observed information in
    /// (ln scale, ln shape) is `D shape^2`, `-shape sum(w z e^z)`, `D + sum(w z^2 e^z)`. As
    /// `sum(w e^z) = D`, its inverse follows from mean and variance of `z` under `w e^z`.
    pub(crate) fn estimate(&self, s: f64, moments: &Moments) -> Estimate {
        let shape = self.shape(s);
        let log_mean = (moments.total / self.events).ln();
        let mean_z = -moments.mean / s - log_mean;
        let variance_z = moments.variance / (s * s);

        let x = log_mean * s * self.log_range;
        // largest * exp(x), each form where it loses nothing.
        let scale = if x.abs() < 0.5 {
            self.largest + self.largest * x.exp_m1()
        } else {
            self.largest * x.exp()
        };
        let n = self.events * self.unit;
        let mean_log_t = self.largest.ln() - self.log_range * self.mean_q;
        let log_likelihood = n * (shape.ln() - self.mean_q / s - log_mean - 1.0 - mean_log_t);

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
mod tests;
