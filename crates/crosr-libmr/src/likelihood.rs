//! The Weibull likelihood of a translated tail, reduced to one unknown.
//!
//! With the data `t`, `r = ln(max t / min t)` and `q = ln(max t / t) / r`, every `q` lies in
//! `[0, 1]`, one is 0 and one is 1. The unknown is `s = 1 / (shape * r)`, a pure number that
//! does not depend on the unit of the scores. The powers `e = exp(-q / s)` are never above 1
//! and never all 0, so nothing here can overflow whatever the shape.
//!
//! Weights `w` and censoring enter as they do in J. F. Lawless, "Statistical Models and Methods
//! for Lifetime Data" (2nd ed. 2003), section 5.2: sums over uncensored data where the density
//! stands, over all data where the cumulative hazard stands.

use pulp::Arch;

use crate::{
    kernels::{BLOCK, exp_nonpositive, ln_quotient, vectorised},
    numeric::{Sum, ln_ratio},
};

/// Stands for `q` after the last datum: so far from the largest datum that `e` is exactly 0.
const PADDING: f64 = 1e100;

/// The shape equation of a tail.
#[derive(Debug)]
pub(crate) struct ShapeEquation {
    arch: Arch,
    /// `ln(max t / t) / r`, from 1 down to 0, padded to whole blocks.
    q: Vec<f64>,
    /// Weights of the data over the largest weight, padded with 0; `None` when all are 1.
    weights: Option<Vec<f64>>,
    /// Weighted mean of `q` over the uncensored data.
    mean_q: f64,
    /// Weighted mean and variance of `q` over all data: the moments at shape 0.
    start: (f64, f64),
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

/// The moments of `q` under the weights `w e` at one point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    total: f64,
    pub(crate) mean: f64,
    pub(crate) variance: f64,
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

/// Weights and censoring of a tail, in the order of its data.
#[derive(Debug)]
pub(crate) struct Weighting {
    /// Weights over the largest weight, above 0.
    pub(crate) weights: Vec<f64>,
    /// Whether the datum is known only to be at least this large.
    pub(crate) censored: Vec<bool>,
    /// The largest weight.
    pub(crate) unit: f64,
}

impl ShapeEquation {
    /// From ascending, positive data whose first and last differ.
    pub(crate) fn new(data: Vec<f64>) -> Self {
        let n = data.len();
        let (mut equation, mean_q, mean_qq) = Self::logarithms(data);
        equation.mean_q = mean_q;
        equation.start = (mean_q, mean_qq - mean_q * mean_q);
        equation.weight_ratio = n as f64;
        equation.events = n as f64;
        equation
    }

    /// From such data with weights; `None` when no uncensored datum lies below the largest:
    /// then the likelihood grows without bound with the shape.
    pub(crate) fn weighted(data: Vec<f64>, weighting: Weighting) -> Option<Self> {
        let Weighting {
            mut weights,
            censored,
            unit,
        } = weighting;
        let (mut equation, ..) = Self::logarithms(data);
        let total: Sum = weights.iter().copied().collect();
        let rows = || equation.q.iter().zip(&weights);
        let events = || rows().zip(&censored).filter(|(_, c)| !**c).map(|(r, _)| r);
        let total_events: Sum = events().map(|(_, w)| *w).collect();
        let sum_q: Sum = events().map(|(q, w)| q * w).collect();
        let all_q: Sum = rows().map(|(q, w)| q * w).collect();
        let all_qq: Sum = rows().map(|(q, w)| q * q * w).collect();
        let mean = all_q.value() / total.value();
        let mean_q = sum_q.value() / total_events.value();
        // False for 0 / 0, too: no uncensored datum at all.
        if !(mean_q > 0.0) {
            return None;
        }
        let of_largest = weights.last().copied().unwrap_or(1.0);
        equation.start = (mean, all_qq.value() / total.value() - mean * mean);
        equation.mean_q = mean_q;
        equation.weight_ratio = total.value() / of_largest;
        equation.events = total_events.value();
        equation.unit = unit;
        weights.resize(equation.q.len(), 0.0);
        equation.weights = Some(weights);
        Some(equation)
    }

    /// `q`, padded, in place of the data, with its mean and mean square.
    fn logarithms(mut data: Vec<f64>) -> (Self, f64, f64) {
        let arch = Arch::new();
        let n = data.len();
        let (smallest, largest) = (data[0], data[n - 1]);
        // Multiplying by inverses costs half a unit in the last place, and saves time.
        let inverse = 1.0 / largest;
        let plain = (smallest / largest).is_normal() && inverse.is_normal();
        let log_range = if plain {
            -ln_quotient(smallest * inverse, (smallest - largest) * inverse)
        } else {
            -ln_ratio(smallest, largest)
        };
        let to_q = -1.0 / log_range;
        data.resize(n.next_multiple_of(BLOCK), largest);
        let (sum, sum_squares) = vectorised(
            arch,
            #[inline(always)]
            || {
                let (mut sum, mut lost) = ([0.0; BLOCK], [0.0; BLOCK]);
                let mut squares = [0.0; BLOCK];
                for block in data.as_chunks_mut::<BLOCK>().0 {
                    if !plain {
                        for t in block.iter_mut() {
                            *t = ln_ratio(*t, largest);
                        }
                    }
                    for lane in 0..BLOCK {
                        let t = block[lane];
                        let ln = if plain {
                            ln_quotient(t * inverse, (t - largest) * inverse)
                        } else {
                            t
                        };
                        let q = ln * to_q;
                        block[lane] = q;
                        // The padding is 0 so far: it does not count.
                        add_exactly(&mut sum[lane], &mut lost[lane], q);
                        squares[lane] += q * q;
                    }
                }
                (fold_exactly(sum, lost), fold(squares))
            },
        );
        data[n..].fill(PADDING);
        let equation = ShapeEquation {
            arch,
            q: data,
            weights: None,
            mean_q: 0.0,
            start: (0.0, 0.0),
            weight_ratio: 0.0,
            events: 0.0,
            unit: 1.0,
            log_range,
            largest,
        };
        (equation, sum / n as f64, sum_squares / n as f64)
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

    /// The moments at `s`, in plain sums.
    pub(crate) fn moments(&self, s: f64) -> Moments {
        let factor = -1.0 / s;
        let sums = vectorised(
            self.arch,
            #[inline(always)]
            || match &self.weights {
                None => plain_sums(
                    &self.q,
                    factor,
                    #[inline(always)]
                    |_, _| 1.0,
                ),
                Some(weights) => {
                    let weights = weights.as_chunks::<BLOCK>().0;
                    plain_sums(
                        &self.q,
                        factor,
                        #[inline(always)]
                        |i, lane| weights[i][lane],
                    )
                }
            },
        );
        let mean = sums[1] / sums[0];
        Moments {
            total: sums[0],
            mean,
            variance: (sums[2] / sums[0] - mean * mean).max(0.0),
        }
    }

    /// The moments at `s` in compensated sums, the variance about what the mean is at the root.
    pub(crate) fn exact_moments(&self, s: f64) -> Moments {
        let factor = -1.0 / s;
        let centre = self.mean_q - s;
        let sums = vectorised(
            self.arch,
            #[inline(always)]
            || match &self.weights {
                None => exact_sums(
                    &self.q,
                    factor,
                    centre,
                    #[inline(always)]
                    |_, _| 1.0,
                ),
                Some(weights) => {
                    let weights = weights.as_chunks::<BLOCK>().0;
                    exact_sums(
                        &self.q,
                        factor,
                        centre,
                        #[inline(always)]
                        |i, lane| weights[i][lane],
                    )
                }
            },
        );
        let mean = sums[1] / sums[0];
        let shift = mean - centre;
        Moments {
            total: sums[0],
            mean,
            variance: (sums[2] / sums[0] - shift * shift).max(0.0),
        }
    }

    /// Where the search starts: the root if `q` were gamma distributed.
    pub(crate) fn start(&self) -> f64 {
        let (mean, variance) = self.start;
        self.gamma_root(0.0, mean, variance)
    }

    /// The next `s` after `moments` at `s`: the root of the equation of a gamma distribution
    /// with these moments.
    pub(crate) fn step(&self, s: f64, moments: &Moments) -> f64 {
        self.gamma_root(1.0 / s, moments.mean, moments.variance)
    }

    /// The root `s` when the mean under `exp(-k q)` is `alpha / (beta + k)`, as it is for gamma
    /// distributed `q`, with mean and variance given at `k = at`.
    ///
    /// `alpha = mean^2 / variance`, `beta + at = mean / variance`. With `k = 1 / s` the shape
    /// equation `mean_q - 1/k = alpha / (beta + k)` is quadratic; the larger root is the one
    /// with `beta + k > 0`. As the model has the true value and slope at `at`, repeating this
    /// converges quadratically, like Newton's method, but from much farther away.
    fn gamma_root(&self, at: f64, mean: f64, variance: f64) -> f64 {
        let alpha = mean * mean / variance;
        let beta = mean / variance - at;
        let p = self.mean_q * beta - 1.0 - alpha;
        let root = (p * p + 4.0 * self.mean_q * beta).sqrt();
        // s = 1 / k, each form where it does not cancel.
        if p > 0.0 {
            (p + root) / (2.0 * beta)
        } else {
            2.0 * self.mean_q / (root - p)
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

/// Sums of `w`, `q w` and `q^2 w` with `w = weight(position) exp(factor q)`.
///
/// One loop over the lanes of a block does everything: that is what the compiler vectorises.
#[inline(always)]
fn plain_sums(q: &[f64], factor: f64, weight: impl Fn(usize, usize) -> f64) -> [f64; 3] {
    let (mut zeroth, mut first, mut second) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    for (i, q) in q.as_chunks::<BLOCK>().0.iter().enumerate() {
        for lane in 0..BLOCK {
            let q = q[lane];
            let w = weight(i, lane) * exp_nonpositive(factor * q);
            let qw = q * w;
            zeroth[lane] += w;
            first[lane] += qw;
            second[lane] = q.mul_add(qw, second[lane]);
        }
    }
    [fold(zeroth), fold(first), fold(second)]
}

/// Sums of `w`, `q w` (both compensated) and `(q - centre)^2 w`.
#[inline(always)]
fn exact_sums(
    q: &[f64],
    factor: f64,
    centre: f64,
    weight: impl Fn(usize, usize) -> f64,
) -> [f64; 3] {
    let (mut zeroth, mut zeroth_lost) = ([0.0; BLOCK], [0.0; BLOCK]);
    let (mut first, mut first_lost) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut second = [0.0; BLOCK];
    for (i, q) in q.as_chunks::<BLOCK>().0.iter().enumerate() {
        for lane in 0..BLOCK {
            let q = q[lane];
            let w = weight(i, lane) * exp_nonpositive(factor * q);
            let offset = q - centre;
            second[lane] += offset * offset * w;
            add_exactly(&mut zeroth[lane], &mut zeroth_lost[lane], w);
            add_exactly(&mut first[lane], &mut first_lost[lane], q * w);
        }
    }
    [
        fold_exactly(zeroth, zeroth_lost),
        fold_exactly(first, first_lost),
        fold(second),
    ]
}

/// D. E. Knuth's exact addition, which needs no branch: `lost` takes the rounding error.
#[inline(always)]
fn add_exactly(total: &mut f64, lost: &mut f64, term: f64) {
    let before = *total;
    let after = before + term;
    let part = after - before;
    *lost += (before - (after - part)) + (term - part);
    *total = after;
}

/// The lanes of a compensated sum added up, in a fixed order.
#[inline(always)]
fn fold_exactly(mut total: [f64; BLOCK], mut lost: [f64; BLOCK]) -> f64 {
    let mut width = BLOCK / 2;
    while width > 0 {
        for lane in 0..width {
            let (term, error) = (total[lane + width], lost[lane + width]);
            lost[lane] += error;
            add_exactly(&mut total[lane], &mut lost[lane], term);
        }
        width /= 2;
    }
    total[0] + lost[0]
}

/// The lanes added up, in a fixed order.
#[inline(always)]
fn fold(mut lanes: [f64; BLOCK]) -> f64 {
    let mut width = BLOCK / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
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
            let equation = ShapeEquation::new(data.to_vec());
            let (low, high) = equation.bracket();
            let value = |s| equation.value(s, &equation.moments(s));
            assert!(low < high);
            assert!(value(low) > 0.0, "{data:?}");
            assert!(value(high) <= 0.0, "{data:?}");
        }
    }

    #[test]
    fn the_slope_is_the_finite_difference() {
        for data in TAILS {
            let equation = ShapeEquation::new(data.to_vec());
            let (low, high) = equation.bracket();
            let s = (low * high).sqrt();
            let h = s * 1e-5;
            let value = |s| equation.value(s, &equation.moments(s));
            let numeric = (value(s + h) - value(s - h)) / (2.0 * h);
            let slope = equation.slope(s, &equation.moments(s));
            assert!(
                (numeric / slope - 1.0).abs() < 1e-6,
                "{data:?}: {numeric} {slope}"
            );
        }
    }

    #[test]
    fn both_kinds_of_sums_agree() {
        for data in TAILS {
            let equation = ShapeEquation::new(data.to_vec());
            let (low, high) = equation.bracket();
            for s in [low, (low * high).sqrt(), high] {
                let plain = equation.moments(s);
                let exact = equation.exact_moments(s);
                let close = |a: f64, b: f64| (a - b).abs() <= 1e-14 * a.abs().max(1e-300);
                assert!(close(plain.total, exact.total), "{data:?} {s}");
                assert!(close(plain.mean, exact.mean), "{data:?} {s}");
                assert!((plain.variance - exact.variance).abs() <= 1e-15);
            }
        }
    }
}
