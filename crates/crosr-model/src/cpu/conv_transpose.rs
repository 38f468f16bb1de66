//! Transposed convolution 2x2, stride 2: every pixel becomes a block of four.
//!
//! For a fixed row `i` of the block, the two output pixels of each input pixel
//! are neighbours, so one image row of the result is a matrix product
//! `[w, c_in] x [c_in, 2 c_out]` that is stored where it belongs.

use rayon::prelude::*;

use crate::cpu::columns::column_sums;
use crate::cpu::dispatch::{self, Path, dispatch};
use crate::cpu::gemm::{Gemm, Order};
use crate::cpu::packing::Packed;
use crate::cpu::scratch::{Shared, scratch};

/// Shape of a transposed convolution with a 2x2 window and stride 2.
///
/// Activations are NHWC: input `[n, h, w, c_in]`, output `[n, 2h, 2w, c_out]`;
/// the weight is `[c_in, c_out, 2, 2]`. All functions panic when a slice does
/// not have the length that the shape demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2x2 {
    /// Images.
    pub n: usize,
    /// Rows of an input image.
    pub h: usize,
    /// Pixels of an input row.
    pub w: usize,
    /// Channels in.
    pub c_in: usize,
    /// Channels out.
    pub c_out: usize,
}

impl ConvTranspose2x2 {
    /// Numbers in the input, `n * h * w * c_in`.
    pub fn input_len(&self) -> usize {
        self.n * self.h * self.w * self.c_in
    }

    /// Numbers in the output, `n * 2h * 2w * c_out`.
    pub fn output_len(&self) -> usize {
        4 * self.n * self.h * self.w * self.c_out
    }

    /// Numbers in the weight, `c_in * c_out * 4`.
    pub fn weight_len(&self) -> usize {
        self.c_out * self.c_in * 4
    }

    /// Input rows (over all images) that one task takes.
    fn rows_per_task(&self) -> usize {
        (16_384 / (self.w * (self.c_in + 4 * self.c_out)).max(1)).clamp(1, (self.n * self.h).max(1))
    }

    /// The weights of block row `i`: `c_in` rows, columns `j * c_out + co`.
    fn pack_forward(&self, path: Path, weight: &[f32], i: usize) -> Packed {
        let c_out = self.c_out;
        Packed::new(path, self.c_in, 2 * c_out, |ci, column| {
            weight[(ci * c_out + column % c_out) * 4 + 2 * i + column / c_out]
        })
    }

    /// `y[2p + (i, j), co] = bias[co] + sum over ci of weight[ci, co, i, j] * x[p, ci]`.
    pub fn forward(
        &self,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        y: &mut [f32],
    ) {
        assert_eq!(x.len(), self.input_len(), "length of the input");
        assert_eq!(weight.len(), self.weight_len(), "length of the weight");
        assert_eq!(y.len(), self.output_len(), "length of the output");
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.c_out, "length of the bias");
        }
        let Self {
            n,
            h,
            w,
            c_in,
            c_out,
        } = *self;
        let path = dispatch::current();
        let packed = [0, 1].map(|i| self.pack_forward(path, weight, i));
        // The bias of both pixels of a block row.
        let twice: Option<Vec<f32>> = bias.map(|bias| [bias, bias].concat());
        let rows = self.rows_per_task();
        if y.is_empty() {
            return;
        }
        y.par_chunks_mut(rows * 4 * w * c_out)
            .enumerate()
            .for_each(|(task, y)| {
                let first = task * rows;
                let rows = rows.min(n * h - first);
                let x = &x[first * w * c_in..(first + rows) * w * c_in];
                for (i, packed) in packed.iter().enumerate() {
                    // SAFETY: `x` has `rows * w` pixels of `c_in`; output row
                    // 2r + i of the chunk has `w` rows of `2 c_out`; the packed
                    // weights have `c_in` rows.
                    unsafe {
                        dispatch(
                            path,
                            Gemm {
                                order: Order::RowMajor,
                                m: w,
                                n: 2 * c_out,
                                k: c_in,
                                segments: 1,
                                groups: rows,
                                a: x.as_ptr(),
                                a_ld: c_in,
                                a_seg: 0,
                                a_group: w * c_in,
                                b: packed.data.as_ptr(),
                                b_ld: packed.width,
                                b_seg: 0,
                                b_panel: packed.panel,
                                c: y.as_mut_ptr().add(i * 2 * w * c_out),
                                c_ld: 2 * c_out,
                                c_group: 4 * w * c_out,
                                accumulate: false,
                                bias: twice
                                    .as_ref()
                                    .map_or(std::ptr::null(), |bias| bias.as_ptr()),
                                relu,
                            },
                        );
                    }
                }
            });
    }

    /// `dx[p, ci] = sum over i, j, co of weight[ci, co, i, j] * dy[2p + (i, j), co]`.
    pub fn input_gradient(&self, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
        assert_eq!(dy.len(), self.output_len(), "length of the output gradient");
        assert_eq!(weight.len(), self.weight_len(), "length of the weight");
        assert_eq!(dx.len(), self.input_len(), "length of the input gradient");
        let Self {
            n,
            h,
            w,
            c_in,
            c_out,
        } = *self;
        let path = dispatch::current();
        let packed = Packed::new(path, 4 * c_out, c_in, |k, ci| {
            weight[(ci * c_out + k % c_out) * 4 + k / c_out]
        });
        let rows = self.rows_per_task();
        if dx.is_empty() {
            return;
        }
        dx.par_chunks_mut(rows * w * c_in)
            .enumerate()
            .for_each(|(task, dx)| {
                let first = task * rows;
                let rows = rows.min(n * h - first);
                let dy = &dy[first * 4 * w * c_out..(first + rows) * 4 * w * c_out];
                // SAFETY: the two segments of row r are output rows 2r and 2r + 1,
                // `2 c_out` numbers for each of `w` pixels; the packed weights
                // have `4 c_out` rows; `dx` has `rows * w` pixels of `c_in`.
                unsafe {
                    dispatch(
                        path,
                        Gemm {
                            order: Order::RowMajor,
                            m: w,
                            n: c_in,
                            k: 2 * c_out,
                            segments: 2,
                            groups: rows,
                            a: dy.as_ptr(),
                            a_ld: 2 * c_out,
                            a_seg: 2 * w * c_out,
                            a_group: 4 * w * c_out,
                            b: packed.data.as_ptr(),
                            b_ld: packed.width,
                            b_seg: 2 * c_out * packed.width,
                            b_panel: packed.panel,
                            c: dx.as_mut_ptr(),
                            c_ld: c_in,
                            c_group: w * c_in,
                            accumulate: false,
                            bias: std::ptr::null(),
                            relu: false,
                        },
                    );
                }
            });
    }

    /// Gradients with respect to the weight and, if asked for, the bias.
    ///
    /// Images are cut into a fixed number of chunks, each summed by one task,
    /// and the chunks are added in order.
    pub fn weight_gradient(
        &self,
        x: &[f32],
        dy: &[f32],
        dweight: &mut [f32],
        dbias: Option<&mut [f32]>,
    ) {
        assert_eq!(x.len(), self.input_len(), "length of the input");
        assert_eq!(dy.len(), self.output_len(), "length of the output gradient");
        assert_eq!(
            dweight.len(),
            self.weight_len(),
            "length of the weight gradient"
        );
        let Self {
            n,
            h,
            w,
            c_in,
            c_out,
        } = *self;
        let path = dispatch::current();
        let size = 4 * c_in * c_out;
        let total = n * h;
        let per_chunk = total.div_ceil(8).max(1);
        let chunks = total.div_ceil(per_chunk);
        let mut partial = scratch(chunks * size);
        let shared = Shared::new(&mut partial);
        // Task (chunk, i) sums block row i over the chunk's image rows, as a
        // `c_in x 2 c_out` matrix.
        (0..2 * chunks).into_par_iter().for_each(|task| {
            let (chunk, i) = (task / 2, task % 2);
            let first = chunk * per_chunk;
            let rows = per_chunk.min(total - first);
            // SAFETY: each task has its own half of its chunk's sums.
            let sum = unsafe { shared.part(chunk * size + i * size / 2, size / 2) };
            // Some 256 pixels at a time keep the operands in the cache.
            let step = (256 / w.max(1)).max(1);
            for at in (0..rows).step_by(step) {
                let (row, rows) = (first + at, step.min(rows - at));
                let x = &x[row * w * c_in..(row + rows) * w * c_in];
                let dy = &dy[row * 4 * w * c_out..(row + rows) * 4 * w * c_out];
                // SAFETY: segment r reads `x` row r as the transpose of
                // (w x c_in) and `dy` row 2r + i as (w x 2 c_out), whose
                // columns beyond `n` are not touched.
                unsafe {
                    dispatch(
                        path,
                        Gemm {
                            order: Order::ColumnMajor,
                            m: c_in,
                            n: 2 * c_out,
                            k: w,
                            segments: rows,
                            groups: 1,
                            a: x.as_ptr(),
                            a_ld: c_in,
                            a_seg: w * c_in,
                            a_group: 0,
                            b: dy.as_ptr().add(i * 2 * w * c_out),
                            b_ld: 2 * c_out,
                            b_seg: 4 * w * c_out,
                            b_panel: 2 * path.lanes(),
                            c: sum.as_mut_ptr(),
                            c_ld: 2 * c_out,
                            c_group: 0,
                            accumulate: at > 0,
                            bias: std::ptr::null(),
                            relu: false,
                        },
                    );
                }
            }
        });
        dweight
            .par_chunks_mut((4 * c_out).max(1))
            .enumerate()
            .with_min_len(4)
            .for_each(|(ci, dw)| {
                for (at, dw) in dw.iter_mut().enumerate() {
                    let (co, i, j) = (at / 4, at / 2 % 2, at % 2);
                    let at = i * size / 2 + ci * 2 * c_out + j * c_out + co;
                    *dw = (0..chunks).map(|chunk| partial[chunk * size + at]).sum();
                }
            });
        if let Some(dbias) = dbias {
            assert_eq!(dbias.len(), c_out, "length of the bias gradient");
            column_sums(dy, dbias);
        }
    }
}
