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

/// Makes the gradient of the ReLU's output `y` that of its input: 0 where `y`
/// is not positive.
pub fn relu_backward(y: &[f32], gradient: &mut [f32]) {
    assert_eq!(y.len(), gradient.len(), "length of the gradient");
    let path = dispatch::current();
    gradient
        .par_chunks_mut(CHUNK)
        .zip(y.par_chunks(CHUNK))
        .for_each(|(gradient, y)| {
            vectorised(
                path,
                #[inline(always)]
                || {
                    for (gradient, &y) in gradient.iter_mut().zip(y) {
                        *gradient = if y > 0.0 { *gradient } else { 0.0 };
                    }
                },
            );
        });
}

/// `sum += more`.
pub fn accumulate(sum: &mut [f32], more: &[f32]) {
    assert_eq!(sum.len(), more.len(), "length of the sum");
    let path = dispatch::current();
    sum.par_chunks_mut(CHUNK)
        .zip(more.par_chunks(CHUNK))
        .for_each(|(sum, more)| {
            vectorised(
                path,
                #[inline(always)]
                || {
                    sum.iter_mut()
                        .zip(more)
                        .for_each(|(sum, &more)| *sum += more)
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
