//! A fitted Weibull in files: JSON and libMR's text.

use std::path::Path;

use crosr_libmr::{
    ConfidenceIntervals, FitReport, FitType, LabelledModel, TailSide, Weibull, WeibullParts,
};
use serde::{Deserialize, Serialize};

use crate::error::{CliError, Result};
use crate::run_folder;

/// A fitted Weibull in the machine-readable form.
#[derive(Serialize, Deserialize)]
pub(super) struct WeibullJson {
    pub(super) scale: f64,
    pub(super) shape: f64,
    pub(super) small_score: f64,
    translate: f64,
    sign: i8,
    pub(super) tail: usize,
    #[serde(default)]
    pub(super) log_likelihood: f64,
    #[serde(skip_deserializing)]
    aic: f64,
    /// Steps of the solver, and what it left of the shape equation.
    #[serde(skip_deserializing)]
    iterations: u64,
    #[serde(skip_deserializing)]
    residual: f64,
    #[serde(skip_deserializing)]
    ci95: Intervals,
    /// The level asked for, and the intervals at it.
    #[serde(skip_deserializing)]
    level: f64,
    #[serde(skip_deserializing)]
    confidence: Intervals,
}

#[derive(Default, Serialize)]
struct Intervals {
    scale: [f64; 2],
    shape: [f64; 2],
}

impl From<ConfidenceIntervals> for Intervals {
    fn from(intervals: ConfidenceIntervals) -> Self {
        Intervals {
            scale: intervals.scale.into(),
            shape: intervals.shape.into(),
        }
    }
}

impl WeibullJson {
    pub(super) fn new(weibull: &Weibull, report: &FitReport, level: f64) -> Result<Self> {
        Ok(Self {
            scale: weibull.scale(),
            shape: weibull.shape(),
            small_score: weibull.small_score(),
            translate: weibull.translate(),
            sign: if weibull.side() == TailSide::Low {
                -1
            } else {
                1
            },
            tail: weibull.tail_size(),
            log_likelihood: report.log_likelihood,
            aic: report.aic(),
            iterations: report.iterations,
            residual: report.residual,
            ci95: report.confidence(0.95)?.into(),
            level,
            confidence: report.confidence(level)?.into(),
        })
    }
}

/// Reads what `crosr weibull fit` or libMR wrote, as JSON, text or bytes; libMR's of any fitting
/// type.
pub(super) fn read(path: &Path) -> Result<LabelledModel> {
    let bytes = run_folder::read(path)?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) if !bytes.contains(&0) => text,
        _ => {
            return LabelledModel::from_bytes(&bytes).map_err(|e| {
                CliError::file(path, format!("neither text nor libMR's binary form: {e}"))
            });
        }
    };
    if !text.trim_start().starts_with('{') {
        return LabelledModel::from_text(text)
            .map_err(|e| CliError::file(path, format!("neither JSON nor libMR's text form: {e}")));
    }
    let json: WeibullJson =
        serde_json::from_str(text).map_err(|e| CliError::file(path, e.to_string()))?;
    let side = match json.sign {
        1 => TailSide::High,
        -1 => TailSide::Low,
        other => {
            return Err(CliError::file(
                path,
                format!("sign is {other}, 1 or -1 is expected"),
            ));
        }
    };
    let weibull = Weibull::from_parts(WeibullParts {
        scale: json.scale,
        shape: json.shape,
        small_score: json.small_score,
        translate: json.translate,
        side,
        tail_size: json.tail,
    })
    .map_err(|e| CliError::file(path, e.to_string()))?;
    Ok(LabelledModel::new(weibull, FitType::default()))
}
