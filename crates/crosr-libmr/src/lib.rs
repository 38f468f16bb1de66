#![doc = include_str!("../README.md")]

mod binary;
mod collector;
mod compare;
mod distance;
mod error;
mod families;
mod kernels;
mod labelled;
mod labelled_model;
mod likelihood;
mod moments;
mod normal;
mod numeric;
mod params;
mod report;
mod sample;
mod score;
mod singles;
mod solver;
mod sums;
mod tail;
mod tail_size;
mod text;
mod w_scores;
mod weibull;

pub use crate::{
    collector::TailCollector,
    compare::{ComparedFamily, Comparison, FittedFamily, compare},
    distance::{DistanceError, anderson_darling, kolmogorov_smirnov},
    error::{BinaryError, FitError, ParamError, TextError},
    families::{
        Border, Family, FamilyError, FamilyReport, GeneralisedPareto, Gev, TailDistribution,
        ThresholdSource, UnknownFamily, Weibull3, fit_family,
    },
    labelled::{
        FitType, LabelScores, LabelledError, LabelledFit, UnknownFitType, fit_svm, fit_svm_with,
    },
    labelled_model::LabelledModel,
    params::{CheckedParams, WeibullParams, fit_high, fit_low},
    report::{ConfidenceIntervals, FitReport},
    sample::Sample,
    score::Score,
    tail::TailSide,
    tail_size::{
        SkippedTail, TailCandidates, TailChoice, TailPoint, TailRule, TailSizeError,
        choose_tail_size,
    },
    weibull::{Weibull, WeibullParts},
};
