//! Maximum pooling 2x2 and the pooling of whole maps.

use rayon::prelude::*;

use crate::cpu::dispatch;
use crate::cpu::elementwise::vectorised;

/// Shape of a 2x2 maximum pooling with stride 2: `[n, h, w, c]` to
/// `[n, h / 2, w / 2, c]`; an odd last row or column is left out.
///
/// All functions panic when a slice does not have the length that the shape
/// demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2x2 {
    /// Images.
    pub n: usize,
    /// Rows of an input image.
    pub h: usize,
    /// Pixels of an input row.
    pub w: usize,
    /// Channels.
    pub c: usize,
}

impl MaxPool2x2 {
    /// Numbers in the input, `n * h * w * c`.
    pub fn input_len(&self) -> usize {
        self.n * self.h * self.w * self.c
    }

    /// Numbers in the output, `n * (h / 2) * (w / 2) * c`.
    pub fn output_len(&self) -> usize {
        self.n * (self.h / 2) * (self.w / 2) * self.c
    }

    /// `y` = the maximum of each window, `argmax` = its place, `2 * row + column`.
    ///
    /// The first of equal maxima in row-major order counts. A NaN in a window
    /// is its maximum.
    pub fn forward(&self, x: &[f32], y: &mut [f32], argmax: &mut [u8]) {
        assert_eq!(x.len(), self.input_len(), "length of the input");
        assert_eq!(y.len(), self.output_len(), "length of the output");
        assert_eq!(argmax.len(), y.len(), "length of the places");
        let Self { h, w, c, .. } = *self;
        let (ho, wo) = (h / 2, w / 2);
        if y.is_empty() {
            return;
        }
        let path = dispatch::current();
        let rows = y.par_chunks_mut(wo * c).zip(argmax.par_chunks_mut(wo * c));
        rows.with_min_len(4)
            .enumerate()
            .for_each(|(row, (y, argmax))| {
                let top = (row / ho * h + row % ho * 2) * w * c;
                let (top, bottom) = x[top..top + 2 * w * c].split_at(w * c);
                vectorised(
                    path,
                    #[inline(always)]
                    || {
                        let outputs = y.chunks_exact_mut(c).zip(argmax.chunks_exact_mut(c));
                        let windows = top.chunks_exact(2 * c).zip(bottom.chunks_exact(2 * c));
                        for ((y, at), (top, bottom)) in outputs.zip(windows) {
                            let ((a, b), (d, e)) = (top.split_at(c), bottom.split_at(c));
                            for i in 0..c.min(y.len()).min(at.len()) {
                                let (mut best, mut place) = (a[i], 0);
                                for (v, k) in [(b[i], 1), (d[i], 2), (e[i], 3)] {
                                    // A NaN on the left stays, one on the right wins.
                                    if (v > best || v.is_nan()) && !best.is_nan() {
                                        (best, place) = (v, k);
                                    }
                                }
                                (y[i], at[i]) = (best, place);
                            }
                        }
                    },
                );
            });
    }

    /// `dx` = `dy` at the recorded places, 0 elsewhere.
    pub fn backward(&self, dy: &[f32], argmax: &[u8], dx: &mut [f32]) {
        assert_eq!(dy.len(), self.output_len(), "length of the output gradient");
        assert_eq!(argmax.len(), dy.len(), "length of the places");
        assert_eq!(dx.len(), self.input_len(), "length of the input gradient");
        let Self { h, w, c, .. } = *self;
        let (ho, wo) = (h / 2, w / 2);
        if dx.is_empty() {
            return;
        }
        let path = dispatch::current();
        dx.par_chunks_mut(h * w * c)
            .enumerate()
            .for_each(|(image, dx)| {
                if h % 2 == 1 {
                    dx[(h - 1) * w * c..].fill(0.0);
                }
                let size = ho * wo * c;
                let dy = &dy[image * size..(image + 1) * size];
                let argmax = &argmax[image * size..(image + 1) * size];
                if size == 0 {
                    dx.fill(0.0);
                    return;
                }
                let rows = dy.chunks_exact(wo * c).zip(argmax.chunks_exact(wo * c));
                for (rows_of_dx, (dy, argmax)) in dx.chunks_exact_mut(2 * w * c).zip(rows) {
                    let (top, bottom) = rows_of_dx.split_at_mut(w * c);
                    if w % 2 == 1 {
                        top[(w - 1) * c..].fill(0.0);
                        bottom[(w - 1) * c..].fill(0.0);
                    }
                    vectorised(
                        path,
                        #[inline(always)]
                        || {
                            let windows = top
                                .chunks_exact_mut(2 * c)
                                .zip(bottom.chunks_exact_mut(2 * c));
                            let inputs = dy.chunks_exact(c).zip(argmax.chunks_exact(c));
                            for ((top, bottom), (dy, at)) in windows.zip(inputs) {
                                let (a, b) = top.split_at_mut(c);
                                let (d, e) = bottom.split_at_mut(c);
                                for (k, out) in [a, b, d, e].into_iter().enumerate() {
                                    for ((v, &dy), &at) in out.iter_mut().zip(dy).zip(at) {
                                        *v = if at as usize == k { dy } else { 0.0 };
                                    }
                                }
                            }
                        },
                    );
                }
            });
    }
}

/// The maximum of each channel over the pixels: `[n, pixels, c]` to `[n, c]`.
///
/// A NaN in a channel is its maximum.
pub fn global_max(x: &[f32], pixels: usize, c: usize, y: &mut [f32]) {
    global(
        x,
        pixels,
        c,
        y,
        |best, v| if v > best || v.is_nan() { v } else { best },
        1.0,
    );
}

/// The mean of each channel over the pixels: `[n, pixels, c]` to `[n, c]`.
pub fn global_mean(x: &[f32], pixels: usize, c: usize, y: &mut [f32]) {
    global(x, pixels, c, y, |sum, v| sum + v, 1.0 / pixels as f32);
}

fn global(
    x: &[f32],
    pixels: usize,
    c: usize,
    y: &mut [f32],
    f: impl Fn(f32, f32) -> f32 + Sync,
    scale: f32,
) {
    assert!(pixels > 0, "a pooling needs pixels");
    assert_eq!(x.len(), y.len() * pixels, "length of the input");
    if y.is_empty() {
        return;
    }
    assert_eq!(y.len() % c, 0, "whole images");
    y.par_chunks_mut(c)
        .zip(x.par_chunks(pixels * c))
        .for_each(|(y, x)| {
            let (first, rest) = x.split_at(c);
            y.copy_from_slice(first);
            for row in rest.chunks_exact(c) {
                y.iter_mut().zip(row).for_each(|(y, &v)| *y = f(*y, v));
            }
            y.iter_mut().for_each(|y| *y *= scale);
        });
}
