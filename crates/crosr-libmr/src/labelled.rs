//! Fits to labelled decision scores, as those of a support vector machine.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use crate::{
    error::{FitError, ParamError},
    labelled_model::LabelledModel,
    params::{CheckedParams, WeibullParams},
    report::FitReport,
    tail::TailSide,
    weibull::Weibull,
};

/// Which scores are fitted, and how the fit is read: libMR's `MR_fitting_type`.
///
/// libMR has four names for two behaviours. The two *reject* types fit the scores of all other
/// labels, on their extreme towards the label of interest; a score is then as probable to be
/// of the label as it is improbable for the others. The two *model* types fit the scores of the
/// label itself, on their extreme towards the others, and take the complement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum FitType {
    /// libMR's `complement_reject`, code 1 and its default: fits the other labels.
    #[default]
    ComplementReject,
    /// libMR's `positive_reject`, code 2: the same as [`FitType::ComplementReject`].
    PositiveReject,
    /// libMR's `complement_model`, code 3: fits the label of interest.
    ComplementModel,
    /// libMR's `positive_model`, code 4: the same as [`FitType::ComplementModel`].
    PositiveModel,
}

impl FitType {
    /// Every fit type, by code.
    pub const ALL: [FitType; 4] = [
        FitType::ComplementReject,
        FitType::PositiveReject,
        FitType::ComplementModel,
        FitType::PositiveModel,
    ];

    /// The number in the ninth field of libMR's text form.
    pub fn code(self) -> u8 {
        match self {
            FitType::ComplementReject => 1,
            FitType::PositiveReject => 2,
            FitType::ComplementModel => 3,
            FitType::PositiveModel => 4,
        }
    }

    /// The fit type with this [`code`](FitType::code), if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        FitType::ALL
            .into_iter()
            .find(|fit_type| fit_type.code() == code)
    }

    /// Whether the scores of the *other* labels are fitted.
    pub fn fits_others(self) -> bool {
        matches!(self, FitType::ComplementReject | FitType::PositiveReject)
    }

    fn name(self) -> &'static str {
        match self {
            FitType::ComplementReject => "complement-reject",
            FitType::PositiveReject => "positive-reject",
            FitType::ComplementModel => "complement-model",
            FitType::PositiveModel => "positive-model",
        }
    }
}

impl Display for FitType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for FitType {
    type Err = UnknownFitType;

    fn from_str(text: &str) -> Result<Self, UnknownFitType> {
        FitType::ALL
            .into_iter()
            .find(|fit_type| fit_type.name() == text)
            .ok_or_else(|| UnknownFitType {
                given: text.to_owned(),
            })
    }
}

/// A text that names no fit type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown fit type {given:?}, expected complement-reject, positive-reject, complement-model \
     or positive-model"
)]
pub struct UnknownFitType {
    /// The text.
    pub given: String,
}

/// Where the scores of the label of interest lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LabelScores {
    /// Above those of the others, as the decision values of a machine's positive class.
    #[default]
    Larger,
    /// Below them.
    Smaller,
}

/// Why labelled scores have no fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelledError {
    /// No score has the label of interest.
    #[error("none of the {given} scores has the label of interest")]
    LabelAbsent {
        /// The number of scores.
        given: usize,
    },
    /// Every score has the label of interest: there is nothing to tell it from.
    #[error("all {given} scores have the label of interest, a reject fit needs others")]
    OthersAbsent {
        /// The number of scores.
        given: usize,
    },
    /// Fewer scores with the label of interest than the tail needs.
    #[error(
        "tail size {tail_size} asked for, {given} scores have the label of interest; use a \
         smaller tail"
    )]
    TooFewOfLabel {
        /// The tail size asked for.
        tail_size: usize,
        /// The number of such scores.
        given: usize,
    },
    /// Fewer scores with another label than the tail needs.
    #[error(
        "tail size {tail_size} asked for, {given} scores have another label than the one of \
         interest; use a smaller tail"
    )]
    TooFewOthers {
        /// The tail size asked for.
        tail_size: usize,
        /// The number of such scores.
        given: usize,
    },
    /// A score is NaN or infinite, whatever its label.
    #[error("score at index {index} is {value}, all scores must be finite")]
    NonFinite {
        /// Position of the first such score among all scores.
        index: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// The scores that were selected have no fit.
    #[error(transparent)]
    Fit(FitError),
}

impl From<ParamError> for LabelledError {
    fn from(error: ParamError) -> Self {
        LabelledError::Fit(FitError::Param(error))
    }
}

/// A fit to labelled scores: a [`LabelledModel`] and the report of its fit.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LabelledFit {
    model: LabelledModel,
    report: FitReport,
}

impl LabelledFit {
    /// [`LabelledModel::w_score`] of the model.
    pub fn w_score(&self, x: f64) -> f64 {
        self.model.w_score(x)
    }

    /// [`LabelledModel::inv`] of the model.
    pub fn inv(&self, p: f64) -> f64 {
        self.model.inv(p)
    }

    /// What answers, and what libMR's forms are written from.
    pub fn model(&self) -> &LabelledModel {
        &self.model
    }

    /// The fitted tail.
    pub fn weibull(&self) -> &Weibull {
        self.model.weibull()
    }

    /// How the fit went.
    pub fn report(&self) -> &FitReport {
        &self.report
    }

    /// Which scores were fitted.
    pub fn fit_type(&self) -> FitType {
        self.model.fit_type()
    }
}

/// Fits labelled scores with every default: libMR's `FitSVM`.
///
/// The label of interest has the larger scores, and `translate` is 1.
///
/// ```
/// use crosr_libmr::{FitType, fit_svm};
///
/// # fn main() -> Result<(), crosr_libmr::LabelledError> {
/// let decisions = [
///     (-1.9, -1), (-1.2, -1), (-0.9, -1), (-0.4, -1), (-0.1, -1), (0.3, 1), (0.8, 1), (1.4, 1),
/// ];
/// let fit = fit_svm(&decisions, &1, 4, FitType::ComplementReject)?;
/// assert!(fit.w_score(-1.9) < 0.01);   // an ordinary score of the others
/// assert!(fit.w_score(1.4) > 0.99);   // one that they hardly reach
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`fit_svm_with`], and [`ParamError::TailSize`] as [`LabelledError::Fit`].
pub fn fit_svm<L: PartialEq>(
    labelled: &[(f64, L)],
    label: &L,
    tail_size: usize,
    fit_type: FitType,
) -> Result<LabelledFit, LabelledError> {
    let params = WeibullParams::new(tail_size).check()?;
    fit_svm_with(labelled, label, LabelScores::Larger, fit_type, params)
}

/// Fits labelled scores.
///
/// A reject type takes the scores with any label but `label`, a model type those with it; of
/// these the `tail_size` closest to the other side are fitted: for
/// [`LabelScores::Larger`] the largest of the others or the smallest of the label, for
/// [`LabelScores::Smaller`] the other way round (the side that `params` holds is not used).
/// That is libMR's selection to the letter, but for what it leaves unchecked: it reads beyond
/// its data when they are fewer than the tail, and fits all scores for a label that none has.
///
/// # Errors
/// [`LabelledError::NonFinite`] for any score, whichever its label,
/// [`LabelledError::LabelAbsent`] when no score has the label, [`LabelledError::OthersAbsent`]
/// when a reject type has nothing to select from, [`LabelledError::TooFewOfLabel`] and [`LabelledError::TooFewOthers`] for a tail
/// larger than the selection, [`LabelledError::Fit`] for a selection without a fit.
pub fn fit_svm_with<L: PartialEq>(
    labelled: &[(f64, L)],
    label: &L,
    label_scores: LabelScores,
    fit_type: FitType,
    params: CheckedParams,
) -> Result<LabelledFit, LabelledError> {
    if let Some(index) = labelled.iter().position(|(score, _)| !score.is_finite()) {
        return Err(LabelledError::NonFinite {
            index,
            value: labelled[index].0,
        });
    }
    let of_label = labelled.iter().filter(|(_, of)| of == label).count();
    if of_label == 0 {
        return Err(LabelledError::LabelAbsent {
            given: labelled.len(),
        });
    }
    let others = fit_type.fits_others();
    let selected: Vec<f64> = labelled
        .iter()
        .filter(|(_, of)| (of == label) != others)
        .map(|&(score, _)| score)
        .collect();
    let (tail_size, given) = (params.tail_size(), selected.len());
    if given < tail_size {
        return Err(match (others, given) {
            (true, 0) => LabelledError::OthersAbsent { given: of_label },
            (true, _) => LabelledError::TooFewOthers { tail_size, given },
            (false, _) => LabelledError::TooFewOfLabel { tail_size, given },
        });
    }
    let side = match (label_scores, others) {
        (LabelScores::Larger, true) | (LabelScores::Smaller, false) => TailSide::High,
        (LabelScores::Larger, false) | (LabelScores::Smaller, true) => TailSide::Low,
    };
    let (weibull, report) = WeibullParams::new(tail_size)
        .side(side)
        .translate(params.translate())
        .max_iterations(params.max_iterations())
        .check()?
        .fit(&selected)
        .map_err(LabelledError::Fit)?;
    Ok(LabelledFit {
        model: LabelledModel::new(weibull, fit_type),
        report,
    })
}
