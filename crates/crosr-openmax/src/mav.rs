//! Mean activation vectors, streamed and merged without rounding.

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::{
    distance::{Distance, norm},
    error::OpenMaxError,
    exact_sum::{ExactSum, MAX_PENDING},
    rows::{check_class, check_finite, correct_by_class},
};

/// Sums activation vectors per class, in one pass and without rounding.
///
/// However the samples are split over accumulators and in whatever order they
/// are pushed and merged, [`MeanAccumulator::finish`] gives the same bits: a
/// sum is a 352-bit whole number, rounded once at the end. Memory is 80 bytes
/// a class and dimension, whatever the number of samples.
#[derive(Debug, Clone)]
pub struct MeanAccumulator {
    dim: usize,
    classes: Vec<ClassSum>,
}

#[derive(Debug, Clone)]
struct ClassSum {
    count: u64,
    /// Additions since the limbs were last carried.
    pending: u32,
    sums: Vec<ExactSum>,
}

impl ClassSum {
    fn add(&mut self, activation: &[f32]) {
        if self.pending == MAX_PENDING {
            self.carry();
        }
        self.pending += 1;
        self.count += 1;
        for (sum, &x) in self.sums.iter_mut().zip(activation) {
            sum.add(x);
        }
    }

    fn carry(&mut self) {
        self.sums.iter_mut().for_each(ExactSum::carry);
        self.pending = 0;
    }
}

impl MeanAccumulator {
    /// An empty accumulator for `n_classes` classes of vectors of length `dim`.
    #[must_use]
    pub fn new(n_classes: usize, dim: usize) -> Self {
        let empty = ClassSum {
            count: 0,
            pending: 0,
            sums: vec![ExactSum::ZERO; dim],
        };
        Self {
            dim,
            classes: vec![empty; n_classes],
        }
    }

    /// Number of classes K.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.classes.len()
    }

    /// Length D of an activation vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Adds one activation vector `[D]` to a class.
    ///
    /// # Errors
    /// [`OpenMaxError::ClassIndex`], [`OpenMaxError::DimensionMismatch`], or
    /// [`OpenMaxError::NonFinite`] with row 0. The accumulator is then as it
    /// was.
    pub fn push(&mut self, class_idx: usize, activation: &[f32]) -> Result<(), OpenMaxError> {
        check_class(class_idx, self.classes.len())?;
        if activation.len() != self.dim {
            return Err(OpenMaxError::DimensionMismatch {
                expected: self.dim,
                found: activation.len(),
            });
        }
        check_finite(0, activation)?;
        self.classes[class_idx].add(activation);
        Ok(())
    }

    /// Adds those of the rows `[N, D]` whose largest logit, among the first K
    /// columns, is that of their label; returns how many these are.
    ///
    /// # Errors
    /// [`OpenMaxError::TooFewColumns`], [`OpenMaxError::RaggedRows`],
    /// [`OpenMaxError::NonFinite`] (in any row, classified correctly or not),
    /// [`OpenMaxError::LabelCount`] or [`OpenMaxError::Label`]. The
    /// accumulator is then as it was.
    pub fn push_correct(&mut self, rows: &[f32], labels: &[usize]) -> Result<usize, OpenMaxError> {
        let by_class = correct_by_class(rows, self.dim, labels, self.classes.len())?;
        self.add_members(rows, &by_class);
        Ok(by_class.iter().map(Vec::len).sum())
    }

    /// Adds checked rows to their classes, classes in parallel.
    pub(crate) fn add_members(&mut self, rows: &[f32], by_class: &[Vec<usize>]) {
        let dim = self.dim;
        self.classes
            .par_iter_mut()
            .zip(by_class)
            .for_each(|(class, members)| {
                for &row in members {
                    class.add(&rows[row * dim..][..dim]);
                }
            });
    }

    /// Takes in the samples of another accumulator.
    ///
    /// # Errors
    /// [`OpenMaxError::ClassCountMismatch`] or
    /// [`OpenMaxError::DimensionMismatch`] if the shapes differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), OpenMaxError> {
        if other.classes.len() != self.classes.len() {
            return Err(OpenMaxError::ClassCountMismatch {
                expected: self.classes.len(),
                found: other.classes.len(),
            });
        }
        if other.dim != self.dim {
            return Err(OpenMaxError::DimensionMismatch {
                expected: self.dim,
                found: other.dim,
            });
        }
        for (class, more) in self.classes.iter_mut().zip(&other.classes) {
            class.carry();
            class.count += more.count;
            for (sum, more) in class.sums.iter_mut().zip(&more.sums) {
                let mut more = more.clone();
                more.carry();
                sum.merge(&more);
            }
        }
        Ok(())
    }

    /// The means: each exact sum rounded to a double, then divided by the
    /// number of samples.
    ///
    /// # Errors
    /// [`OpenMaxError::NoClasses`], or [`OpenMaxError::ClassWithoutSamples`]
    /// with the first empty class.
    pub fn finish(&self) -> Result<MeanActivationVectors, OpenMaxError> {
        let counts: Vec<u64> = self.classes.iter().map(|class| class.count).collect();
        let mut means = Vec::with_capacity(self.classes.len() * self.dim);
        for class in &self.classes {
            let count = class.count as f64;
            means.extend(class.sums.iter().map(|sum| sum.to_f64() / count));
        }
        MeanActivationVectors::from_rows(self.dim, &means, &counts)
    }
}

/// Mean activation vectors (MAVs), one a class: the centres that distances
/// are measured from (Bendale and Boult, CVPR 2016, algorithm 1).
#[derive(Debug, Clone, PartialEq)]
pub struct MeanActivationVectors {
    /// `[D, K]`: nalgebra stores columns, so each class is one slice.
    means: DMatrix<f64>,
    norms: Vec<f64>,
    counts: Vec<u64>,
}

impl MeanActivationVectors {
    /// Puts recorded means together: `means` is `[K, D]` row-major with
    /// `D = dim`, `counts` is `[K]`, the samples behind each mean.
    ///
    /// # Errors
    /// [`OpenMaxError::NoClasses`], [`OpenMaxError::RaggedRows`] if `means` is
    /// not K rows of length `dim >= 1`, [`OpenMaxError::ClassWithoutSamples`]
    /// for a count of zero, or [`OpenMaxError::NonFinite`] with class as row for a value that no
    /// mean of finite `f32` has.
    pub fn from_rows(dim: usize, means: &[f64], counts: &[u64]) -> Result<Self, OpenMaxError> {
        if counts.is_empty() {
            return Err(OpenMaxError::NoClasses);
        }
        if dim == 0 || counts.len().checked_mul(dim) != Some(means.len()) {
            return Err(OpenMaxError::RaggedRows {
                len: means.len(),
                dim,
            });
        }
        if let Some(class_idx) = counts.iter().position(|&count| count == 0) {
            return Err(OpenMaxError::ClassWithoutSamples { class_idx });
        }
        // Means of f32 values; of larger ones the norm might be none.
        let beyond = |x: &f64| x.is_nan() || x.abs() > f64::from(f32::MAX);
        if let Some(at) = means.iter().position(beyond) {
            return Err(OpenMaxError::NonFinite {
                row: at / dim,
                column: at % dim,
            });
        }
        Ok(Self {
            means: DMatrix::from_column_slice(dim, counts.len(), means),
            norms: means.chunks_exact(dim).map(norm).collect(),
            counts: counts.to_vec(),
        })
    }

    /// Number of classes K.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.means.ncols()
    }

    /// Length D of a mean activation vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.means.nrows()
    }

    /// The mean `[D]` of one class.
    ///
    /// # Panics
    /// If `class_idx` is not below [`MeanActivationVectors::n_classes`].
    #[must_use]
    pub fn row(&self, class_idx: usize) -> &[f64] {
        &self.means.as_slice()[class_idx * self.dim()..][..self.dim()]
    }

    /// All means, `[K, D]` row-major, in class order.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        self.means.as_slice()
    }

    /// All means as a matrix `[K, D]`, a row a class.
    #[must_use]
    pub fn to_matrix(&self) -> DMatrix<f64> {
        self.means.transpose()
    }

    /// The samples behind the mean of one class.
    ///
    /// # Panics
    /// If `class_idx` is not below [`MeanActivationVectors::n_classes`].
    #[must_use]
    pub fn count(&self, class_idx: usize) -> u64 {
        self.counts[class_idx]
    }

    /// The samples behind each mean, `[K]`.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Distance of one activation vector `[D]` from the mean of one class.
    ///
    /// # Errors
    /// [`OpenMaxError::ClassIndex`], [`OpenMaxError::DimensionMismatch`], or
    /// [`OpenMaxError::NonFinite`] with row 0.
    pub fn distance(
        &self,
        class_idx: usize,
        activation: &[f32],
        distance: Distance,
    ) -> Result<f64, OpenMaxError> {
        check_class(class_idx, self.n_classes())?;
        if activation.len() != self.dim() {
            return Err(OpenMaxError::DimensionMismatch {
                expected: self.dim(),
                found: activation.len(),
            });
        }
        check_finite(0, activation)?;
        let mut probe = Probe::default();
        probe.load(activation, distance);
        Ok(self.distance_to(class_idx, &probe, distance))
    }

    /// Distance of a loaded vector of the right length from one mean.
    pub(crate) fn distance_to(&self, class_idx: usize, probe: &Probe, distance: Distance) -> f64 {
        distance.with_norms(
            self.row(class_idx),
            self.norms[class_idx],
            &probe.values,
            probe.norm,
        )
    }
}

/// One activation vector in double precision, reused from row to row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Probe {
    values: Vec<f64>,
    norm: f64,
}

impl Probe {
    /// Takes a vector in, with its norm where the distance will ask for it.
    pub(crate) fn load(&mut self, activation: &[f32], distance: Distance) {
        self.values.clear();
        self.values.extend(activation.iter().map(|&x| f64::from(x)));
        self.norm = if distance.needs_norms() {
            norm(&self.values)
        } else {
            0.0
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_that_no_activations_have_are_refused() {
        for bad in [1e299, -1e39, f64::NAN, f64::INFINITY] {
            let found = MeanActivationVectors::from_rows(2, &[0.0, bad], &[1]);
            assert!(
                matches!(found, Err(OpenMaxError::NonFinite { row: 0, column: 1 })),
                "{bad}: {found:?}"
            );
        }
        let largest = f64::from(f32::MAX);
        assert!(MeanActivationVectors::from_rows(2, &[-largest, largest], &[1]).is_ok());
    }
}
