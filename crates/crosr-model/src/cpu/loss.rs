//! Mean squared error and softmax cross-entropy, with gradients.

use rayon::prelude::*;

use crate::cpu::dispatch;
use crate::cpu::elementwise::{CHUNK, vectorised};

/// `mean((a - b)^2)`; chunks of fixed size are summed in double precision and
/// added in order.
pub fn mean_squared_error(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "length of the target");
    if a.is_empty() {
        return 0.0;
    }
    let path = dispatch::current();
    let sums: Vec<f64> = a
        .par_chunks(CHUNK)
        .zip(b.par_chunks(CHUNK))
        .map(|(a, b)| {
            vectorised(
                path,
                #[inline(always)]
                || {
                    // Sixteen running sums in a fixed order of addition.
                    let mut sums = [0.0f64; 16];
                    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
                        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                            let d = f64::from(a) - f64::from(b);
                            *sum += d * d;
                        }
                    }
                    sums.iter().sum()
                },
            )
        })
        .collect();
    sums.iter().sum::<f64>() / a.len() as f64
}

/// `da = upstream * 2 (a - b) / len`; the gradient for `b` is its negative.
pub fn mean_squared_error_gradient(a: &[f32], b: &[f32], upstream: f32, da: &mut [f32]) {
    assert_eq!(
        (a.len(), b.len()),
        (da.len(), da.len()),
        "length of the gradient"
    );
    let path = dispatch::current();
    let factor = (2.0 * f64::from(upstream) / a.len().max(1) as f64) as f32;
    let inputs = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
    da.par_chunks_mut(CHUNK)
        .zip(inputs)
        .for_each(|(da, (a, b))| {
            vectorised(
                path,
                #[inline(always)]
                || {
                    da.iter_mut()
                        .zip(a.iter().zip(b))
                        .for_each(|(d, (&a, &b))| *d = factor * (a - b))
                },
            );
        });
}

/// Mean over the rows of `-sum(target * ln softmax(logits))`, and its gradient
/// `(softmax(logits) - target) * upstream / rows` if asked for; `target` is
/// `(1 - smoothing) * onehot(label) + smoothing / classes`.
///
/// The largest logit is subtracted first, sums are in double precision.
/// Panics when a label is not a class.
pub fn softmax_cross_entropy(
    logits: &[f32],
    labels: &[u32],
    classes: usize,
    smoothing: f64,
    upstream: f32,
    gradient: Option<&mut [f32]>,
) -> f64 {
    assert_eq!(
        logits.len(),
        labels.len() * classes,
        "one row of logits a label"
    );
    if labels.is_empty() {
        return 0.0;
    }
    let rows = labels.len() as f64;
    let factor = f64::from(upstream) / rows;
    let mut sum = 0.0;
    let mut gradient = gradient;
    for (i, (row, &label)) in logits.chunks_exact(classes).zip(labels).enumerate() {
        let label = label as usize;
        assert!(
            label < classes,
            "label {label} of row {i} with {classes} classes"
        );
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let shifted = |v: f32| f64::from(v) - f64::from(largest);
        let total: f64 = row.iter().map(|&v| shifted(v).exp()).sum();
        sum += total.ln() - (1.0 - smoothing) * shifted(row[label]);
        if smoothing > 0.0 {
            let mean = row.iter().map(|&v| shifted(v)).sum::<f64>() / classes as f64;
            sum -= smoothing * mean;
        }
        if let Some(gradient) = gradient.as_deref_mut() {
            let out = &mut gradient[i * classes..(i + 1) * classes];
            for (k, (d, &v)) in out.iter_mut().zip(row).enumerate() {
                let own = if k == label { 1.0 - smoothing } else { 0.0 };
                let target = own + smoothing / classes as f64;
                *d = ((shifted(v).exp() / total - target) * factor) as f32;
            }
        }
    }
    sum / rows
}
