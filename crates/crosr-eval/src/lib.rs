#![doc = include_str!("../README.md")]

mod confusion;
mod detectors;
mod error;
mod order;
mod oscr;
mod plot;
mod ranking;
mod report;
mod table;

pub use crate::{
    confusion::{ClassScores, ConfusionMatrix},
    detectors::{Baseline, Columns, Detector, FeatureTable, SampleView},
    error::EvalError,
    oscr::{Oscr, OscrPoint},
    plot::{Chart, Mark, Series},
    ranking::{Ranking, RocPoint, Youden},
    report::{
        ClassEvaluation, Evaluation, KnownSummary, OutlierEvaluation, OutlierSet, ScoredSample,
        evaluate,
    },
};
