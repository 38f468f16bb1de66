//! A fitted Weibull in files: JSON and libMR's text.

use std::path::Path;

use crosr_libmr::{FitReport, TailSide, Weibull, WeibullParts};
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
    ci95: Intervals,
}

#[derive(Default, Serialize)]
struct Intervals {
    scale: [f64; 2],
    shape: [f64; 2],
}

impl WeibullJson {
    pub(super) fn new(weibull: &Weibull, report: &FitReport) -> Result<Self> {
        let ci = report.confidence(0.95)?;
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
            ci95: Intervals {
                scale: [ci.scale.0, ci.scale.1],
                shape: [ci.shape.0, ci.shape.1],
            },
        })
    }
}

/// Reads what `crosr weibull fit` or libMR wrote, as JSON, text or bytes.
pub(super) fn read(path: &Path) -> Result<Weibull> {
    let bytes = run_folder::read(path)?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) if !bytes.contains(&0) => text,
        _ => {
            return Weibull::from_bytes(&bytes).map_err(|e| {
                CliError::file(path, format!("neither text nor libMR's binary form: {e}"))
            });
        }
    };
    if !text.trim_start().starts_with('{') {
        return Weibull::from_text(text)
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
    Weibull::from_parts(WeibullParts {
        scale: json.scale,
        shape: json.shape,
        small_score: json.small_score,
        translate: json.translate,
        side,
        tail_size: json.tail,
    })
    .map_err(|e| CliError::file(path, e.to_string()))
}
