//! The errors of this crate, each carrying the numbers that caused it.

use std::error::Error;

/// A parameter outside its domain.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamError {
    /// Two parameters cannot be estimated from fewer than two scores.
    #[error("tail size {given} is too small, a Weibull fit needs at least 2 scores")]
    TailSize {
        /// The tail size asked for.
        given: usize,
    },
    /// Translated data must be positive and finite.
    #[error("translate is {given}, it must be finite and above 0")]
    Translate {
        /// The translation asked for.
        given: f64,
    },
    /// No iteration was allowed.
    #[error("max_iterations is 0, the solver needs at least 1")]
    MaxIterations,
    /// A scale that no Weibull distribution has.
    #[error("Weibull scale is {given}, it must be finite and above 0")]
    Scale {
        /// The scale given.
        given: f64,
    },
    /// A shape that no Weibull distribution has.
    #[error("Weibull shape is {given}, it must be finite and above 0")]
    Shape {
        /// The shape given.
        given: f64,
    },
    /// The smallest score of a tail is a number.
    #[error("small_score is {given}, it must be finite")]
    SmallScore {
        /// The value given.
        given: f64,
    },
    /// A confidence level is a probability strictly between 0 and 1.
    #[error("confidence level is {given}, it must lie strictly between 0 and 1, as in 0.95")]
    Level {
        /// The level given.
        given: f64,
    },
}

/// Why a list of scores has no Weibull fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The parameters were wrong before any score was looked at.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The tail is larger than the list.
    #[error("tail size {tail_size} asked for, {given} scores given; use a smaller tail")]
    TooFewScores {
        /// The tail size asked for.
        tail_size: usize,
        /// The number of scores given.
        given: usize,
    },
    /// A score is NaN or infinite, inside or outside the tail.
    #[error("score at index {index} is {value}, all scores must be finite")]
    NonFinite {
        /// Position of the first such score in the list.
        index: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// All scores of the tail are equal: the likelihood has no maximum.
    #[error("all {tail_size} scores of the tail equal {value}; a fit needs two different ones")]
    NoSpread {
        /// The tail size.
        tail_size: usize,
        /// The one value.
        value: f64,
    },
    /// The scores of the tail differ by less than the rounding of `translate`.
    #[error(
        "the tail lies between {least_extreme} and {most_extreme}, a spread that is lost in \
         rounding when {translate} is added; rescale the scores or use a smaller translate"
    )]
    SpreadLost {
        /// The least extreme score of the tail.
        least_extreme: f64,
        /// The most extreme score of the tail.
        most_extreme: f64,
        /// The translation.
        translate: f64,
    },
    /// The scores are so large that adding `translate` does not change them.
    #[error(
        "translate {translate} is lost in rounding when it is added to the score {score}; \
         rescale the scores or use a larger translate"
    )]
    TranslateLost {
        /// The least extreme score of the tail.
        score: f64,
        /// The translation.
        translate: f64,
    },
    /// The range of the tail exceeds the largest double.
    #[error(
        "the tail lies between {least_extreme} and {most_extreme}, translated by {translate} \
         its range exceeds the largest double; rescale the scores"
    )]
    RangeOverflow {
        /// The least extreme score of the tail.
        least_extreme: f64,
        /// The most extreme score of the tail.
        most_extreme: f64,
        /// The translation.
        translate: f64,
    },
    /// The shape equation was not solved within the iterations allowed.
    #[error(
        "no convergence after {iterations} iterations, last shape {last_shape}, relative \
         residual {residual:e}; allow more iterations"
    )]
    NotConverged {
        /// Iterations spent.
        iterations: u64,
        /// The shape reached.
        last_shape: f64,
        /// Residual of the shape equation there, relative to `1 / shape`.
        residual: f64,
    },
    /// The root finder refused its problem.
    #[error("the root finder refused the shape equation")]
    Solver {
        /// What it said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Why a text is not a model in libMR's one-line form.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// libMR writes 13 blank-separated fields.
    #[error(
        "expected one line of {expected} blank-separated fields, found {found} fields \
         (libMR writes an empty text for a model it could not fit)"
    )]
    FieldCount {
        /// The number of fields of the format.
        expected: usize,
        /// The number of fields found.
        found: usize,
    },
    /// A field that is no number of its kind.
    #[error("field {position} ({name}) is {text:?}, expected {expected}")]
    Field {
        /// Position in the line, counted from 1.
        position: usize,
        /// libMR's name of the field.
        name: &'static str,
        /// What stands there.
        text: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// The fields are numbers, but no Weibull model has them.
    #[error(transparent)]
    Param(#[from] ParamError),
}
