//! Scores in descending order, equal ones together.

/// Samples by score, the highest score first; each keeps the little a curve must know of it.
///
/// Every curve of one score vector is read off the same order, so a vector is sorted once, and a
/// sample takes 16 bytes. -0.0 and 0.0 are one score.
pub(crate) struct Descending<T> {
    samples: Vec<(f64, T)>,
}

impl<T: Copy> Descending<T> {
    /// Sorts the samples, among whose scores the caller has made sure there is no NaN.
    pub(crate) fn new(samples: impl Iterator<Item = (f64, T)>) -> Self {
        // Adding zero clears the sign of -0.0, which must not show in a threshold. The order within
        // a group is of no account, as a group is only counted.
        let mut samples: Vec<(f64, T)> = samples.map(|(score, of)| (score + 0.0, of)).collect();
        samples.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        Self { samples }
    }

    /// The groups of equal score, the highest first.
    pub(crate) fn groups(&self) -> impl DoubleEndedIterator<Item = (f64, &[(f64, T)])> {
        self.samples
            .chunk_by(|a, b| a.0 == b.0)
            .map(|group| (group[0].0, group))
    }
}

/// Position of the first NaN.
pub(crate) fn first_nan(scores: &[f64]) -> Option<usize> {
    scores.iter().position(|score| score.is_nan())
}

/// `doubled / (2 · positives · negatives)`: whole numbers up to this one division, so that the
/// result does not depend on the order of the samples.
///
/// Counts fit in 64 bits, so no product or sum of products here can leave 128.
pub(crate) fn share_of_pairs(doubled: u128, positives: u64, negatives: u64) -> f64 {
    doubled as f64 / (2 * u128::from(positives) * u128::from(negatives)) as f64
}
