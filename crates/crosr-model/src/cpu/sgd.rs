//! Stochastic gradient descent with momentum and L2 penalty, in place.

use rayon::prelude::*;

use crate::cpu::dispatch;
use crate::cpu::elementwise::{CHUNK, vectorised};

/// Constants of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub learning_rate: f32,
    /// Momentum; 0 leaves the velocity equal to the penalised gradient.
    pub momentum: f32,
    /// L2 penalty, added to the gradient as `weight_decay * parameter`.
    pub weight_decay: f32,
    /// The velocity has no value yet: it becomes the penalised gradient.
    pub first: bool,
}

/// One step, in PyTorch's order: `d = g + weight_decay * p`,
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
                        let d = g + weight_decay * *p;
                        let velocity = if first { d } else { momentum * *v + d };
                        *v = velocity;
                        *p -= learning_rate * velocity;
                    }
                },
            );
        });
}
