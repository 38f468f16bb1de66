#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod distance;
mod error;
mod evidence;
mod exact_sum;
mod fit;
mod mav;
mod model;
mod recalibrate;
mod rows;
mod sweep;
mod tail;
mod threshold;

pub use crate::{
    distance::Distance,
    error::{OpenMaxError, ParamError},
    evidence::{
        CheckedEvidenceParams, Evidence, EvidenceModel, EvidenceParams, EvidenceReading,
        EvidenceSamples, Judgement, Whitening,
    },
    fit::{CheckedParams, ClassReport, OpenMaxParams, OpenMaxReport},
    mav::{MeanAccumulator, MeanActivationVectors},
    model::{OpenMax, Recalibrated},
    recalibrate::{
        Recalibration, RecalibrationParams, SoftmaxOrder, Standing, Verdict, decide, recalibrate,
    },
    rows::closed_set_class,
    sweep::{CheckedSweepParams, Sweep, SweepFailure, SweepParams, SweepSamples, SweepSetting},
    tail::{TailAccumulator, TailFit},
    threshold::{assured_part, score_keeping, standing_threshold_keeping, threshold_keeping},
};
