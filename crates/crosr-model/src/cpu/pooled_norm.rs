//! Batch normalisation, ReLU and 2x2 maximum pooling as one operator.
//!
//! Neither the normalised map nor its gradient is ever stored: the largest of
//! four is taken as they are made, and the backward pass spreads the pooled
//! gradient as it reads the input again.

use rayon::prelude::*;

use crate::cpu::batch_norm::product;
use crate::cpu::dispatch;
use crate::cpu::elementwise::vectorised;
use crate::cpu::scratch::scratch;
use crate::cpu::statistics::BatchStatistics;

/// Place of a window whose maximum is not positive: no gradient passes.
const NOWHERE: u8 = 4;

/// Shape of a normalisation with ReLU and 2x2 pooling: `[n, h, w, c]` to
/// `[n, h / 2, w / 2, c]`, `h` and `w` even.
///
/// All functions panic when `h` or `w` is odd or a slice does not have the
/// length that the shape demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PooledBatchNorm {
    /// Images.
    pub n: usize,
    /// Rows of an input image.
    pub h: usize,
    /// Pixels of an input row.
    pub w: usize,
    /// Channels.
    pub c: usize,
}

impl PooledBatchNorm {
    /// Numbers in the input, `n * h * w * c`.
    pub fn input_len(&self) -> usize {
        self.n * self.h * self.w * self.c
    }

    /// Numbers in the output, `n * (h / 2) * (w / 2) * c`.
    pub fn output_len(&self) -> usize {
        self.input_len() / 4
    }

    /// Rows of the output that one task takes.
    fn task_rows(&self) -> usize {
        (16_384 / (2 * self.w * self.c).max(1)).max(1)
    }

    fn check(&self, x: &[f32], y: &[f32], argmax: &[u8]) {
        assert!(
            self.h.is_multiple_of(2) && self.w.is_multiple_of(2),
            "an odd size: {self:?}"
        );
        assert_eq!(x.len(), self.input_len(), "length of the input");
        assert_eq!(y.len(), self.output_len(), "length of the output");
        assert_eq!(argmax.len(), y.len(), "length of the places");
    }

    /// `y` = the maximum over each window of
    /// `max(gamma * (x - mean) * inverse_std + beta, 0)`.
    ///
    /// `argmax` = its place, `2 * row + column`, the first of equal ones; 4
    /// where the maximum is not positive. A NaN in a window is its maximum.
    pub fn forward_training(
        &self,
        x: &[f32],
        stats: &BatchStatistics,
        gamma: &[f32],
        beta: &[f32],
        y: &mut [f32],
        argmax: &mut [u8],
    ) {
        self.check(x, y, argmax);
        let Self { w, c, .. } = *self;
        let mean = &stats.mean[..];
        let scale = &product(gamma, &stats.inverse_std)[..];
        assert_eq!(
            [mean.len(), scale.len(), beta.len()],
            [c; 3],
            "one number a channel"
        );
        if y.is_empty() {
            return;
        }
        let path = dispatch::current();
        let chunk = self.task_rows() * w / 2 * c;
        let outputs = y.par_chunks_mut(chunk).zip(argmax.par_chunks_mut(chunk));
        outputs
            .zip(x.par_chunks(4 * chunk))
            .for_each(|((y, argmax), x)| {
                vectorised(
                    path,
                    #[inline(always)]
                    || {
                        let [mean, scale, beta] = [&mean[..c], &scale[..c], &beta[..c]];
                        let outputs = y.chunks_exact_mut(c).zip(argmax.chunks_exact_mut(c));
                        for ((y, at), [p, q, r, s]) in outputs.zip(windows(x, w, c)) {
                            let [p, q, r, s] = [&p[..c], &q[..c], &r[..c], &s[..c]];
                            let (y, at) = (&mut y[..c], &mut at[..c]);
                            for i in 0..c {
                                let z = |v: f32| (v - mean[i]) * scale[i] + beta[i];
                                let (mut best, mut place) = (z(p[i]), 0u8);
                                for (v, k) in [(z(q[i]), 1), (z(r[i]), 2), (z(s[i]), 3)] {
                                    if (v > best || v.is_nan()) && !best.is_nan() {
                                        (best, place) = (v, k);
                                    }
                                }
                                let positive = best > 0.0;
                                at[i] = if positive { place } else { NOWHERE };
                                y[i] = if positive || best.is_nan() { best } else { 0.0 };
                            }
                        }
                    },
                );
            });
    }

    /// Gradients `dx`, `dgamma`, `dbeta`; the formulas are those of
    /// [`BatchNorm::backward`](crate::cpu::BatchNorm::backward), with `g` = `dy`
    /// at the recorded place of each window and 0 elsewhere.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &self,
        x: &[f32],
        dy: &[f32],
        argmax: &[u8],
        gamma: &[f32],
        mean: &[f32],
        inverse_std: &[f32],
        dx: &mut [f32],
        dgamma: &mut [f32],
        dbeta: &mut [f32],
    ) {
        self.check(x, dy, argmax);
        let Self { w, c, .. } = *self;
        assert_eq!(dx.len(), x.len(), "length of the input gradient");
        let scale = &product(gamma, inverse_std)[..];
        assert_eq!(
            [mean.len(), dgamma.len(), dbeta.len()],
            [c; 3],
            "one number a channel"
        );
        if x.is_empty() {
            dgamma.fill(0.0);
            dbeta.fill(0.0);
            return;
        }
        let path = dispatch::current();
        let chunk = self.task_rows() * w / 2 * c;
        let mut partial = scratch(dy.len().div_ceil(chunk) * 2 * c);
        let inputs = dy.par_chunks(chunk).zip(argmax.par_chunks(chunk));
        partial
            .par_chunks_mut(2 * c)
            .zip(inputs.zip(x.par_chunks(4 * chunk)))
            .for_each(|(sums, ((dy, argmax), x))| {
                sums.fill(0.0);
                vectorised(
                    path,
                    #[inline(always)]
                    || {
                        let (sum_g, sum_gx) = sums.split_at_mut(c);
                        let inputs = dy.chunks_exact(c).zip(argmax.chunks_exact(c));
                        for ((dy, at), [p, q, r, s]) in inputs.zip(windows(x, w, c)) {
                            let [p, q, r, s] = [&p[..c], &q[..c], &r[..c], &s[..c]];
                            let (dy, at) = (&dy[..c], &at[..c]);
                            for i in 0..c {
                                // All four are read: selections, not jumps.
                                let (top, bottom) = ([p[i], q[i]], [r[i], s[i]]);
                                let (g, k) = (dy[i], at[i]);
                                let first = if k == 0 { top[0] } else { top[1] };
                                let second = if k == 2 { bottom[0] } else { bottom[1] };
                                let v = if k < 2 { first } else { second };
                                let g = if k == NOWHERE { 0.0 } else { g };
                                sum_g[i] += g;
                                sum_gx[i] += g * ((v - mean[i]) * inverse_std[i]);
                            }
                        }
                    },
                );
            });
        let pixels = (x.len() / c) as f64;
        let (mut slope, mut offset) = (vec![0.0; c], vec![0.0; c]);
        let (mut sums_g, mut sums_gx) = (vec![0.0f64; c], vec![0.0f64; c]);
        for sums in partial.chunks_exact(2 * c) {
            for i in 0..c {
                sums_g[i] += f64::from(sums[i]);
                sums_gx[i] += f64::from(sums[c + i]);
            }
        }
        for i in 0..c {
            (dbeta[i], dgamma[i]) = (sums_g[i] as f32, sums_gx[i] as f32);
            let factor = f64::from(scale[i]) / pixels;
            slope[i] = (-factor * sums_gx[i] * f64::from(inverse_std[i])) as f32;
            offset[i] = (-factor * sums_g[i]) as f32;
        }
        let (slope, offset) = (&slope[..], &offset[..]);
        let inputs = dy.par_chunks(chunk).zip(argmax.par_chunks(chunk));
        dx.par_chunks_mut(4 * chunk)
            .zip(inputs.zip(x.par_chunks(4 * chunk)))
            .for_each(|(dx, ((dy, argmax), x))| {
                vectorised(
                    path,
                    #[inline(always)]
                    || {
                        let [mean, scale] = [&mean[..c], &scale[..c]];
                        let [slope, offset] = [&slope[..c], &offset[..c]];
                        let inputs = dy
                            .chunks_exact(w / 2 * c)
                            .zip(argmax.chunks_exact(w / 2 * c));
                        let lines = dx
                            .chunks_exact_mut(2 * w * c)
                            .zip(x.chunks_exact(2 * w * c));
                        for ((dx, x), (dy, argmax)) in lines.zip(inputs) {
                            let halves = dx.chunks_exact_mut(w * c).zip(x.chunks_exact(w * c));
                            for (row, (dx, x)) in halves.enumerate() {
                                let pixels = dx.chunks_exact_mut(c).zip(x.chunks_exact(c));
                                for (col, (dx, x)) in pixels.enumerate() {
                                    let at = col / 2 * c;
                                    let (dy, argmax) =
                                        (&dy[at..at + c][..c], &argmax[at..at + c][..c]);
                                    let here = (2 * row + col % 2) as u8;
                                    let (dx, x) = (&mut dx[..c], &x[..c]);
                                    for i in 0..c {
                                        let g = if argmax[i] == here { dy[i] } else { 0.0 };
                                        let rest = slope[i] * (x[i] - mean[i]) + offset[i];
                                        dx[i] = scale[i] * g + rest;
                                    }
                                }
                            }
                        }
                    },
                );
            });
    }
}

/// The four pixels of each window of pairs of rows, in order.
#[inline(always)]
fn windows(x: &[f32], w: usize, c: usize) -> impl Iterator<Item = [&[f32]; 4]> {
    x.chunks_exact(2 * w * c).flat_map(move |rows| {
        let (top, bottom) = rows.split_at(w * c);
        top.chunks_exact(2 * c)
            .zip(bottom.chunks_exact(2 * c))
            .map(move |(top, bottom)| {
                let ((p, q), (r, s)) = (top.split_at(c), bottom.split_at(c));
                [p, q, r, s]
            })
    })
}
