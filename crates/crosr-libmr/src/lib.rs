#![doc = include_str!("../README.md")]

mod binary;
mod collector;
mod error;
mod kernels;
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
mod text;
mod w_scores;
mod weibull;

pub use crate::{
    collector::TailCollector,
    error::{BinaryError, FitError, ParamError, TextError},
    params::{CheckedParams, WeibullParams, fit_high, fit_low},
    report::{ConfidenceIntervals, FitReport},
    sample::Sample,
    score::Score,
    tail::TailSide,
    weibull::{Weibull, WeibullParts},
};
