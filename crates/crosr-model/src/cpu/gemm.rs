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
use crate::cpu::simd::Simd;

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
                    ($rows:literal, $two:ident, $one:ident) => {{
                        if VECTORS == 2 {
                            $two::<S, ROW_MAJOR, PART>(g, a, at, tail);
                        } else {
                            $one::<S, ROW_MAJOR, PART>(g, a, at, tail);
                        }
                        row += $rows;
                    }};
                }
                if S::ROWS >= 12 && left >= 12 && left != 16 {
                    block!(12, block_12_2, block_12_1)
                } else if S::ROWS >= 8 && left >= 8 {
                    block!(8, block_8_2, block_8_1)
                } else if S::ROWS >= 6 && left >= 6 {
                    block!(6, block_6_2, block_6_1)
                } else if left >= 4 {
                    block!(4, block_4_2, block_4_1)
                } else if left >= 2 {
                    block!(2, block_2_2, block_2_1)
                } else {
                    block!(1, block_1_2, block_1_1)
                }
            }
        }
    }
}

/// Register blocks of so many rows by two vectors of columns, or by one.
///
/// Every sum is a variable of its own: sums in an array would go through memory, as the compiler
/// does not always take such an array apart.
macro_rules! register_block {
    ($name:ident, two: $(($i:literal, $first:ident, $second:ident))+) => {
        #[inline(always)]
        unsafe fn $name<S: Simd, const ROW_MAJOR: bool, const PART: bool>(
            g: &Gemm,
            a: *const f32,
            at: Panel,
            tail: usize,
        ) {
            // SAFETY: the contract of `Gemm`; `PART` loads and stores touch the first `tail`
            // lanes of the second vector only.
            unsafe {
                $(let mut $first = S::splat(0.0);
                let mut $second = S::splat(0.0);)+
                let (row, step) = if ROW_MAJOR { (g.a_ld, 1) } else { (1, g.a_ld) };
                for segment in 0..g.segments {
                    let mut a = a.add(segment * g.a_seg);
                    let mut b = at.b.add(segment * g.b_seg);
                    for _ in 0..g.k {
                        let p = S::load(b);
                        let q = part_load::<S, PART>(b.add(S::LANES), tail);
                        $(let x = S::splat(*a.add($i * row));
                        $first = S::mul_add(x, p, $first);
                        $second = S::mul_add(x, q, $second);)+
                        a = a.add(step);
                        b = b.add(g.b_ld);
                    }
                }
                let bias = if at.bias.is_null() { at.bias } else { at.bias.add(S::LANES) };
                $(let c = at.c.add($i * g.c_ld);
                finish::<S, false>(g, at.bias, c, 0, $first);
                finish::<S, PART>(g, bias, c.add(S::LANES), tail, $second);)+
            }
        }
    };
    ($name:ident, one: $(($i:literal, $sum:ident))+) => {
        #[inline(always)]
        unsafe fn $name<S: Simd, const ROW_MAJOR: bool, const PART: bool>(
            g: &Gemm,
            a: *const f32,
            at: Panel,
            tail: usize,
        ) {
            // SAFETY: as above, with one vector.
            unsafe {
                $(let mut $sum = S::splat(0.0);)+
                let (row, step) = if ROW_MAJOR { (g.a_ld, 1) } else { (1, g.a_ld) };
                for segment in 0..g.segments {
                    let mut a = a.add(segment * g.a_seg);
                    let mut b = at.b.add(segment * g.b_seg);
                    for _ in 0..g.k {
                        let p = part_load::<S, PART>(b, tail);
                        $($sum = S::mul_add(S::splat(*a.add($i * row)), p, $sum);)+
                        a = a.add(step);
                        b = b.add(g.b_ld);
                    }
                }
                $(finish::<S, PART>(g, at.bias, at.c.add($i * g.c_ld), tail, $sum);)+
            }
        }
    };
}

#[inline(always)]
unsafe fn part_load<S: Simd, const PART: bool>(p: *const f32, tail: usize) -> S::V {
    // SAFETY: the caller's; a `PART` vector has `tail` lanes.
    unsafe {
        if PART {
            S::load_part(p, tail)
        } else {
            S::load(p)
        }
    }
}

/// Adds what is there and the bias, applies ReLU, stores.
#[inline(always)]
unsafe fn finish<S: Simd, const PART: bool>(
    g: &Gemm,
    bias: *const f32,
    p: *mut f32,
    tail: usize,
    sum: S::V,
) {
    // SAFETY: the contract of `Gemm`; a `PART` vector has `tail` lanes.
    unsafe {
        let mut v = sum;
        if g.accumulate {
            v = S::add(v, part_load::<S, PART>(p, tail));
        }
        if !bias.is_null() {
            v = S::add(v, part_load::<S, PART>(bias, tail));
        }
        if g.relu {
            v = S::relu(v);
        }
        if PART {
            S::store_part(p, v, tail);
        } else {
            S::store(p, v);
        }
    }
}

register_block!(block_12_2, two: (0, a0, a1) (1, b0, b1) (2, c0, c1) (3, d0, d1) (4, e0, e1)
    (5, f0, f1) (6, g0, g1) (7, h0, h1) (8, i0, i1) (9, j0, j1) (10, k0, k1) (11, l0, l1));
register_block!(block_8_2, two: (0, a0, a1) (1, b0, b1) (2, c0, c1) (3, d0, d1) (4, e0, e1)
    (5, f0, f1) (6, g0, g1) (7, h0, h1));
register_block!(block_6_2, two: (0, a0, a1) (1, b0, b1) (2, c0, c1) (3, d0, d1) (4, e0, e1)
    (5, f0, f1));
register_block!(block_4_2, two: (0, a0, a1) (1, b0, b1) (2, c0, c1) (3, d0, d1));
register_block!(block_2_2, two: (0, a0, a1) (1, b0, b1));
register_block!(block_1_2, two: (0, a0, a1));
register_block!(block_12_1, one: (0, a0) (1, b0) (2, c0) (3, d0) (4, e0) (5, f0) (6, g0) (7, h0)
    (8, i0) (9, j0) (10, k0) (11, l0));
register_block!(block_8_1, one: (0, a0) (1, b0) (2, c0) (3, d0) (4, e0) (5, f0) (6, g0) (7, h0));
register_block!(block_6_1, one: (0, a0) (1, b0) (2, c0) (3, d0) (4, e0) (5, f0));
register_block!(block_4_1, one: (0, a0) (1, b0) (2, c0) (3, d0));
register_block!(block_2_1, one: (0, a0) (1, b0));
register_block!(block_1_1, one: (0, a0));
