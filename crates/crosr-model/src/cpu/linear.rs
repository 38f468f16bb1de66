//! Fully connected layer.

use rayon::prelude::*;

use crate::cpu::columns::column_sums;
use crate::cpu::dispatch::{self, dispatch};
use crate::cpu::gemm::{Gemm, Order};
use crate::cpu::packing::{Packed, spread, spread_rows};
use crate::cpu::scratch::{Shared, scratch};

/// Shape of `y = x W^T + b`: `x` is `[rows, inputs]`, `W` is `[outputs, inputs]`.
///
/// All functions panic when a slice does not have the length that the shape
/// demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Rows of the input, one a sample.
    pub rows: usize,
    /// Numbers in a row of the input.
    pub inputs: usize,
    /// Numbers in a row of the output.
    pub outputs: usize,
}

/// Length of one block of the summation.
const DEPTH: usize = 256;
/// Rows or columns of the weight that one task takes.
const BLOCK: usize = 48;

impl Linear {
    /// `y = x W^T + b`.
    ///
    /// Computed as its transpose: the weight is the large operand and is read
    /// once, row by row, without being packed as a whole.
    pub fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let Self {
            rows,
            inputs,
            outputs,
        } = *self;
        self.check(x, weight, y);
        if let Some(bias) = bias {
            assert_eq!(bias.len(), outputs, "length of the bias");
        }
        let path = dispatch::current();
        let packed = Packed::new(path, inputs, rows, |k, row| x[row * inputs + k]);
        let out = Shared::new(y);
        (0..outputs.div_ceil(BLOCK))
            .into_par_iter()
            .for_each(|task| {
                let first = task * BLOCK;
                let block = BLOCK.min(outputs - first);
                let ld = spread(DEPTH.min(inputs));
                let mut copy = scratch(block * ld);
                let mut turned = scratch(block * rows);
                for k in (0..inputs).step_by(DEPTH) {
                    let depth = DEPTH.min(inputs - k);
                    for (i, line) in copy.chunks_exact_mut(ld).enumerate() {
                        let from = (first + i) * inputs + k;
                        line[..depth].copy_from_slice(&weight[from..from + depth]);
                    }
                    // SAFETY: `copy` has `block` rows of `depth`, the packed input
                    // has `inputs` rows from k on, `turned` is `block x rows`.
                    unsafe {
                        dispatch(
                            path,
                            Gemm {
                                order: Order::RowMajor,
                                m: block,
                                n: rows,
                                k: depth,
                                segments: 1,
                                groups: 1,
                                a: copy.as_ptr(),
                                a_ld: ld,
                                a_seg: 0,
                                a_group: 0,
                                b: packed.data.as_ptr().add(k * packed.width),
                                b_ld: packed.width,
                                b_seg: 0,
                                b_panel: packed.panel,
                                c: turned.as_mut_ptr(),
                                c_ld: rows,
                                c_group: 0,
                                accumulate: k > 0,
                                bias: std::ptr::null(),
                                relu: false,
                            },
                        );
                    }
                }
                if inputs == 0 {
                    turned.fill(0.0);
                }
                for row in 0..rows {
                    // SAFETY: tasks write different columns of `y`.
                    let y = unsafe { out.part(row * outputs + first, block) };
                    for (i, y) in y.iter_mut().enumerate() {
                        *y = turned[i * rows + row] + bias.map_or(0.0, |bias| bias[first + i]);
                    }
                }
            });
    }

    /// `dx = dy W`.
    pub fn input_gradient(&self, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
        let Self {
            rows,
            inputs,
            outputs,
        } = *self;
        self.check(dx, weight, dy);
        if outputs == 0 || dx.is_empty() {
            dx.fill(0.0);
            return;
        }
        let path = dispatch::current();
        let (spread_dy, a_ld) = spread_rows(dy, rows, outputs);
        let width = 2 * path.lanes();
        let columns = 8 * width;
        let out = Shared::new(dx);
        (0..inputs.div_ceil(columns))
            .into_par_iter()
            .for_each(|task| {
                let first = task * columns;
                let n = columns.min(inputs - first);
                let mut panels = scratch(DEPTH * columns);
                for k in (0..outputs).step_by(DEPTH) {
                    let depth = DEPTH.min(outputs - k);
                    for i in 0..depth {
                        let from = (k + i) * inputs + first;
                        for (p, part) in weight[from..from + n].chunks(width).enumerate() {
                            let at = (p * depth + i) * width;
                            panels[at..at + part.len()].copy_from_slice(part);
                        }
                    }
                    // SAFETY: `spread_dy` has `rows` rows of `outputs`; the panels
                    // hold `depth` rows, of which the product reads `n` columns;
                    // tasks write different columns of `dx`.
                    unsafe {
                        dispatch(
                            path,
                            Gemm {
                                order: Order::RowMajor,
                                m: rows,
                                n,
                                k: depth,
                                segments: 1,
                                groups: 1,
                                a: spread_dy.as_ptr().add(k),
                                a_ld,
                                a_seg: 0,
                                a_group: 0,
                                b: panels.as_ptr(),
                                b_ld: width,
                                b_seg: 0,
                                b_panel: depth * width,
                                c: out.at(first),
                                c_ld: inputs,
                                c_group: 0,
                                accumulate: k > 0,
                                bias: std::ptr::null(),
                                relu: false,
                            },
                        );
                    }
                }
            });
    }

    /// `dW = dy^T x`, `db` = the sums of the columns of `dy`.
    pub fn weight_gradient(
        &self,
        x: &[f32],
        dy: &[f32],
        dweight: &mut [f32],
        dbias: Option<&mut [f32]>,
    ) {
        let Self {
            rows,
            inputs,
            outputs,
        } = *self;
        self.check(x, dweight, dy);
        let path = dispatch::current();
        if !dweight.is_empty() && rows > 0 {
            let packed = Packed::new(path, rows, inputs, |row, k| x[row * inputs + k]);
            let (spread_dy, a_ld) = spread_rows(dy, rows, outputs);
            dweight
                .par_chunks_mut(BLOCK * inputs)
                .enumerate()
                .for_each(|(task, dweight)| {
                    let first = task * BLOCK;
                    // SAFETY: `spread_dy` is read as the transpose of its `rows`
                    // rows, from column `first` on; the packed input has `rows`
                    // rows; `dweight` is this task's block of rows.
                    unsafe {
                        dispatch(
                            path,
                            Gemm {
                                order: Order::ColumnMajor,
                                m: BLOCK.min(outputs - first),
                                n: inputs,
                                k: rows,
                                segments: 1,
                                groups: 1,
                                a: spread_dy.as_ptr().add(first),
                                a_ld,
                                a_seg: 0,
                                a_group: 0,
                                b: packed.data.as_ptr(),
                                b_ld: packed.width,
                                b_seg: 0,
                                b_panel: packed.panel,
                                c: dweight.as_mut_ptr(),
                                c_ld: inputs,
                                c_group: 0,
                                accumulate: false,
                                bias: std::ptr::null(),
                                relu: false,
                            },
                        );
                    }
                });
        } else {
            dweight.fill(0.0);
        }
        if let Some(dbias) = dbias {
            assert_eq!(dbias.len(), outputs, "length of the bias gradient");
            column_sums(dy, dbias);
        }
    }

    fn check(&self, x: &[f32], weight: &[f32], y: &[f32]) {
        assert_eq!(x.len(), self.rows * self.inputs, "length of the input");
        assert_eq!(
            weight.len(),
            self.outputs * self.inputs,
            "length of the weight"
        );
        assert_eq!(y.len(), self.rows * self.outputs, "length of the output");
    }
}
