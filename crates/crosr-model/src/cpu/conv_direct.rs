//! 3x3 convolution as a matrix product whose left side is read from the image.
//!
//! In a zero-padded NHWC image the window of an output pixel is three runs of
//! `3 * c_in` contiguous numbers, and the window of the next pixel lies `c_in`
//! numbers further on. So the image itself is the left matrix, in three
//! segments; only a strip of it is copied, to add the border.

use rayon::prelude::*;

use crate::cpu::columns::column_sums;
use crate::cpu::conv3x3::Conv3x3;
use crate::cpu::dispatch::{self, Path, dispatch};
use crate::cpu::gemm::{Gemm, Order};
use crate::cpu::packing::Packed;
use crate::cpu::scratch::{Shared, scratch};
use crate::cpu::statistics::Moments;

/// Rows of an image that are worked on at a time: the padded strip stays in
/// the cache.
fn strip_rows(h: usize, w: usize, c: usize) -> usize {
    (24_576 / ((w + 2) * c)).clamp(1, h)
}

/// Rows of output that one task computes: the output stays in the cache too.
fn task_rows(d: &Conv3x3) -> usize {
    strip_rows(d.h, d.w, d.c_in).min((24_576 / (d.w * d.c_out)).max(1))
}

/// Copies rows `first - 1 ..= first + rows` of an image into `padded`, with a
/// border of zeros where the image ends.
fn pad_strip(
    image: &[f32],
    (h, w, c): (usize, usize, usize),
    first: usize,
    rows: usize,
    padded: &mut [f32],
) {
    for (i, line) in padded
        .chunks_exact_mut((w + 2) * c)
        .take(rows + 2)
        .enumerate()
    {
        match (first + i).checked_sub(1) {
            Some(y) if y < h => {
                line[..c].fill(0.0);
                line[c..(w + 1) * c].copy_from_slice(&image[y * w * c..(y + 1) * w * c]);
                line[(w + 1) * c..].fill(0.0);
            }
            _ => line.fill(0.0),
        }
    }
}

/// Pixels of the output that each task of [`correlate`] computes.
pub(crate) fn task_pixels(d: &Conv3x3) -> Vec<usize> {
    let rows = task_rows(d);
    let strips = (0..d.h)
        .step_by(rows)
        .map(|first| rows.min(d.h - first) * d.w);
    strips.cycle().take(d.n * d.h.div_ceil(rows)).collect()
}

/// `y = x * weight (+ bias) (ReLU)`; `element(k, column)` is the weight of
/// window position `k = (3 * kh + kw) * c_in + ci` for output channel `column`.
///
/// `moments` receives for each task (see [`task_pixels`]) the mean and the
/// squared deviations of its pixels, `2 * c_out` numbers.
#[allow(clippy::too_many_arguments)]
pub(crate) fn correlate(
    path: Path,
    d: &Conv3x3,
    x: &[f32],
    element: impl Fn(usize, usize) -> f32 + Sync,
    bias: Option<&[f32]>,
    relu: bool,
    y: &mut [f32],
    moments: Option<&mut [f32]>,
) {
    let Conv3x3 {
        n,
        h,
        w,
        c_in,
        c_out,
    } = *d;
    let packed = Packed::new(path, 9 * c_in, c_out, element);
    let rows = task_rows(d);
    let strips = h.div_ceil(rows);
    let out = Shared::new(y);
    let moments = moments.map(Shared::new);
    let line = (w + 2) * c_in;
    (0..n * strips).into_par_iter().for_each(|task| {
        let (image, first) = (task / strips, task % strips * rows);
        let rows = rows.min(h - first);
        let mut padded = scratch((rows + 2) * line);
        let pixels = &x[image * h * w * c_in..(image + 1) * h * w * c_in];
        pad_strip(pixels, (h, w, c_in), first, rows, &mut padded);
        // SAFETY: the strip has `rows + 2` lines of `w + 2` pixels, the window
        // of pixel (r, i) starts at line r, pixel i; `packed` has 9 c_in rows
        // and zero-filled panels; tasks write different rows of `y`, and
        // `bias` has `c_out` entries (checked by the caller).
        unsafe {
            let y = out.part((image * h + first) * w * c_out, rows * w * c_out);
            dispatch(
                path,
                Gemm {
                    order: Order::RowMajor,
                    m: w,
                    n: c_out,
                    k: 3 * c_in,
                    segments: 3,
                    groups: rows,
                    a: padded.as_ptr(),
                    a_ld: c_in,
                    a_seg: line,
                    a_group: line,
                    b: packed.data.as_ptr(),
                    b_ld: packed.width,
                    b_seg: 3 * c_in * packed.width,
                    b_panel: packed.panel,
                    c: y.as_mut_ptr(),
                    c_ld: c_out,
                    c_group: w * c_out,
                    accumulate: false,
                    bias: bias.map_or(std::ptr::null(), <[f32]>::as_ptr),
                    relu,
                },
            );
            if let Some(moments) = moments {
                let sums = moments.part(task * 2 * c_out, 2 * c_out);
                dispatch(
                    path,
                    Moments {
                        x: y,
                        channels: c_out,
                        sums,
                    },
                );
            }
        }
    });
}

/// Gradient of the weights, and of the bias if asked for.
///
/// Images are cut into a fixed number of chunks, each summed by one task, and
/// the chunks are added in order.
pub(crate) fn weight_gradient(
    d: &Conv3x3,
    x: &[f32],
    dy: &[f32],
    dweight: &mut [f32],
    dbias: Option<&mut [f32]>,
) {
    let Conv3x3 {
        n,
        h,
        w,
        c_in,
        c_out,
    } = *d;
    let path = dispatch::current();
    let size = 9 * c_in * c_out;
    let per_chunk = n.div_ceil(16).max(1);
    let chunks = n.div_ceil(per_chunk);
    let mut partial = scratch(chunks * size);
    let line = (w + 2) * c_in;
    let rows = strip_rows(h, w, c_in);
    partial
        .par_chunks_mut(size)
        .enumerate()
        .for_each(|(chunk, sum)| {
            sum.fill(0.0);
            let mut padded = scratch((rows + 2) * line);
            for image in chunk * per_chunk..((chunk + 1) * per_chunk).min(n) {
                let pixels = &x[image * h * w * c_in..(image + 1) * h * w * c_in];
                for first in (0..h).step_by(rows) {
                    let rows = rows.min(h - first);
                    pad_strip(pixels, (h, w, c_in), first, rows, &mut padded);
                    let from = (image * h + first) * w * c_out;
                    let dy = &dy[from..from + rows * w * c_out];
                    // SAFETY: group kh reads the strip's lines kh..kh + rows as
                    // the transpose of a (pixels x 3 c_in) matrix, `dy` as
                    // (pixels x c_out), and adds to rows kh * 3 c_in.. of `sum`,
                    // which is this task's.
                    unsafe {
                        dispatch(
                            path,
                            Gemm {
                                order: Order::ColumnMajor,
                                m: 3 * c_in,
                                n: c_out,
                                k: w,
                                segments: rows,
                                groups: 3,
                                a: padded.as_ptr(),
                                a_ld: c_in,
                                a_seg: line,
                                a_group: line,
                                b: dy.as_ptr(),
                                b_ld: c_out,
                                b_seg: w * c_out,
                                b_panel: 2 * path.lanes(),
                                c: sum.as_mut_ptr(),
                                c_ld: c_out,
                                c_group: 3 * c_in * c_out,
                                accumulate: true,
                                bias: std::ptr::null(),
                                relu: false,
                            },
                        );
                    }
                }
            }
        });
    dweight
        .par_chunks_mut(9 * c_in)
        .enumerate()
        .with_min_len(8)
        .for_each(|(co, dw)| {
            for ci in 0..c_in {
                for tap in 0..9 {
                    let at = (tap * c_in + ci) * c_out + co;
                    dw[ci * 9 + tap] = (0..chunks).map(|chunk| partial[chunk * size + at]).sum();
                }
            }
        });
    if let Some(dbias) = dbias {
        column_sums(dy, dbias);
    }
}
