//! What is tried, and what each setting gave.

use crosr_eval::{DecisionFigures, RankFigures};
use crosr_openmax::{
    CheckedSweepParams, Distance, ParamError, RecalibrationParams, SoftmaxOrder, SweepParams,
    SweepSetting,
};
use serde::Serialize;

use crate::args::{Metric, SweepArgs};
use crate::error::{CliError, Result};

/// How a threshold comes about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Epsilon {
    Fixed(f64),
    /// Keeps a part of the held-out samples.
    Calibrated,
}

/// What is tried beside the settings of [`CheckedSweepParams`], and what counts.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) epsilons: Vec<Epsilon>,
    pub(super) keep_known: f64,
    pub(super) rank_by: Metric,
    /// The outlier set that ranks; all of them where none is named.
    on: Option<usize>,
}

/// Figures of one setting on one outlier set.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SetFigures {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) ranked: RankFigures,
    #[serde(flatten)]
    pub(super) decided: DecisionFigures,
}

/// One setting with all its figures.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub(super) pooling: Option<String>,
    pub(super) tail: usize,
    pub(super) distance: String,
    pub(super) softmax: String,
    pub(super) alpha: usize,
    pub(super) epsilon: f64,
    /// Whether held-out samples set epsilon.
    pub(super) calibrated: bool,
    /// What the setting is ranked by.
    pub(super) score: f64,
    pub(super) outliers: Vec<SetFigures>,
}

impl Line {
    pub(super) fn new(
        pooling: Option<&str>,
        setting: SweepSetting,
        (epsilon, calibrated): (f64, bool),
        score: f64,
        outliers: Vec<SetFigures>,
    ) -> Self {
        Self {
            pooling: pooling.map(str::to_owned),
            tail: setting.tail_size,
            distance: setting.distance.to_string(),
            softmax: setting.softmax.to_string(),
            alpha: setting.alpha,
            epsilon,
            calibrated,
            score,
            outliers,
        }
    }

    /// Mean of a figure over all outlier sets.
    pub(super) fn mean(&self, metric: Metric) -> f64 {
        let sum: f64 = self.outliers.iter().map(|set| metric.of(set)).sum();
        sum / self.outliers.len() as f64
    }
}

impl Metric {
    /// The figure's value.
    pub(super) fn of(self, figures: &SetFigures) -> f64 {
        let SetFigures {
            ranked, decided, ..
        } = figures;
        match self {
            Self::Auroc => ranked.auroc,
            Self::AuprUnknown => ranked.aupr_unknown,
            Self::AuprKnown => ranked.aupr_known,
            Self::FprAt95Tpr => ranked.fpr_at_95_tpr,
            Self::Oscr => ranked.oscr,
            Self::Accuracy => decided.accuracy,
            Self::MacroF1 => decided.macro_f1,
            Self::WeightedF1 => decided.weighted_f1,
            Self::F1Unknown => decided.f1_unknown,
        }
    }

    /// Its name in JSON.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Auroc => "auroc",
            Self::AuprUnknown => "aupr_unknown",
            Self::AuprKnown => "aupr_known",
            Self::FprAt95Tpr => "fpr_at_95_tpr",
            Self::Oscr => "oscr",
            Self::Accuracy => "accuracy",
            Self::MacroF1 => "macro_f1",
            Self::WeightedF1 => "weighted_f1",
            Self::F1Unknown => "f1_unknown",
        }
    }

    /// Its name in tables and charts.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Auroc => "AUROC",
            Self::AuprUnknown => "AUPR unknown",
            Self::AuprKnown => "AUPR known",
            Self::FprAt95Tpr => "FPR@95TPR",
            Self::Oscr => "OSCR",
            Self::Accuracy => "accuracy",
            Self::MacroF1 => "macro F1",
            Self::WeightedF1 => "weighted F1",
            Self::F1Unknown => "F1 unknown",
        }
    }

    pub(super) fn lower_is_better(self) -> bool {
        self == Self::FprAt95Tpr
    }

    /// Whether `a` is the better value.
    pub(super) fn better(self, a: f64, b: f64) -> bool {
        if self.lower_is_better() { a < b } else { a > b }
    }
}

impl Grid {
    /// Chooses the sets that rank, and names them.
    pub(super) fn rank_on(
        &mut self,
        wanted: Option<&str>,
        outliers: &[String],
    ) -> Result<Vec<String>> {
        let Some(wanted) = wanted else {
            return Ok(outliers.to_vec());
        };
        self.on = outliers.iter().position(|name| name == wanted);
        match self.on {
            Some(_) => Ok(vec![wanted.to_owned()]),
            None => Err(CliError::usage(format!(
                "--rank-on {wanted}: there are {}",
                outliers.join(", ")
            ))),
        }
    }

    /// What a setting with these figures is ranked by: the mean over the sets that rank.
    pub(super) fn score(&self, figures: &[SetFigures]) -> f64 {
        let figures = match self.on {
            Some(one) => &figures[one..=one],
            None => figures,
        };
        figures.iter().map(|set| self.rank_by.of(set)).sum::<f64>() / figures.len() as f64
    }

    /// Best first; of equals, the larger macro F1, then the larger AUROC, then the earlier setting.
    pub(super) fn rank(&self, lines: &mut [Line]) {
        let sign = if self.rank_by.lower_is_better() {
            -1.0
        } else {
            1.0
        };
        let larger = |metric: Metric, a: &Line, b: &Line| b.mean(metric).total_cmp(&a.mean(metric));
        lines.sort_by(|a, b| {
            (sign * b.score)
                .total_cmp(&(sign * a.score))
                .then_with(|| larger(Metric::MacroF1, a, b))
                .then_with(|| larger(Metric::Auroc, a, b))
        });
    }
}

/// A list without what stands in it before.
fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

/// Names as flags give them.
fn parsed<T: std::str::FromStr<Err = ParamError>>(flag: &str, names: &[String]) -> Result<Vec<T>> {
    let one = |name: &String| {
        name.parse()
            .map_err(|e| CliError::usage(format!("{flag}: {e}")))
    };
    names.iter().map(one).collect()
}

fn epsilon(text: &str) -> Result<Epsilon> {
    if text == "calibrated" {
        return Ok(Epsilon::Calibrated);
    }
    let wrong = || {
        CliError::usage(format!(
            "--epsilons {text}: numbers from 0 to 1, or `calibrated`"
        ))
    };
    let value: f64 = text.parse().map_err(|_| wrong())?;
    let checked = RecalibrationParams::new().epsilon(value).check();
    checked.map(|_| Epsilon::Fixed(value)).map_err(|_| wrong())
}

/// Checks the flags.
pub(super) fn resolve(args: &SweepArgs) -> Result<(CheckedSweepParams, Grid)> {
    if !(args.keep_known > 0.0 && args.keep_known <= 1.0) {
        return Err(CliError::usage(format!(
            "--keep-known {}: above 0, at most 1",
            args.keep_known
        )));
    }
    let distances: Vec<Distance> = parsed("--distances", &args.distances)?;
    let orders: Vec<SoftmaxOrder> = parsed("--softmax", &args.softmax)?;
    let epsilons = args
        .epsilons
        .iter()
        .map(|text| epsilon(text))
        .collect::<Result<Vec<_>>>()?;
    let params = SweepParams::new(&distinct(args.tails.iter().copied()))
        .distances(&distinct(distances))
        .softmax_orders(&distinct(orders))
        .alphas(&distinct(args.alphas.iter().copied()))
        .shrink_tail(args.shrink_tail)
        .check()
        .map_err(|e| CliError::usage(e.to_string()))?;
    let grid = Grid {
        epsilons: distinct(epsilons),
        keep_known: args.keep_known,
        rank_by: args.rank_by,
        on: None,
    };
    Ok((params, grid))
}
