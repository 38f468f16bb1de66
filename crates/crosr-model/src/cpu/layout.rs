//! NCHW to NHWC and back.

use rayon::prelude::*;

/// `[n, c, pixels]` to `[n, pixels, c]`.
pub fn nchw_to_nhwc(x: &[f32], c: usize, pixels: usize, y: &mut [f32]) {
    transpose(x, c, pixels, y);
}

/// `[n, pixels, c]` to `[n, c, pixels]`; also the order in which a fully
/// connected layer of a channels-first network expects its input.
pub fn nhwc_to_nchw(x: &[f32], c: usize, pixels: usize, y: &mut [f32]) {
    transpose(x, pixels, c, y);
}

/// Transposes each `[rows, cols]` matrix of `x`.
fn transpose(x: &[f32], rows: usize, cols: usize, y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "length of the output");
    let size = rows * cols;
    if size == 0 {
        return;
    }
    assert_eq!(x.len() % size, 0, "whole images");
    y.par_chunks_mut(size)
        .zip(x.par_chunks(size))
        .for_each(|(y, x)| {
            // Blocks of 16 by 16 keep both sides in the nearest cache.
            for r0 in (0..rows).step_by(16) {
                let r1 = (r0 + 16).min(rows);
                for c0 in (0..cols).step_by(16) {
                    for c in c0..(c0 + 16).min(cols) {
                        let line = &mut y[c * rows + r0..c * rows + r1];
                        for (r, v) in (r0..r1).zip(line) {
                            *v = x[r * cols + c];
                        }
                    }
                }
            }
        });
}
