//! Sums, products and ReLU, element by element, and the loop they share.

use rayon::prelude::*;

use crate::cpu::dispatch::{self, Op, Path, dispatch};
use crate::cpu::simd::Simd;

/// Elements of one task.
pub(crate) const CHUNK: usize = 16_384;

struct Vectorised<F>(F);

impl<R, F: FnOnce() -> R> Op for Vectorised<F> {
    type Out = R;
    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> R {
        (self.0)()
    }
}

/// Runs plain loops in a function that is compiled for the instructions of
/// `path`, so that the compiler vectorises them.
#[inline]
pub(crate) fn vectorised<R>(path: Path, work: impl FnOnce() -> R) -> R {
    // SAFETY: `Vectorised` asks for nothing, and `path` comes from
    // `dispatch::current`.
    unsafe { dispatch(path, Vectorised(work)) }
}

/// `y = max(x, 0)`, a NaN stays.
pub fn relu(x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "length of the output");
    let path = dispatch::current();
    y.par_chunks_mut(CHUNK)
        .zip(x.par_chunks(CHUNK))
        .for_each(|(y, x)| {
            vectorised(
                path,
                #[inline(always)]
                || {
                    y.iter_mut()
                        .zip(x)
                        .for_each(|(y, &x)| *y = if x < 0.0 { 0.0 } else { x })
                },
            );
        });
}

/// `dx = dy` where the output `y` of the ReLU is positive, else 0.
pub fn relu_backward(y: &[f32], dy: &[f32], dx: &mut [f32]) {
    assert_eq!(
        (y.len(), dy.len()),
        (dx.len(), dx.len()),
        "length of the input gradient"
    );
    let path = dispatch::current();
    let inputs = y.par_chunks(CHUNK).zip(dy.par_chunks(CHUNK));
    dx.par_chunks_mut(CHUNK)
        .zip(inputs)
        .for_each(|(dx, (y, dy))| {
            vectorised(
                path,
                #[inline(always)]
                || {
                    for ((dx, &y), &dy) in dx.iter_mut().zip(y).zip(dy) {
                        *dx = if y > 0.0 { dy } else { 0.0 };
                    }
                },
            );
        });
}

/// `y = a + b`.
pub fn add(a: &[f32], b: &[f32], y: &mut [f32]) {
    combine(a, b, y, |a, b| a + b);
}

/// `y = max(a + b, 0)`, a NaN stays. Its gradient, for `a` and for `b`, is
/// [`relu_backward`].
pub fn add_relu(a: &[f32], b: &[f32], y: &mut [f32]) {
    combine(a, b, y, |a, b| if a + b < 0.0 { 0.0 } else { a + b });
}

#[inline(always)]
fn combine(a: &[f32], b: &[f32], y: &mut [f32], f: impl Fn(f32, f32) -> f32 + Sync) {
    assert_eq!(
        (a.len(), b.len()),
        (y.len(), y.len()),
        "length of the output"
    );
    let path = dispatch::current();
    let inputs = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
    y.par_chunks_mut(CHUNK).zip(inputs).for_each(|(y, (a, b))| {
        vectorised(
            path,
            #[inline(always)]
            || {
                y.iter_mut()
                    .zip(a.iter().zip(b))
                    .for_each(|(y, (&a, &b))| *y = f(a, b))
            },
        );
    });
}
