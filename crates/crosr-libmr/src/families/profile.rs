//! Likelihoods of distributions with an extreme-value shape, reduced to one unknown.
//!
//! The data are offsets `d` from one end of a tail in units of its width, ascending, the last
//! of them 1. For `theta > -1`, `u = ln(1 + theta d) / theta` (`d` for `theta = 0`) takes the
//! generalised Pareto distribution to the exponential one and the generalised extreme-value
//! distribution to the Gumbel one, both with the scale `b = shape / theta`. Their fits to `u`
//! are known for every `theta`, so that only `theta` is left to be found: Grimshaw, "Computing
//! Maximum Likelihood Estimates for the Generalized Pareto Distribution", Technometrics 35
//! (1993), for the former, and the same idea for the latter. Nothing is singular at shape 0.
//!
//! The coordinate is `tau = ln(1 + theta)`: the whole line, with room close to `theta = -1`,
//! where the support ends at the datum 1.

use crate::numeric::Sum;

/// What `u` is distributed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduced {
    Exponential,
    /// Needs a datum 0.
    Gumbel,
}

/// A likelihood with one unknown.
#[derive(Debug)]
pub(crate) struct Profile {
    reduced: Reduced,
    /// `(d, 1 - d)`, the latter not by subtraction: close to the end it keeps its digits.
    data: Vec<(f64, f64)>,
}

/// The profile at one `tau`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) tau: f64,
    pub(crate) theta: f64,
    /// Scale of the reduced distribution of `u`.
    pub(crate) scale: f64,
    /// Location of the Gumbel distribution of `u`; 0 for the exponential one.
    pub(crate) location: f64,
    /// Slope of the log-likelihood with `tau`, per score.
    pub(crate) slope: f64,
    /// Log-likelihood per score, for densities per width of the tail.
    pub(crate) log_likelihood: f64,
}

impl Point {
    /// `shape = theta b`.
    pub(crate) fn shape(&self) -> f64 {
        self.theta * self.scale
    }
}

impl Profile {
    /// From pairs `(d, 1 - d)`, `d` ascending within `[0, 1]`.
    pub(crate) fn new(reduced: Reduced, data: Vec<(f64, f64)>) -> Self {
        Profile { reduced, data }
    }

    /// The mean of a function of `(d, 1 - d)`.
    fn mean(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
        let sum: Sum = self.data.iter().map(|&(d, e)| f(d, e)).collect();
        sum.value() / self.data.len() as f64
    }

    /// The mean of `1 - d`.
    pub(crate) fn mean_distance_to_end(&self) -> f64 {
        self.mean(|_, e| e)
    }

    /// Grimshaw's upper bound of every `theta` with slope 0, for exponential `u`:
    /// `2 (mean d - min d) / (min d)^2`.
    pub(crate) fn grimshaw_bound(&self) -> f64 {
        let least = self.data[0].0;
        2.0 * ((self.mean(|d, _| d) - least) / least) / least
    }

    /// The profile log-likelihood at `tau`, its slope and the reduced parameters.
    ///
    /// With `p = 1 + theta d` and `u' = du/dtheta = (theta d / p - ln p) / theta^2`:
    /// exponential, `b = mean u`, `l / n = -ln b - 1 - mean ln p` and
    /// `l' / n = -mean u' / b - mean(d / p)`; Gumbel, `l / n = -ln b - (mean u - a) / b - 1 -
    /// mean ln p` and `l' / n = (mean_w u' - mean u') / b - mean(d / p)` with weights
    /// `w = exp(-u / b)`. As `b` and `a` are optimal, their own changes do not count. The
    /// slope with `tau` is `(1 + theta) l'`.
    pub(crate) fn at(&self, tau: f64) -> Point {
        let (theta, end) = (tau.exp_m1(), tau.exp());
        let n = self.data.len() as f64;
        let (mut sum_u, mut sum_du, mut sum_log, mut sum_ratio) = (
            Sum::default(),
            Sum::default(),
            Sum::default(),
            Sum::default(),
        );
        let mut pairs = Vec::with_capacity(match self.reduced {
            Reduced::Exponential => 0,
            Reduced::Gumbel => self.data.len(),
        });
        for &(d, e) in &self.data {
            let z = theta * d;
            let (p, log) = if z > -0.5 {
                (1.0 + z, z.ln_1p())
            } else {
                let p = e + d * end;
                (p, p.ln())
            };
            let u = if theta.abs() < 1e-150 { d } else { log / theta };
            let du = if z.abs() < 0.1 {
                d * d * curvature(z)
            } else {
                (z / p - log) / (theta * theta)
            };
            sum_u.add(u);
            sum_du.add(du);
            sum_log.add(log);
            sum_ratio.add(d / p);
            if self.reduced == Reduced::Gumbel {
                pairs.push((u, du));
            }
        }
        let mean = |sum: Sum| sum.value() / n;
        let (mean_u, mean_du) = (mean(sum_u), mean(sum_du));
        let (mean_log, mean_ratio) = (mean(sum_log), mean(sum_ratio));
        let (scale, location, slope, entropy) = match self.reduced {
            Reduced::Exponential => (mean_u, 0.0, -mean_du / mean_u, 1.0),
            Reduced::Gumbel => {
                let scale = gumbel_scale(&pairs, mean_u);
                let (mut sum_w, mut sum_dw) = (Sum::default(), Sum::default());
                for &(u, du) in &pairs {
                    let w = (-u / scale).exp();
                    sum_w.add(w);
                    sum_dw.add(w * (du - mean_du));
                }
                let log_mean_w = mean(sum_w).ln();
                (
                    scale,
                    -scale * log_mean_w,
                    sum_dw.value() / sum_w.value() / scale,
                    1.0 + mean_u / scale + log_mean_w,
                )
            }
        };
        Point {
            tau,
            theta,
            scale,
            location,
            slope: (slope - mean_ratio) * end,
            log_likelihood: -scale.ln() - entropy - mean_log,
        }
    }
}

/// `(z / (1 + z) - ln(1 + z)) / z^2 = -sum (-z)^j (j + 1) / (j + 2)` for `|z| < 0.1`.
fn curvature(z: f64) -> f64 {
    const TERMS: i32 = 16;
    -(0..TERMS)
        .rev()
        .fold(0.0, |sum, j| f64::from(j + 1) / f64::from(j + 2) - z * sum)
}

/// The maximum-likelihood scale `b` of a Gumbel distribution of `u >= 0`, one of them 0:
/// the root of `mean u - b - sum(u w) / sum(w)`, `w = exp(-u / b)`.
///
/// The left side falls with `b`; Newton steps, halving the bracket
/// `mean u / (2 + n) <= b <= mean u` where they leave it.
fn gumbel_scale(pairs: &[(f64, f64)], mean_u: f64) -> f64 {
    const MAX_STEPS: usize = 200;
    let (mut low, mut high) = (mean_u / (2.0 + pairs.len() as f64), mean_u);
    let mut b = 0.6 * mean_u;
    for _ in 0..MAX_STEPS {
        let (mut sum_w, mut sum_uw, mut sum_uuw) = (Sum::default(), Sum::default(), 0.0);
        for &(u, _) in pairs {
            let w = (-u / b).exp();
            sum_w.add(w);
            sum_uw.add(u / b * w);
            sum_uuw += (u / b) * (u / b) * w;
        }
        let weighted_mean = sum_uw.value() / sum_w.value();
        let variance = (sum_uuw / sum_w.value() - weighted_mean * weighted_mean).max(0.0);
        // Both in units of b.
        let value = (mean_u / b - 1.0) - weighted_mean;
        if value > 0.0 {
            low = b;
        } else {
            high = b;
        }
        let step = b * value / (1.0 + variance);
        // At the rounding floor a step may leave the bracket: stop before it is halved.
        if step.abs() <= 2.0 * f64::EPSILON * b {
            break;
        }
        let newton = b + step;
        b = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(reduced: Reduced, lowest: f64) -> Profile {
        let data = (0..30)
            .map(|i| {
                let d = lowest + (1.0 - lowest) * (f64::from(i) / 29.0).powi(3);
                (d, 1.0 - d)
            })
            .collect();
        Profile::new(reduced, data)
    }

    #[test]
    fn the_slope_is_the_finite_difference() {
        for profile in [
            profile(Reduced::Exponential, 0.01),
            profile(Reduced::Gumbel, 0.0),
        ] {
            for tau in [-12.0, -3.0, -0.2, -1e-6, 0.0, 1e-9, 0.04, 0.5, 3.0, 40.0] {
                let h = 1e-5 * f64::max(1.0, f64::abs(tau));
                let numeric = (profile.at(tau + h).log_likelihood
                    - profile.at(tau - h).log_likelihood)
                    / (2.0 * h);
                let slope = profile.at(tau).slope;
                assert!(
                    (numeric - slope).abs() < 1e-8 * slope.abs().max(1.0),
                    "{tau}: {numeric} {slope}"
                );
            }
        }
    }

    #[test]
    fn the_series_joins_the_closed_form() {
        for z in [-0.0999, -0.03, 0.03, 0.0999] {
            let closed = (z / (1.0 + z) - f64::ln_1p(z)) / (z * z);
            assert!((curvature(z) / closed - 1.0).abs() < 1e-12, "{z}");
        }
        assert_eq!(curvature(0.0), -0.5);
    }

    #[test]
    fn theta_zero_is_the_plain_distribution() {
        let profile = profile(Reduced::Exponential, 0.01);
        assert_eq!(profile.at(0.0).scale, profile.mean(|d, _| d));
    }
}
