//! Mean and variance of the channels of a batch.

use crate::cpu::columns::{load, sum_rows};
use crate::cpu::dispatch::Op;
use crate::cpu::scratch::scratch;
use crate::cpu::simd::Simd;

/// What the training form learns about its batch, one number a channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchStatistics {
    /// Mean over the pixels.
    pub mean: Vec<f32>,
    /// Mean squared deviation (divided by `pixels`): normalises the batch.
    pub variance: Vec<f32>,
    /// Variance divided by `pixels - 1` (by 1 for a single pixel): enters the
    /// running statistics.
    pub unbiased_variance: Vec<f32>,
    /// `1 / sqrt(variance + eps)`.
    pub inverse_std: Vec<f32>,
}

/// Statistics of the whole from those of its parts: for each part, of as many
/// pixels as `counts` says, `sums` has the mean and the squared deviations from
/// it of `c` channels.
///
/// Parts are combined in order, in double precision (Chan, Golub and LeVeque
/// 1979), so that a large mean costs no digits of the variance.
pub(crate) fn combine(
    sums: &[f32],
    counts: impl Iterator<Item = usize>,
    c: usize,
    eps: f64,
) -> BatchStatistics {
    let mut count = 0.0f64;
    let (mut means, mut squares) = (vec![0.0f64; c], vec![0.0f64; c]);
    for (sums, n) in sums.chunks_exact(2 * c).zip(counts) {
        let n = n as f64;
        let total = count + n;
        let (weight, factor) = (n / total, count * n / total);
        let (part_means, part_squares) = sums.split_at(c);
        for channel in 0..c {
            let delta = f64::from(part_means[channel]) - means[channel];
            means[channel] += delta * weight;
            squares[channel] += f64::from(part_squares[channel]) + delta * delta * factor;
        }
        count = total;
    }
    let variance = |square: f64| square / count.max(1.0);
    let each = |f: &dyn Fn(f64) -> f64| squares.iter().map(|&v| f(v) as f32).collect();
    BatchStatistics {
        mean: means.iter().map(|&v| v as f32).collect(),
        variance: each(&variance),
        unbiased_variance: each(&|v| v / (count - 1.0).max(1.0)),
        inverse_std: each(&|v| 1.0 / (variance(v) + eps).sqrt()),
    }
}

/// Mean and squared deviations of the rows of `x`, `2 * channels` sums.
pub(crate) struct Moments<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) channels: usize,
    pub(crate) sums: &'a mut [f32],
}

impl Op for Moments<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (x, c) = (self.x.as_ptr(), self.channels);
        let rows = self.x.len() / c;
        let (means, squares) = self.sums.split_at_mut(c);
        let mut rest = scratch(2 * c);
        // SAFETY: `sum_rows` asks for elements of whole rows of `x` and of one
        // row of the means.
        unsafe {
            sum_rows::<S, 1>(
                rows,
                c,
                means,
                #[inline(always)]
                |at, _, part| [load::<S>(x.add(at), part)],
            );
            means.iter_mut().for_each(|v| *v /= rows as f32);
            let means = means.as_ptr();
            sum_rows::<S, 2>(
                rows,
                c,
                &mut rest,
                #[inline(always)]
                |at, channel, part| {
                    let d = S::sub(
                        load::<S>(x.add(at), part),
                        load::<S>(means.add(channel), part),
                    );
                    [d, S::mul(d, d)]
                },
            );
        }
        // What rounding left of the first sum (corrected two-pass algorithm).
        for (channel, (mean, square)) in means.iter_mut().zip(squares).enumerate() {
            let left = rest[channel] / rows as f32;
            *mean += left;
            *square = (rest[c + channel] - left * rest[channel]).max(0.0);
        }
    }
}
