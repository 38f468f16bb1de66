//! The matrix product that every linear operator is reduced to.
//!
//! `C = A B`, or `C += A B`, optionally with a bias for every column and a
//! ReLU. `A` is read where it lies, either with the summation index contiguous
//! (pixels of a feature map) or with the row index contiguous (the same map
//! read as its transpose, for weight gradients). `B` comes in panels of two
//! vectors, packed, or read where it lies. The summation may run over several
//! segments at constant distances, which is how the three rows of a 3x3 window
//! are walked without copying them together.
//!
//! Every element of `C` is one chain of multiply-adds in the order of the
//! summation index, however the rows are cut into register blocks: results do
//! not depend on the partition of the rows or columns.

use crate::cpu::dispatch::Op;
use crate::cpu::simd::{Simd, unroll};

/// Where the elements of `A` lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Element (row, k) at `row * a_ld + k`.
    RowMajor,
    /// Element (row, k) at `k * a_ld + row`.
    ColumnMajor,
}

/// A matrix product; run it through `dispatch`.
///
/// # Safety
/// For all rows `i`, columns `j`, groups `g`, segments `s` and `k`, the
/// elements below are readable (`a`, `b`, `bias`) or writable by this task
/// alone (`c`):
/// - `a[g * a_group + s * a_seg + (i * a_ld + k  or  k * a_ld + i)]`
/// - `b[(j / w) * b_panel + s * b_seg + k * b_ld + j % w]`, `w` two vectors;
///   whole vectors are read up to the last vector of columns, which is read
///   only as far as `n`
/// - `c[g * c_group + i * c_ld + j]`, `bias[j]` unless null
#[derive(Clone, Copy)]
pub(crate) struct Gemm {
    pub(crate) order: Order,
    /// Rows of one group.
    pub(crate) m: usize,
    /// Columns.
    pub(crate) n: usize,
    /// Length of one segment of the summation.
    pub(crate) k: usize,
    pub(crate) segments: usize,
    /// Blocks of `m` rows that share `B`.
    pub(crate) groups: usize,
    pub(crate) a: *const f32,
    pub(crate) a_ld: usize,
    pub(crate) a_seg: usize,
    pub(crate) a_group: usize,
    pub(crate) b: *const f32,
    pub(crate) b_ld: usize,
    pub(crate) b_seg: usize,
    pub(crate) b_panel: usize,
    pub(crate) c: *mut f32,
    pub(crate) c_ld: usize,
    pub(crate) c_group: usize,
    /// Adds to `C` instead of overwriting it.
    pub(crate) accumulate: bool,
    pub(crate) bias: *const f32,
    pub(crate) relu: bool,
}

impl Op for Gemm {
    type Out = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: compiled for `S`; the contract of the type holds.
        unsafe {
            match self.order {
                Order::RowMajor => panels::<S, true>(&self),
                Order::ColumnMajor => panels::<S, false>(&self),
            }
        }
    }
}

#[inline(always)]
unsafe fn panels<S: Simd, const ROW_MAJOR: bool>(g: &Gemm) {
    let width = 2 * S::LANES;
    let mut column = 0;
    let mut b = g.b;
    // SAFETY: columns `column..` of `b`, `c` and `bias` exist by the contract.
    unsafe {
        while column < g.n {
            let bias = if g.bias.is_null() {
                g.bias
            } else {
                g.bias.add(column)
            };
            let at = Panel {
                b,
                c: g.c.add(column),
                bias,
            };
            let columns = (g.n - column).min(width);
            let tail = columns % S::LANES;
            match (columns > S::LANES, tail == 0) {
                (true, true) => rows::<S, ROW_MAJOR, 2, false>(g, at, 0),
                (true, false) => rows::<S, ROW_MAJOR, 2, true>(g, at, tail),
                (false, true) => rows::<S, ROW_MAJOR, 1, false>(g, at, 0),
                (false, false) => rows::<S, ROW_MAJOR, 1, true>(g, at, tail),
            }
            column += width;
            b = b.add(g.b_panel);
        }
    }
}

/// One panel of columns.
#[derive(Clone, Copy)]
struct Panel {
    b: *const f32,
    c: *mut f32,
    bias: *const f32,
}

#[inline(always)]
unsafe fn rows<S: Simd, const ROW_MAJOR: bool, const VECTORS: usize, const PART: bool>(
    g: &Gemm,
    at: Panel,
    tail: usize,
) {
    let a_step = if ROW_MAJOR { g.a_ld } else { 1 };
    for group in 0..g.groups {
        let mut row = 0;
        while row < g.m {
            let left = g.m - row;
            // SAFETY: rows `row..row + block` exist, `block <= left`.
            unsafe {
                let a = g.a.add(group * g.a_group + row * a_step);
                let c = at.c.add(group * g.c_group + row * g.c_ld);
                let at = Panel { c, ..at };
                macro_rules! block {
                    ($rows:literal) => {{
                        S::enter(Block::<'_, ROW_MAJOR, $rows, VECTORS, PART> { g, a, at, tail });
                        row += $rows;
                    }};
                }
                if S::ROWS >= 12 && left >= 12 && left != 16 {
                    block!(12)
                } else if S::ROWS >= 12 && left == 9 {
                    // The three taps by three colours of a first layer.
                    block!(9)
                } else if S::ROWS >= 8 && left >= 8 {
                    block!(8)
                } else if S::ROWS >= 6 && left >= 6 {
                    block!(6)
                } else if left >= 4 {
                    block!(4)
                } else if left >= 2 {
                    block!(2)
                } else {
                    block!(1)
                }
            }
        }
    }
}

/// The register block: `ROWS` rows by `VECTORS` vectors of columns.
///
/// A function of its own for every size, so that the compiler allots the
/// registers of each by itself.
struct Block<'a, const ROW_MAJOR: bool, const ROWS: usize, const VECTORS: usize, const PART: bool> {
    g: &'a Gemm,
    a: *const f32,
    at: Panel,
    tail: usize,
}

impl<const ROW_MAJOR: bool, const ROWS: usize, const VECTORS: usize, const PART: bool> Op
    for Block<'_, ROW_MAJOR, ROWS, VECTORS, PART>
{
    type Out = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the contract of `Gemm`; `PART` loads and stores touch the
        // first `tail` lanes of the last vector only.
        unsafe { block::<S, ROW_MAJOR, ROWS, VECTORS, PART>(self.g, self.a, self.at, self.tail) }
    }
}

#[inline(always)]
unsafe fn block<
    S: Simd,
    const ROW_MAJOR: bool,
    const ROWS: usize,
    const VECTORS: usize,
    const PART: bool,
>(
    g: &Gemm,
    a: *const f32,
    at: Panel,
    tail: usize,
) {
    // SAFETY: as the caller says.
    unsafe {
        let mut sum = [[S::splat(0.0); VECTORS]; ROWS];
        for segment in 0..g.segments {
            let a = a.add(segment * g.a_seg);
            let mut b = at.b.add(segment * g.b_seg);
            for k in 0..g.k {
                let mut columns = [S::splat(0.0); VECTORS];
                unroll!(j < VECTORS => {
                    columns[j] = load::<S, PART>(b, j, VECTORS, tail);
                });
                unroll!(i < ROWS => {
                    let p = if ROW_MAJOR { a.add(i * g.a_ld + k) } else { a.add(k * g.a_ld + i) };
                    let x = S::splat(*p);
                    unroll!(j < VECTORS => {
                        sum[i][j] = S::mul_add(x, columns[j], sum[i][j]);
                    });
                });
                b = b.add(g.b_ld);
            }
        }
        unroll!(i < ROWS => {
            let c = at.c.add(i * g.c_ld);
            unroll!(j < VECTORS => {
                let mut v = sum[i][j];
                if g.accumulate {
                    v = S::add(v, load::<S, PART>(c, j, VECTORS, tail));
                }
                if !at.bias.is_null() {
                    v = S::add(v, load::<S, PART>(at.bias, j, VECTORS, tail));
                }
                if g.relu {
                    v = S::relu(v);
                }
                let p = c.add(j * S::LANES);
                if PART && j == VECTORS - 1 {
                    S::store_part(p, v, tail);
                } else {
                    S::store(p, v);
                }
            });
        });
    }
}

/// Vector `j` of `vectors`, of which the last is `tail` lanes wide if `PART`.
#[inline(always)]
unsafe fn load<S: Simd, const PART: bool>(
    p: *const f32,
    j: usize,
    vectors: usize,
    tail: usize,
) -> S::V {
    // SAFETY: the caller's: those lanes are readable.
    unsafe {
        let p = p.add(j * S::LANES);
        if PART && j == vectors - 1 {
            S::load_part(p, tail)
        } else {
            S::load(p)
        }
    }
}
