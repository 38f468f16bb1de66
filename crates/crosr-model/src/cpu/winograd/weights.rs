//! Weights of F(4x4, 3x3): into the transformed domain, and gradients back.

use rayon::prelude::*;

use crate::cpu::dispatch::{Op, Path, dispatch};
use crate::cpu::packing::spread;
use crate::cpu::scratch::{Scratch, Shared, scratch};
use crate::cpu::simd::{Simd, unroll};
use crate::cpu::winograd::{POINTS, transform};

/// `G g G^T` of every channel pair: for each of the 36 points a `c_in x c_out`
/// matrix in panels of two vectors.
pub(crate) struct TransformedWeight {
    pub(super) data: Scratch,
    /// Numbers of one point.
    pub(super) point: usize,
    /// Columns of a panel.
    pub(super) width: usize,
}

impl TransformedWeight {
    /// Transforms the weight whose entry at window position `tap` for input
    /// channel `k` and output channel `column` is `element(k, column, tap)`.
    pub(crate) fn new(
        path: Path,
        c_in: usize,
        c_out: usize,
        element: impl Fn(usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let width = 2 * path.lanes();
        let panels = c_out.div_ceil(width);
        // An odd number of cache lines, or all points would share a cache set.
        let point = spread(panels * c_in * width);
        let mut data = scratch(POINTS * point);
        let shared = Shared::new(&mut data);
        // One task: a panel and some input channels.
        let rows = 16;
        let blocks = c_in.div_ceil(rows);
        (0..panels * blocks).into_par_iter().for_each(|task| {
            let (panel, first) = (task / blocks, task % blocks * rows);
            let mut taps = [0.0f32; 9 * 32];
            for k in first..(first + rows).min(c_in) {
                for j in 0..width {
                    let column = panel * width + j;
                    for tap in 0..9 {
                        taps[tap * width + j] = if column < c_out {
                            element(k, column, tap)
                        } else {
                            0.0
                        };
                    }
                }
                let at = (panel * c_in + k) * width;
                // SAFETY: row `k` of the panel, in each point, is written by
                // this task alone; `taps` has nine rows of `width <= 32`.
                unsafe {
                    let op = Forward {
                        taps: &taps,
                        out: shared.at(at),
                        point,
                        width,
                    };
                    dispatch(path, op);
                }
            }
        });
        Self { data, point, width }
    }
}

/// `out[p * point + j] = (G g G^T)[p]` for `width` columns `j`.
struct Forward<'a> {
    taps: &'a [f32],
    out: *mut f32,
    point: usize,
    width: usize,
}

impl Op for Forward<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        assert!(self.taps.len() >= 9 * self.width);
        let taps = self.taps.as_ptr();
        for j in (0..self.width).step_by(S::LANES) {
            // SAFETY: nine rows of `width` taps, a multiple of the lanes; 36
            // rows of `width` outputs by the constructor's contract.
            unsafe {
                let tap = |i: usize| S::load(taps.add(i * self.width + j));
                let mut t = [[S::splat(0.0); 3]; 6];
                unroll!(k < 3 => {
                    let column = transform::weight::<S>([tap(k), tap(3 + k), tap(6 + k)]);
                    unroll!(r < 6 => { t[r][k] = column[r]; });
                });
                unroll!(r < 6 => {
                    let line = transform::weight::<S>(t[r]);
                    unroll!(k < 6 => {
                        S::store(self.out.add((6 * r + k) * self.point + j), line[k]);
                    });
                });
            }
        }
    }
}

/// `dweight[co, ci] = G^T m G` from the `c_in x c_out` matrices of the 36
/// points, whose rows are `ld` numbers apart (whole vectors); the points lie
/// `spread(c_in * ld)` numbers apart.
pub(super) fn gradient(
    path: Path,
    m: &[f32],
    (c_in, c_out, ld): (usize, usize, usize),
    dweight: &mut [f32],
) {
    assert!(ld >= c_out.next_multiple_of(path.lanes()) && m.len() >= POINTS * spread(c_in * ld));
    let lanes = path.lanes();
    let out = Shared::new(dweight);
    // One task: a vector of output channels and some input channels.
    let rows = 16;
    let blocks = c_in.div_ceil(rows);
    (0..c_out.div_ceil(lanes) * blocks)
        .into_par_iter()
        .for_each(|task| {
            let (column, first) = (task / blocks * lanes, task % blocks * rows);
            let mut taps = [0.0f32; 9 * 32];
            for ci in first..(first + rows).min(c_in) {
                // SAFETY: row `ci` of every point has a whole vector at `column`.
                unsafe {
                    let m = m.as_ptr().add(ci * ld + column);
                    dispatch(
                        path,
                        Backward {
                            m,
                            point: spread(c_in * ld),
                            taps: &mut taps,
                        },
                    );
                }
                for j in 0..lanes.min(c_out - column) {
                    // SAFETY: this channel pair is this task's alone.
                    let dw = unsafe { out.part(((column + j) * c_in + ci) * 9, 9) };
                    for (tap, dw) in dw.iter_mut().enumerate() {
                        *dw = taps[tap * lanes + j];
                    }
                }
            }
        });
}

/// `taps[tap * lanes + j]` = the nine gradients of one vector of columns.
struct Backward<'a> {
    m: *const f32,
    point: usize,
    taps: &'a mut [f32; 9 * 32],
}

impl Op for Backward<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let taps = self.taps.as_mut_ptr();
        // SAFETY: 36 vectors at distance `point` by the caller's contract;
        // nine vectors of at most 32 lanes fit `taps`.
        unsafe {
            let at = |i: usize| S::load(self.m.add(i * self.point));
            let mut t = [[S::splat(0.0); 6]; 3];
            unroll!(k < 6 => {
                let column = transform::weight_gradient::<S>([
                    at(k), at(6 + k), at(12 + k), at(18 + k), at(24 + k), at(30 + k),
                ]);
                unroll!(r < 3 => { t[r][k] = column[r]; });
            });
            unroll!(r < 3 => {
                let line = transform::weight_gradient::<S>(t[r]);
                unroll!(k < 3 => { S::store(taps.add((3 * r + k) * S::LANES), line[k]); });
            });
        }
    }
}
