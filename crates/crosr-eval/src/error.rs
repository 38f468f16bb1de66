//! What can be wrong with scored samples.

/// An error of crosr-eval: names the set and the sample.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A set without samples.
    #[error("{set}: there are no samples to evaluate, give at least one")]
    Empty {
        /// The set.
        set: String,
    },
    /// Two lists that belong together and differ in length.
    #[error("{found} {what} for {expected} samples")]
    Length {
        /// What the shorter or longer list holds.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The number of samples.
        expected: usize,
    },
    /// A score that is NaN, or a probability that is NaN or infinite.
    #[error("{set}: the score of sample {index} is {value}, it must be a number")]
    NotFinite {
        /// The set.
        set: String,
        /// Position of the sample.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A class number outside the classes.
    #[error(
        "{set}: the {what} of sample {index} is class {class}, there are {n_classes}, counted from 0"
    )]
    Class {
        /// The set.
        set: String,
        /// Position of the sample.
        index: usize,
        /// What names the class: truth, prediction, verdict or closed-set class.
        what: &'static str,
        /// The class named.
        class: usize,
        /// Classes there are.
        n_classes: usize,
    },
    /// A sample whose probabilities are not those of K known classes and the unknown one.
    #[error("{set}: sample {index} has {found} probabilities, {expected} are expected")]
    Probabilities {
        /// The set.
        set: String,
        /// Position of the sample.
        index: usize,
        /// Probabilities it has.
        found: usize,
        /// K + 1.
        expected: usize,
    },
    /// A measure of telling two sides apart where one side is absent.
    #[error("there are {positives} positive and {negatives} negative samples; both are needed")]
    OneSided {
        /// Positive samples.
        positives: u64,
        /// Negative samples.
        negatives: u64,
    },
    /// More classes than a table of their pairs has room for.
    #[error("a confusion matrix of {n_classes} classes does not fit into memory")]
    TooManyClasses {
        /// Classes asked for.
        n_classes: usize,
    },
    /// A sample on the wrong side: an outlier with a class, or a known sample without one.
    #[error("{set}: sample {index} is {found}, this set holds {expected} samples only")]
    Side {
        /// The set.
        set: String,
        /// Position of the sample.
        index: usize,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Feature rows that do not have K logits and perhaps latents, as many values a row.
    #[error(
        "{found} feature values in rows of {dim}, the first {n_classes} the logits: give whole rows, at least one logit and no fewer columns than classes"
    )]
    Features {
        /// Values there are.
        found: usize,
        /// Columns of a row.
        dim: usize,
        /// Logits among them.
        n_classes: usize,
    },
    /// A sample or table of another shape than the detector was fitted on.
    #[error(
        "{detector}: fitted on rows of {expected} columns, {expected_classes} of them logits, not {found} and {found_classes}"
    )]
    Shape {
        /// The detector.
        detector: String,
        /// Columns of the training rows.
        expected: usize,
        /// Logits among them.
        expected_classes: usize,
        /// Columns of the row given.
        found: usize,
        /// Logits among them.
        found_classes: usize,
    },
    /// Something that the detector works from and the table does not hold.
    #[error("{detector} needs {what}, which the table does not hold")]
    Missing {
        /// The detector.
        detector: String,
        /// What it needs.
        what: &'static str,
    },
    /// Training samples that the detector cannot be fitted on.
    #[error("{detector}: {what}")]
    Unfit {
        /// The detector.
        detector: String,
        /// Why, and what would do.
        what: String,
    },
    /// A name that no baseline has, or a parameter that it does not take.
    #[error("{name:?} is no baseline detector; there are {}", known.join(", "))]
    Baseline {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A chart that cannot be drawn.
    #[error("chart {chart:?}: {what}")]
    Plot {
        /// Its title.
        chart: String,
        /// What is wrong.
        what: String,
    },
    /// Values of a report that do not belong together.
    #[error("report: {what}")]
    Report {
        /// What is wrong.
        what: String,
    },
}

/// Result of this crate's functions.
pub(crate) type Result<T, E = EvalError> = std::result::Result<T, E>;
