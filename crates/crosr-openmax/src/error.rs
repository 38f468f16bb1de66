//! What can go wrong, with the numbers to mend it.

use crosr_libmr as libmr;

/// A parameter outside its domain, or a name that is none of the choices.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamError {
    /// A Weibull tail needs at least two distances.
    #[error("tail size is {tail_size}, give 2 or more")]
    TailSize {
        /// The tail size asked for.
        tail_size: usize,
    },
    /// At least the first-ranked class must be recalibrated.
    #[error("alpha is {alpha}, give 1 or more")]
    Alpha {
        /// The number of ranks asked for.
        alpha: usize,
    },
    /// The rejection threshold is a probability.
    #[error("epsilon is {epsilon}, give a number from 0 to 1")]
    Epsilon {
        /// The threshold asked for.
        epsilon: f64,
    },
    /// The part of known samples to keep is above 0 and at most 1.
    #[error("the part of known samples to keep is {keep}, give a number above 0, at most 1")]
    Keep {
        /// The part asked for.
        keep: f64,
    },
    /// The tail probability below which supporting evidence speaks is above 0 and at most 1.
    #[error("truncation is {truncation}, give a number above 0, at most 1")]
    Truncation {
        /// The tail probability asked for.
        truncation: f64,
    },
    /// A threshold needs samples to be set on.
    #[error("there are no known samples to set a threshold on")]
    NoSamples,
    /// Not the name of a distance.
    #[error("no distance is called {name:?}, choose euclidean, cosine or eucos")]
    DistanceName {
        /// The name given.
        name: String,
    },
    /// A sweep needs at least one choice of everything.
    #[error("a sweep over no {axis} has no setting, give at least one")]
    EmptyAxis {
        /// What there is no choice of.
        axis: &'static str,
    },
    /// A decision needs something to go by.
    #[error("no evidence is listened to, choose classification, distance or reconstruction")]
    NoEvidence,
    /// Not the name of a kind of evidence.
    #[error("no evidence is called {name:?}, choose classification, distance or reconstruction")]
    EvidenceName {
        /// The name given.
        name: String,
    },
    /// Not the name of a softmax order.
    #[error("no softmax order is called {name:?}, choose first, last or last-clipped")]
    SoftmaxOrderName {
        /// The name given.
        name: String,
    },
}

/// Why a model cannot be fitted, put together or applied.
///
/// Rows, columns and classes count from zero; a row is counted within the
/// slice given to the call that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenMaxError {
    /// A model without a class.
    #[error("no classes given, a model needs at least one")]
    NoClasses,
    /// Evidence is calibrated on samples.
    #[error("{given} held-out samples given, calibration needs at least 2")]
    TooFewReferences {
        /// The number given.
        given: usize,
    },
    /// A stored score that is NaN or infinite.
    #[error("the {evidence} score of reference sample {row} is {value}, it must be finite")]
    NonFiniteReference {
        /// The sample.
        row: usize,
        /// The kind of evidence.
        evidence: crate::evidence::Evidence,
        /// NaN or an infinity.
        value: f64,
    },
    /// Evidence from reconstructions without one error a sample.
    #[error(
        "{found} reconstruction errors for {expected} samples: give one a sample, or leave \
         reconstruction out of the evidence"
    )]
    ReconstructionErrors {
        /// The number of samples.
        expected: usize,
        /// The number of errors.
        found: usize,
    },
    /// A mean squared error that is none.
    #[error("the reconstruction error of row {row} is {value}, it must be finite and not negative")]
    ReconstructionError {
        /// The row.
        row: usize,
        /// The value.
        value: f32,
    },
    /// A class has no correctly classified sample, so it has no mean.
    #[error(
        "class {class_idx} has no correctly classified sample: train longer, or leave the class out"
    )]
    ClassWithoutSamples {
        /// The class.
        class_idx: usize,
    },
    /// A class has fewer correctly classified samples than its tail needs.
    #[error(
        "class {class_idx} has {samples} correctly classified samples, fewer than the tail of \
         {tail_size} asked for: ask for a shorter tail, or let it shrink"
    )]
    TooFewSamples {
        /// The class.
        class_idx: usize,
        /// Its correctly classified samples.
        samples: u64,
        /// The tail size asked for.
        tail_size: usize,
    },
    /// A class index beyond the classes there are.
    #[error("class index {class_idx} is out of range for {n_classes} classes")]
    ClassIndex {
        /// The index given.
        class_idx: usize,
        /// How many classes there are.
        n_classes: usize,
    },
    /// A label beyond the classes there are.
    #[error("row {row}: label {label} is out of range for {n_classes} classes")]
    Label {
        /// The row.
        row: usize,
        /// Its label.
        label: usize,
        /// How many classes there are.
        n_classes: usize,
    },
    /// Not one label a row.
    #[error("{labels} labels for {rows} rows")]
    LabelCount {
        /// Rows given.
        rows: usize,
        /// Labels given.
        labels: usize,
    },
    /// A vector of another length.
    #[error("activation vector of length {expected} expected, found {found}")]
    DimensionMismatch {
        /// The length of the model's vectors.
        expected: usize,
        /// The length given.
        found: usize,
    },
    /// Activation vectors too short to hold a logit for every class.
    #[error(
        "activation vectors of length {dim} cannot begin with the logits of {n_classes} classes"
    )]
    TooFewColumns {
        /// The length of the vectors.
        dim: usize,
        /// How many classes there are.
        n_classes: usize,
    },
    /// A block of values that is no whole number of rows.
    #[error("{len} values are no whole number of rows of length {dim}")]
    RaggedRows {
        /// Values given.
        len: usize,
        /// The length of a row.
        dim: usize,
    },
    /// A NaN or an infinity among activations or means.
    #[error("row {row}, column {column}: the value is not finite")]
    NonFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
    },
    /// A NaN or infinite distance.
    #[error("a distance of class {class_idx} is {value}, not a finite number")]
    NonFiniteDistance {
        /// The class.
        class_idx: usize,
        /// The distance.
        value: f64,
    },
    /// A w-score that is no probability.
    #[error("the w-score of class {class_idx} is {value}, not within 0 to 1")]
    WScore {
        /// The class.
        class_idx: usize,
        /// The w-score.
        value: f64,
    },
    /// Parts that were made for different numbers of classes.
    #[error("parts for {expected} classes and for {found} classes do not fit together")]
    ClassCountMismatch {
        /// Classes of the first part.
        expected: usize,
        /// Classes of the other.
        found: usize,
    },
    /// Tails that were collected with different tail sizes.
    #[error("tails of size {expected} and of size {found} do not fit together")]
    TailSizeMismatch {
        /// Tail size of the first.
        expected: usize,
        /// Tail size of the other.
        found: usize,
    },
    /// The Weibull fit of one class was given impossible parameters.
    #[error("class {class_idx}: a tail of {tail_size} cannot be fitted")]
    TailParams {
        /// The class.
        class_idx: usize,
        /// The tail size used.
        tail_size: usize,
        /// What was wrong with them.
        source: libmr::ParamError,
    },
    /// The Weibull fit of one class failed.
    #[error("class {class_idx}: no Weibull fits its {tail_size} largest distances")]
    TailFit {
        /// The class.
        class_idx: usize,
        /// The tail size used.
        tail_size: usize,
        /// Why not.
        source: libmr::FitError,
    },
}

impl OpenMaxError {
    /// The class that the error speaks of, for callers who know its name.
    #[must_use]
    pub fn class_idx(&self) -> Option<usize> {
        match self {
            Self::ClassWithoutSamples { class_idx }
            | Self::TooFewSamples { class_idx, .. }
            | Self::ClassIndex { class_idx, .. }
            | Self::NonFiniteDistance { class_idx, .. }
            | Self::WScore { class_idx, .. }
            | Self::TailParams { class_idx, .. }
            | Self::TailFit { class_idx, .. } => Some(*class_idx),
            _ => None,
        }
    }

    /// The same error with rows counted from `first`, for callers who read a block at a time.
    #[must_use]
    pub fn with_first_row(mut self, first: usize) -> Self {
        match &mut self {
            Self::NonFinite { row, .. }
            | Self::Label { row, .. }
            | Self::ReconstructionError { row, .. } => *row += first,
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_later_block_are_counted_from_the_beginning() {
        let error = OpenMaxError::NonFinite { row: 3, column: 1 }.with_first_row(100);
        assert!(error.to_string().starts_with("row 103, column 1"));
        let error = OpenMaxError::NoClasses.with_first_row(100);
        assert!(matches!(error, OpenMaxError::NoClasses));
    }
}
