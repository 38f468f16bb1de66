#![doc = include_str!("../README.md")]

mod compare;
mod distance;
mod error;
mod families;
mod labelled;
mod likelihood;
mod normal;
mod numeric;
mod params;
mod report;
mod solver;
mod tail;
mod tail_size;
mod text;
mod weibull;

pub use crate::{
    compare::{ComparedFamily, Comparison, FittedFamily, compare},
    distance::{DistanceError, anderson_darling, kolmogorov_smirnov},
    error::{FitError, ParamError, TextError},
    families::{
        Border, Family, FamilyError, FamilyReport, GeneralisedPareto, Gev, TailDistribution,
        ThresholdSource, UnknownFamily, Weibull3, fit_family,
    },
    labelled::{
        FitType, LabelScores, LabelledError, LabelledFit, UnknownFitType, fit_svm, fit_svm_with,
    },
    params::{CheckedParams, WeibullParams, fit_high, fit_low},
    report::{ConfidenceIntervals, FitReport},
    tail::TailSide,
    tail_size::{
        SkippedTail, TailCandidates, TailChoice, TailPoint, TailRule, TailSizeError,
        choose_tail_size,
    },
    weibull::{Weibull, WeibullParts},
};
