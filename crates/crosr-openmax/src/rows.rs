//! Blocks of activation vectors: `[N, D]` row-major `f32`, logits in front.

use rayon::prelude::*;

use crate::error::OpenMaxError;

/// The class with the largest of the first `n_classes` values of an
/// activation vector, its logits; of equal ones, the lowest index.
///
/// `n_classes` beyond the vector's length counts as its length.
#[must_use]
pub fn closed_set_class(activation: &[f32], n_classes: usize) -> usize {
    let logits = &activation[..n_classes.min(activation.len())];
    let mut best = 0;
    for (class_idx, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = class_idx;
        }
    }
    best
}

/// Fails with the first value that is not finite, in reading order.
pub(crate) fn check_finite(row: usize, activation: &[f32]) -> Result<(), OpenMaxError> {
    match activation.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(column) => Err(OpenMaxError::NonFinite { row, column }),
    }
}

/// Fails unless a class can be looked up.
pub(crate) fn check_class(class_idx: usize, n_classes: usize) -> Result<(), OpenMaxError> {
    if class_idx < n_classes {
        Ok(())
    } else {
        Err(OpenMaxError::ClassIndex {
            class_idx,
            n_classes,
        })
    }
}

/// Fails unless vectors of length `dim` can begin with `n_classes` logits.
pub(crate) fn check_shape(n_classes: usize, dim: usize) -> Result<(), OpenMaxError> {
    if n_classes == 0 {
        Err(OpenMaxError::NoClasses)
    } else if dim < n_classes {
        Err(OpenMaxError::TooFewColumns { dim, n_classes })
    } else {
        Ok(())
    }
}

/// Fails unless `rows` is a whole number of finite rows of length `dim >= 1`.
pub(crate) fn check_rows(rows: &[f32], dim: usize) -> Result<(), OpenMaxError> {
    if dim == 0 || !rows.len().is_multiple_of(dim) {
        return Err(OpenMaxError::RaggedRows {
            len: rows.len(),
            dim,
        });
    }
    let bad = rows
        .par_chunks_exact(dim)
        .with_min_len(1 + 4096 / dim)
        .position_first(|row| row.iter().any(|x| !x.is_finite()));
    match bad {
        None => Ok(()),
        Some(row) => check_finite(row, &rows[row * dim..][..dim]),
    }
}

/// For every class, the rows that have its label and are classified as it.
pub(crate) fn correct_by_class(
    rows: &[f32],
    dim: usize,
    labels: &[usize],
    n_classes: usize,
) -> Result<Vec<Vec<usize>>, OpenMaxError> {
    check_shape(n_classes, dim)?;
    check_rows(rows, dim)?;
    let n_rows = rows.len() / dim;
    if labels.len() != n_rows {
        return Err(OpenMaxError::LabelCount {
            rows: n_rows,
            labels: labels.len(),
        });
    }
    let mut by_class = vec![Vec::new(); n_classes];
    for (row, (activation, &label)) in rows.chunks_exact(dim).zip(labels).enumerate() {
        let of_class = by_class.get_mut(label).ok_or(OpenMaxError::Label {
            row,
            label,
            n_classes,
        })?;
        if closed_set_class(activation, n_classes) == label {
            of_class.push(row);
        }
    }
    Ok(by_class)
}

/// [`correct_by_class`] for a fit, which needs a member of every class.
pub(crate) fn correct_members(
    n_classes: usize,
    rows: &[f32],
    dim: usize,
    labels: &[usize],
) -> Result<Vec<Vec<usize>>, OpenMaxError> {
    check_shape(n_classes, dim)?;
    if rows.is_empty() && labels.is_empty() {
        return Err(OpenMaxError::ClassWithoutSamples { class_idx: 0 });
    }
    let by_class = correct_by_class(rows, dim, labels, n_classes)?;
    // Before sums are allocated: with a sample in every class they take no more than a fixed
    // multiple of the input.
    match by_class.iter().position(Vec::is_empty) {
        Some(class_idx) => Err(OpenMaxError::ClassWithoutSamples { class_idx }),
        None => Ok(by_class),
    }
}
