//! Feature rows, checked once.

use crate::error::{EvalError, Result};

/// N samples of D feature columns, of which the first K are logits and the others pooled latents.
///
/// Every number in it is finite, every label a class: what a detector reads needs no further
/// check.
#[derive(Clone, Copy, Debug)]
pub struct FeatureTable<'a> {
    rows: &'a [f32],
    dim: usize,
    n_classes: usize,
    labels: Option<&'a [usize]>,
    reconstruction_errors: Option<&'a [f32]>,
}

/// One sample of a [`FeatureTable`].
#[derive(Clone, Copy, Debug)]
pub struct SampleView<'a> {
    row: &'a [f32],
    n_classes: usize,
    reconstruction_error: Option<f32>,
}

impl<'a> FeatureTable<'a> {
    /// Rows `[N, dim]`, row after row, `n_classes` logits first in each.
    ///
    /// # Errors
    /// [`EvalError::Features`] for a part of a row or too few columns, [`EvalError::Empty`] for no
    /// rows, [`EvalError::NotFinite`] naming the row.
    pub fn new(rows: &'a [f32], dim: usize, n_classes: usize) -> Result<Self> {
        if n_classes == 0 || dim < n_classes || !rows.len().is_multiple_of(dim) {
            return Err(EvalError::Features {
                found: rows.len(),
                dim,
                n_classes,
            });
        }
        if rows.is_empty() {
            return Err(EvalError::Empty {
                set: "feature table".to_owned(),
            });
        }
        finite(rows, dim, "feature table")?;
        Ok(Self {
            rows,
            dim,
            n_classes,
            labels: None,
            reconstruction_errors: None,
        })
    }

    /// Adds the true class of each row.
    ///
    /// # Errors
    /// [`EvalError::Length`], [`EvalError::Class`] for a label that is no class.
    pub fn with_labels(mut self, labels: &'a [usize]) -> Result<Self> {
        self.check_length("labels", labels.len())?;
        let n_classes = self.n_classes;
        if let Some(index) = labels.iter().position(|&label| label >= n_classes) {
            return Err(EvalError::Class {
                set: "feature table".to_owned(),
                index,
                what: "label",
                class: labels[index],
                n_classes,
            });
        }
        self.labels = Some(labels);
        Ok(self)
    }

    /// Adds the reconstruction error of each row, in the caller's unit.
    ///
    /// # Errors
    /// [`EvalError::Length`], [`EvalError::NotFinite`].
    pub fn with_reconstruction_errors(mut self, errors: &'a [f32]) -> Result<Self> {
        self.check_length("reconstruction errors", errors.len())?;
        finite(errors, 1, "reconstruction errors")?;
        self.reconstruction_errors = Some(errors);
        Ok(self)
    }

    fn check_length(&self, what: &'static str, found: usize) -> Result<()> {
        if found == self.n_samples() {
            return Ok(());
        }
        Err(EvalError::Length {
            what,
            found,
            expected: self.n_samples(),
        })
    }

    /// N, at least 1.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// D, the columns of a row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// K, the logits at the start of each row.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// All values, row after row.
    #[must_use]
    pub fn rows(&self) -> &'a [f32] {
        self.rows
    }

    /// The true classes, if given.
    #[must_use]
    pub fn labels(&self) -> Option<&'a [usize]> {
        self.labels
    }

    /// The sample at `index`, or `None` past the end.
    #[must_use]
    pub fn sample(&self, index: usize) -> Option<SampleView<'a>> {
        (index < self.n_samples()).then(|| self.at(index))
    }

    /// The samples in order.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = SampleView<'a>> + '_ {
        (0..self.n_samples()).map(|index| self.at(index))
    }

    /// The sample at `index`, which must be one.
    pub(super) fn at(&self, index: usize) -> SampleView<'a> {
        SampleView {
            row: &self.rows[index * self.dim..(index + 1) * self.dim],
            n_classes: self.n_classes,
            reconstruction_error: self.reconstruction_errors.map(|errors| errors[index]),
        }
    }
}

impl<'a> SampleView<'a> {
    /// The whole row, D values.
    #[must_use]
    pub fn row(&self) -> &'a [f32] {
        self.row
    }

    /// The K logits.
    #[must_use]
    pub fn logits(&self) -> &'a [f32] {
        &self.row[..self.n_classes]
    }

    /// The D − K pooled latents, perhaps none.
    #[must_use]
    pub fn latents(&self) -> &'a [f32] {
        &self.row[self.n_classes..]
    }

    /// The reconstruction error, if the table has them.
    #[must_use]
    pub fn reconstruction_error(&self) -> Option<f32> {
        self.reconstruction_error
    }

    /// The class of the largest logit, the first of several.
    #[must_use]
    pub fn predicted_class(&self) -> usize {
        let logits = self.logits();
        (1..logits.len()).fold(0, |best, class| {
            if logits[class] > logits[best] {
                class
            } else {
                best
            }
        })
    }
}

fn finite(values: &[f32], dim: usize, set: &str) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(EvalError::NotFinite {
            set: set.to_owned(),
            index: at / dim,
            value: f64::from(values[at]),
        }),
    }
}
