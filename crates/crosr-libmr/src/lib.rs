#![doc = include_str!("../README.md")]

mod error;
mod likelihood;
mod normal;
mod numeric;
mod params;
mod report;
mod solver;
mod tail;
mod text;
mod weibull;

pub use crate::{
    error::{FitError, ParamError, TextError},
    params::{CheckedParams, WeibullParams, fit_high, fit_low},
    report::{ConfidenceIntervals, FitReport},
    tail::TailSide,
    weibull::{Weibull, WeibullParts},
};
