//! The errors of this crate, each carrying the numbers that caused it.

use std::error::Error;

use crate::tail::TailSide;

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
    /// Lists that belong together differ in length.
    #[error("{given} {what} for {scores} scores, there must be one for each")]
    Lengths {
        /// What the second list holds.
        what: &'static str,
        /// Its length.
        given: usize,
        /// Number of scores.
        scores: usize,
    },
    /// Only collectors of the same tail can be merged.
    #[error(
        "a collector of {other_tail_size} scores ({other_side:?}) cannot be merged into one of \
         {tail_size} ({side:?})"
    )]
    Merge {
        /// Tail size of the collector that was to take over.
        tail_size: usize,
        /// Its side.
        side: TailSide,
        /// Tail size of the other.
        other_tail_size: usize,
        /// Side of the other.
        other_side: TailSide,
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
    /// A list of weights or flags does not fit the scores.
    #[error("{given} {what} for {scores} scores, there must be one for each")]
    Lengths {
        /// What the list holds.
        what: &'static str,
        /// Its length.
        given: usize,
        /// Number of scores.
        scores: usize,
    },
    /// A weight that nothing can have.
    #[error("weight at index {index} is {value}, weights must be finite and not negative")]
    Weight {
        /// Position of the first such weight.
        index: usize,
        /// The weight.
        value: f64,
    },
    /// Weights of the tail that no sum of doubles can hold together.
    #[error(
        "the weights of the tail range from {smallest:e} to {largest:e}: one vanishes beside \
         the other or their sum overflows; rescale them or set the smallest to 0"
    )]
    WeightRange {
        /// The largest weight of the tail.
        largest: f64,
        /// The smallest weight of the tail.
        smallest: f64,
    },
    /// Censored scores alone, or with uncensored ones that all equal the most extreme score,
    /// have no most likely shape.
    #[error(
        "no uncensored score of the tail is less extreme than its most extreme score, {value}: \
         the likelihood grows without bound; use a larger tail"
    )]
    NotIdentified {
        /// The most extreme score of the tail.
        value: f64,
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
    /// A model whose w-score libMR gives as `1 - w`.
    #[error(
        "fitting type {fitting_type} is a model whose w-score libMR turns round to 1 - w; it loads \
         as a `LabelledModel`"
    )]
    Complemented {
        /// libMR's number of the type: 3 or 4.
        fitting_type: i64,
    },
    /// The fields are numbers, but no Weibull model has them.
    #[error(transparent)]
    Param(#[from] ParamError),
}

/// Why bytes are not a model in libMR's binary form, or a model has no such form.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BinaryError {
    /// The form has one length.
    #[error("expected {expected} bytes, found {found}")]
    Length {
        /// Length of the form.
        expected: usize,
        /// Number of bytes found.
        found: usize,
    },
    /// The sign is no sign.
    #[error("sign is {given}, expected 1 or -1")]
    Sign {
        /// What stands there.
        given: i32,
    },
    /// libMR has four types of fits.
    #[error("fitting type is {given}, expected 1, 2, 3 or 4")]
    FittingType {
        /// What stands there.
        given: i32,
    },
    /// A model whose w-score libMR gives as `1 - w`.
    #[error(
        "fitting type {fitting_type} is a model whose w-score libMR turns round to 1 - w; it loads \
         as a `LabelledModel`"
    )]
    Complemented {
        /// libMR's number of the type: 3 or 4.
        fitting_type: i32,
    },
    /// A negative number of scores.
    #[error("tail size is {given}, it must not be negative")]
    NegativeTailSize {
        /// What stands there.
        given: i32,
    },
    /// The form holds a tail size of 31 bits.
    #[error("tail size {given} is above 2147483647, the largest that libMR's binary form holds")]
    TailSize {
        /// The model's tail size.
        given: u64,
    },
    /// The form holds a whole number.
    #[error(
        "translate is {given}, libMR's binary form holds whole numbers up to 2147483647 only; \
         use the text form"
    )]
    Translate {
        /// The model's translate.
        given: f64,
    },
    /// The fields are numbers, but no Weibull model has them.
    #[error(transparent)]
    Param(#[from] ParamError),
}
