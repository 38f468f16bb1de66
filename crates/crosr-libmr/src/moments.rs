//! Passes over the data of the shape equation, and the moments they give.
//!
//! In every pass one loop over the lanes of a block does everything: that is what the compiler
//! vectorises.

use crate::{
    kernels::{BLOCK, exp_nonpositive},
    sums::{Levels, total},
};

/// The moments of `q` under the weights `w e` at one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments {
    /// `sum(w e)`.
    pub(crate) total: f64,
    pub(crate) mean: f64,
    pub(crate) variance: f64,
    /// The third central moment.
    pub(crate) skew: f64,
}

impl Moments {
    /// From the sums of `w`, `q w`, `q^2 w` and `q^3 w`.
    pub(crate) fn from_sums(sums: [f64; 4]) -> Self {
        let inverse = 1.0 / sums[0];
        let [mean, second, third] = [1, 2, 3].map(|i| sums[i] * inverse);
        Moments {
            total: sums[0],
            mean,
            variance: second - mean * mean,
            skew: third - mean * (3.0 * second - 2.0 * mean * mean),
        }
    }
    /// The moments at `next` from those at `s`, so near that two orders of the difference are enough.
    ///
    /// In `k = 1 / s` the derivatives of `ln(sum(w e))` are minus the mean, the variance and
    /// minus the third moment.
    pub(crate) fn shifted(&self, s: f64, next: f64) -> Self {
        let Moments {
            total,
            mean,
            variance,
            skew,
        } = *self;
        let by = (s - next) / (s * next);
        Moments {
            total: total + total * by * (0.5 * by * (variance + mean * mean) - mean),
            mean: mean + by * (0.5 * by * skew - variance),
            variance: variance - by * skew,
            skew,
        }
    }
}

/// Replaces data by `q = ln(t) / ln(min t)`, where `ln` is that of the quotient to the largest;
/// `-ln(min t)` and the sums of `1`, `q`, `q^2` and `q^3`.
#[inline(always)]
pub(crate) fn to_moments(
    data: &mut [f64],
    n: usize,
    smallest: f64,
    ln: impl Fn(f64) -> f64,
) -> (f64, [f64; 4]) {
    let log_range = -ln(smallest);
    let to_q = -1.0 / log_range;
    // q may exceed 1 by its rounding.
    let (fine, coarse) = (Levels::<3>::new(n, 1.01), Levels::<1>::new(n, 1.01));
    let mut first = [[0.0; BLOCK]; 3];
    let (mut second, mut third) = ([[0.0; BLOCK]; 1], [[0.0; BLOCK]; 1]);
    for block in data.as_chunks_mut::<BLOCK>().0 {
        for (lane, t) in block.iter_mut().enumerate() {
            let q = to_q * ln(*t);
            *t = q;
            fine.add(&mut first, lane, q);
            coarse.add(&mut second, lane, q * q);
            coarse.add(&mut third, lane, q * q * q);
        }
    }
    let sums = [n as f64, total(first), total(second), total(third)];
    (log_range, sums)
}

/// Sums of `q^j e`, `j` from 0 to 3, with `e = exp(-q / s)`.
#[inline(always)]
pub(crate) fn power_sums<const L: usize>(q: &[f64], n: usize, s: f64) -> [f64; 4] {
    // q^j exp(-q / s) is at most (j s / e)^j, and a little is left for rounding.
    let factor = -1.0 / s;
    let levels = [1.01, 0.38 * s, 0.56 * s * s, 1.4 * s * s * s].map(|b| Levels::<L>::new(n, b));
    let mut sums = [[[0.0; BLOCK]; L]; 4];
    for q in q.as_chunks::<BLOCK>().0 {
        for (lane, &q) in q.iter().enumerate() {
            let e = exp_nonpositive(factor * q);
            levels[0].add(&mut sums[0], lane, e);
            levels[1].add(&mut sums[1], lane, q * e);
            levels[2].add(&mut sums[2], lane, q * q * e);
            levels[3].add(&mut sums[3], lane, q * q * (q * e));
        }
    }
    sums.map(total)
}

/// Sums of `e`, `q e` and `(q - centre)^2 e`.
#[inline(always)]
pub(crate) fn central_sums<const L: usize>(q: &[f64], n: usize, s: f64, centre: f64) -> [f64; 3] {
    let factor = -1.0 / s;
    let bounds = [1.01, 0.38 * s, 1.01 * (centre * centre).max(0.56 * s * s)];
    let levels = bounds.map(|bound| Levels::<L>::new(n, bound));
    let mut sums = [[[0.0; BLOCK]; L]; 3];
    for q in q.as_chunks::<BLOCK>().0 {
        for (lane, &q) in q.iter().enumerate() {
            let e = exp_nonpositive(factor * q);
            let offset = q - centre;
            levels[0].add(&mut sums[0], lane, e);
            levels[1].add(&mut sums[1], lane, q * e);
            levels[2].add(&mut sums[2], lane, offset * offset * e);
        }
    }
    sums.map(total)
}
