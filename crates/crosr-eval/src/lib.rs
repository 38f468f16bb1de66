#![doc = include_str!("../README.md")]

mod blocks;
mod confusion;
mod curve;
mod detectors;
mod error;
mod figures;
mod heat_map;
mod order;
mod oscr;
mod plot;
mod ranking;
mod report;
mod report_page;
mod table;

pub use crate::{
    blocks::{NamedBlocks, SampleBlocks, evaluate_blocks},
    confusion::{ClassScores, ConfusionMatrix},
    detectors::{Baseline, Columns, Detector, FeatureTable, SampleView},
    error::EvalError,
    figures::{Contest, DecisionFigures, RankFigures},
    heat_map::HeatMap,
    oscr::{Oscr, OscrPoint},
    plot::{Chart, Mark, Series},
    ranking::{PrecisionRecallPoint, Ranking, RocPoint, Youden},
    report::{
        ClassEvaluation, Evaluation, KnownSummary, OutlierEvaluation, OutlierSet, ScoredSample,
        evaluate,
    },
    report_page::{
        ClassTail, Comparison, Figure, ImageScores, MeanActivations, NamedEvaluation, Page,
        Picture, PicturePicks, Pictures, RunReport, TailSizes, Thumbnail,
    },
};
