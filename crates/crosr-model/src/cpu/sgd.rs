//! Stochastic gradient descent with momentum and L2 penalty, in place; and the length of a gradient.

use rayon::prelude::*;

use crate::cpu::dispatch;
use crate::cpu::elementwise::{CHUNK, vectorised};

/// Constants of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Factor on the gradient; 1 leaves it as it is, to the bit.
    pub gradient_scale: f32,
    /// Learning rate.
    pub learning_rate: f32,
    /// Momentum; 0 leaves the velocity equal to the penalised gradient.
    pub momentum: f32,
    /// L2 penalty, added to the gradient as `weight_decay * parameter`.
    pub weight_decay: f32,
    /// The velocity has no value yet: it becomes the penalised gradient.
    pub first: bool,
}

/// One step, in PyTorch's order: `d = gradient_scale * g + weight_decay * p`,
/// `v = d` at first, else `momentum * v + d`, `p -= learning_rate * v`.
pub fn sgd_step(step: SgdStep, parameter: &mut [f32], gradient: &[f32], velocity: &mut [f32]) {
    let len = parameter.len();
    assert_eq!(
        (gradient.len(), velocity.len()),
        (len, len),
        "one gradient and velocity a parameter"
    );
    let path = dispatch::current();
    let SgdStep {
        gradient_scale,
        learning_rate,
        momentum,
        weight_decay,
        first,
    } = step;
    // A velocity without a value may hold anything, a NaN too: it is not read.
    let parts = parameter
        .par_chunks_mut(CHUNK)
        .zip(velocity.par_chunks_mut(CHUNK));
    parts
        .zip(gradient.par_chunks(CHUNK))
        .for_each(|((p, v), g)| {
            vectorised(
                path,
                #[inline(always)]
                || {
                    for ((p, v), &g) in p.iter_mut().zip(v).zip(g) {
                        let d = gradient_scale * g + weight_decay * *p;
                        let velocity = if first { d } else { momentum * *v + d };
                        *v = velocity;
                        *p -= learning_rate * velocity;
                    }
                },
            );
        });
}

/// `sum x^2`; chunks of fixed size are summed in double precision and added in order. Not finite
/// when a value is not, and only then.
pub fn sum_of_squares(x: &[f32]) -> f64 {
    let path = dispatch::current();
    let square = |v: f32| f64::from(v) * f64::from(v);
    let sums: Vec<f64> = x
        .par_chunks(CHUNK)
        .map(|x| {
            vectorised(
                path,
                #[inline(always)]
                || {
                    // Thirty-two running sums in a fixed order of addition.
                    let mut sums = [0.0f64; 32];
                    let (blocks, rest) = x.as_chunks::<32>();
                    for block in blocks {
                        for (sum, &v) in sums.iter_mut().zip(block) {
                            *sum += square(v);
                        }
                    }
                    for (sum, &v) in sums.iter_mut().zip(rest) {
                        *sum += square(v);
                    }
                    sums.iter().sum()
                },
            )
        })
        .collect();
    sums.iter().sum()
}
