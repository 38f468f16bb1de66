//! Batch normalisation of the channels of NHWC activations, with or without ReLU.

use rayon::prelude::*;

use crate::cpu::columns::{chunk_rows, for_vectors, load, sum_rows};
use crate::cpu::dispatch::{self, Op, dispatch};
use crate::cpu::scratch::scratch;
use crate::cpu::simd::Simd;
use crate::cpu::statistics::{BatchStatistics, Moments, combine};

/// Shape of a batch normalisation: `pixels` rows (images times pixels) of
/// `channels` numbers.
///
/// All functions panic when a slice does not have the length that the shape
/// demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchNorm {
    /// Rows.
    pub pixels: usize,
    /// Numbers in a row.
    pub channels: usize,
    /// Sets negative results to 0 (and their gradients).
    pub relu: bool,
}

impl BatchNorm {
    /// Mean and variance of each channel of `x`.
    pub fn statistics(&self, x: &[f32], eps: f64) -> BatchStatistics {
        let Self {
            pixels,
            channels: c,
            ..
        } = *self;
        assert_eq!(x.len(), pixels * c, "length of the input");
        if c == 0 {
            return BatchStatistics::default();
        }
        let path = dispatch::current();
        let rows = chunk_rows(c);
        let mut sums = scratch(pixels.div_ceil(rows) * 2 * c);
        sums.par_chunks_mut(2 * c)
            .zip(x.par_chunks(rows * c))
            .for_each(|(sums, x)| {
                // SAFETY: `Moments` asks for nothing.
                unsafe {
                    dispatch(
                        path,
                        Moments {
                            x,
                            channels: c,
                            sums,
                        },
                    )
                }
            });
        let counts = (0..pixels)
            .step_by(rows)
            .map(|first| rows.min(pixels - first));
        combine(&sums, counts, c, eps)
    }

    /// Training form: `y = gamma * (x - mean) / sqrt(variance + eps) + beta`
    /// with the statistics of this batch, which are returned.
    ///
    /// (Ioffe and Szegedy 2015, algorithm 1.)
    pub fn forward_training(
        &self,
        x: &[f32],
        gamma: &[f32],
        beta: &[f32],
        eps: f64,
        y: &mut [f32],
    ) -> BatchStatistics {
        let stats = self.statistics(x, eps);
        self.normalise(x, &stats, gamma, beta, y);
        stats
    }

    /// The training form with statistics that are known already, from
    /// [`Conv3x3::forward_statistics`](crate::cpu::Conv3x3::forward_statistics).
    pub fn normalise(
        &self,
        x: &[f32],
        stats: &BatchStatistics,
        gamma: &[f32],
        beta: &[f32],
        y: &mut [f32],
    ) {
        let scale = product(gamma, &stats.inverse_std);
        self.apply(x, &stats.mean, &scale, beta, y);
    }

    /// Evaluation form: `y = scale * x + shift`.
    ///
    /// With running statistics `scale = gamma / sqrt(variance + eps)` and
    /// `shift = beta - scale * mean`, see [`scale_shift`].
    pub fn forward_evaluation(&self, x: &[f32], scale: &[f32], shift: &[f32], y: &mut [f32]) {
        self.apply(x, &vec![0.0; self.channels], scale, shift, y);
    }

    /// `y = scale * (x - mean) + shift`, then the ReLU.
    ///
    /// Subtracting first keeps the digits of channels whose mean is large
    /// against their deviation.
    fn apply(&self, x: &[f32], mean: &[f32], scale: &[f32], shift: &[f32], y: &mut [f32]) {
        let Self {
            pixels,
            channels,
            relu,
        } = *self;
        assert_eq!(x.len(), pixels * channels, "length of the input");
        assert_eq!(y.len(), x.len(), "length of the output");
        let lengths = [mean.len(), scale.len(), shift.len()];
        assert_eq!(
            lengths, [channels; 3],
            "one mean, scale and shift a channel"
        );
        if channels == 0 {
            return;
        }
        let path = dispatch::current();
        let chunk = chunk_rows(channels) * channels;
        y.par_chunks_mut(chunk)
            .zip(x.par_chunks(chunk))
            .for_each(|(y, x)| {
                // SAFETY: `x` and `y` have the same number of whole rows, the
                // others one row.
                unsafe {
                    dispatch(
                        path,
                        Apply {
                            x,
                            mean,
                            scale,
                            shift,
                            relu,
                            y,
                        },
                    )
                }
            });
    }

    /// Gradients `dx`, `dgamma`, `dbeta` of the training form.
    ///
    /// With `g` = `dy` where the output is positive (everywhere without ReLU)
    /// and `xhat = (x - mean) * inverse_std`:
    /// `dbeta = sum g`, `dgamma = sum g xhat`,
    /// `dx = gamma * inverse_std * (g - dbeta / pixels - xhat * dgamma / pixels)`.
    /// The output is not needed: its sign comes from `x` by the arithmetic of
    /// the forward pass, bit by bit.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &self,
        x: &[f32],
        dy: &[f32],
        gamma: &[f32],
        beta: &[f32],
        mean: &[f32],
        inverse_std: &[f32],
        dx: &mut [f32],
        dgamma: &mut [f32],
        dbeta: &mut [f32],
    ) {
        let Self {
            pixels,
            channels: c,
            relu,
        } = *self;
        assert_eq!(x.len(), pixels * c, "length of the input");
        assert_eq!(
            (dy.len(), dx.len()),
            (x.len(), x.len()),
            "length of the gradients"
        );
        assert_eq!(
            (dgamma.len(), dbeta.len()),
            (c, c),
            "one gradient a channel"
        );
        if x.is_empty() {
            dgamma.fill(0.0);
            dbeta.fill(0.0);
            return;
        }
        let path = dispatch::current();
        assert_eq!(
            [beta.len(), mean.len()],
            [c; 2],
            "one shift and mean a channel"
        );
        let scale = product(gamma, inverse_std);
        let rows = chunk_rows(c);
        let chunks = pixels.div_ceil(rows);
        let mut partial = scratch(chunks * 2 * c);
        partial
            .par_chunks_mut(2 * c)
            .zip(x.par_chunks(rows * c).zip(dy.par_chunks(rows * c)))
            .for_each(|(sums, (x, dy))| {
                let op = BackwardSums {
                    x,
                    dy,
                    scale: &scale,
                    shift: beta,
                    mean,
                    inverse_std,
                    relu,
                    sums,
                };
                // SAFETY: `x` and `dy` have the same whole rows, the others one row.
                unsafe { dispatch(path, op) }
            });
        // dx = scale * g + slope * (x - mean) + offset
        let (mut slope, mut offset) = (vec![0.0; c], vec![0.0; c]);
        for channel in 0..c {
            let sum = |at: usize| -> f64 {
                partial
                    .iter()
                    .skip(at)
                    .step_by(2 * c)
                    .map(|&v| f64::from(v))
                    .sum()
            };
            let (sum_g, sum_gx) = (sum(channel), sum(c + channel));
            dbeta[channel] = sum_g as f32;
            dgamma[channel] = sum_gx as f32;
            let factor = f64::from(scale[channel]) / pixels as f64;
            slope[channel] = (-factor * sum_gx * f64::from(inverse_std[channel])) as f32;
            offset[channel] = (-factor * sum_g) as f32;
        }
        dx.par_chunks_mut(rows * c)
            .zip(x.par_chunks(rows * c).zip(dy.par_chunks(rows * c)))
            .for_each(|(dx, (x, dy))| {
                let op = BackwardApply {
                    x,
                    dy,
                    mean,
                    scale: &scale,
                    shift: beta,
                    slope: &slope,
                    offset: &offset,
                    relu,
                    dx,
                };
                // SAFETY: `x`, `dy` and `dx` have the same whole rows, the others one row.
                unsafe { dispatch(path, op) }
            });
    }
}

/// Factor and summand of the normalisation: `gamma * inverse_std` and
/// `beta - mean * gamma * inverse_std`.
pub fn scale_shift(
    gamma: &[f32],
    beta: &[f32],
    mean: &[f32],
    inverse_std: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let c = gamma.len();
    assert_eq!(
        (beta.len(), mean.len(), inverse_std.len()),
        (c, c, c),
        "one number a channel"
    );
    let scale = product(gamma, inverse_std);
    let shift = (0..c).map(|i| beta[i] - mean[i] * scale[i]).collect();
    (scale, shift)
}

pub(crate) fn product(gamma: &[f32], inverse_std: &[f32]) -> Vec<f32> {
    assert_eq!(gamma.len(), inverse_std.len(), "one number a channel");
    gamma.iter().zip(inverse_std).map(|(g, i)| g * i).collect()
}

/// `y = relu(scale * (x - mean) + shift)`; needs whole rows, as many in `y` as in `x`.
struct Apply<'a> {
    x: &'a [f32],
    mean: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    relu: bool,
    y: &'a mut [f32],
}

impl Op for Apply<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let c = self.scale.len();
        for (y, x) in self.y.chunks_exact_mut(c).zip(self.x.chunks_exact(c)) {
            for_vectors::<S>(
                c,
                #[inline(always)]
                |at, lanes| {
                    // SAFETY: `at + lanes <= c`, the length of all rows.
                    unsafe {
                        let part = (lanes < S::LANES).then_some(lanes);
                        let x = load::<S>(x.as_ptr().add(at), part);
                        let mut v = S::mul_add(
                            S::sub(x, load::<S>(self.mean.as_ptr().add(at), part)),
                            load::<S>(self.scale.as_ptr().add(at), part),
                            load::<S>(self.shift.as_ptr().add(at), part),
                        );
                        if self.relu {
                            v = S::relu(v);
                        }
                        store::<S>(y.as_mut_ptr().add(at), v, part);
                    }
                },
            );
        }
    }
}

/// Stores a whole vector, or the first lanes of one.
///
/// # Safety
/// The lanes asked for are writable; the caller is compiled for `S`.
#[inline(always)]
unsafe fn store<S: Simd>(p: *mut f32, v: S::V, part: Option<usize>) {
    // SAFETY: the caller's promise.
    unsafe {
        match part {
            None => S::store(p, v),
            Some(lanes) => S::store_part(p, v, lanes),
        }
    }
}

/// Sums of `g` and `g * xhat`, `2 * channels` of them; needs whole rows.
struct BackwardSums<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    mean: &'a [f32],
    inverse_std: &'a [f32],
    relu: bool,
    sums: &'a mut [f32],
}

impl Op for BackwardSums<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let c = self.scale.len();
        let rows = self.x.len() / c;
        let (x, dy) = (self.x.as_ptr(), self.dy.as_ptr());
        let (scale, shift) = (self.scale.as_ptr(), self.shift.as_ptr());
        let (mean, inverse_std) = (self.mean.as_ptr(), self.inverse_std.as_ptr());
        let relu = self.relu;
        // SAFETY: elements of whole rows of `x` and `dy`, and of one row of
        // the others.
        unsafe {
            sum_rows::<S, 2>(
                rows,
                c,
                self.sums,
                #[inline(always)]
                |at, channel, part| {
                    let x = load::<S>(x.add(at), part);
                    let centred = S::sub(x, load::<S>(mean.add(channel), part));
                    let mut g = load::<S>(dy.add(at), part);
                    if relu {
                        let scale = load::<S>(scale.add(channel), part);
                        let y = S::mul_add(centred, scale, load::<S>(shift.add(channel), part));
                        g = S::where_positive(y, g);
                    }
                    let xhat = S::mul(centred, load::<S>(inverse_std.add(channel), part));
                    [g, S::mul(g, xhat)]
                },
            );
        }
    }
}

/// `dx = scale * g + slope * (x - mean) + offset`; needs whole rows.
struct BackwardApply<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    mean: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    slope: &'a [f32],
    offset: &'a [f32],
    relu: bool,
    dx: &'a mut [f32],
}

impl Op for BackwardApply<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let c = self.scale.len();
        let rows = self.dx.chunks_exact_mut(c).zip(self.x.chunks_exact(c));
        for ((dx, x), dy) in rows.zip(self.dy.chunks_exact(c)) {
            for_vectors::<S>(
                c,
                #[inline(always)]
                |at, lanes| {
                    // SAFETY: `at + lanes <= c`, the length of all rows.
                    unsafe {
                        let part = (lanes < S::LANES).then_some(lanes);
                        let x = load::<S>(x.as_ptr().add(at), part);
                        let x = S::sub(x, load::<S>(self.mean.as_ptr().add(at), part));
                        let scale = load::<S>(self.scale.as_ptr().add(at), part);
                        let mut g = load::<S>(dy.as_ptr().add(at), part);
                        if self.relu {
                            let shift = load::<S>(self.shift.as_ptr().add(at), part);
                            g = S::where_positive(S::mul_add(x, scale, shift), g);
                        }
                        let slope = load::<S>(self.slope.as_ptr().add(at), part);
                        let rest =
                            S::mul_add(x, slope, load::<S>(self.offset.as_ptr().add(at), part));
                        store::<S>(dx.as_mut_ptr().add(at), S::mul_add(g, scale, rest), part);
                    }
                },
            );
        }
    }
}
