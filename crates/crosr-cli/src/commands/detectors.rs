//! `crosr detectors`: every detector on the same features, in one table.

use std::fmt::Write as _;

use crosr_eval::{Baseline, Contest, Detector, FeatureTable};
use crosr_openmax::{
    Distance, Evidence, EvidenceModel, EvidenceParams, OpenMax, OpenMaxParams, Recalibration,
    assured_part, score_keeping,
};
use serde::Serialize;

use super::fit::recalibration;
use super::sets::{Set, Sets};
use crate::args::DetectorsArgs;
use crate::error::{CliError, Result};
use crate::formats::features::Features;
use crate::output;
use crate::progress::Progress;

/// Detectors of crosr-openmax, beside the baselines of crosr-eval.
const OPENMAX_LOGITS: &str = "openmax-logits";
const CROSR: &str = "crosr";
const EVIDENCE: &str = "evidence";

/// One detector against one outlier set.
#[derive(Serialize)]
struct Line {
    detector: String,
    outliers: String,
    auroc: f64,
    aupr_unknown: f64,
    fpr_at_95_tpr: f64,
    oscr: f64,
    macro_f1: f64,
    f1_unknown: f64,
}

impl Sets {
    fn table<'a>(&self, set: &'a Set, labelled: bool) -> Result<FeatureTable<'a>> {
        let features = &set.features;
        let failed = |e: crosr_eval::EvalError| CliError::file(&set.path, e.to_string());
        let mut table =
            FeatureTable::new(&features.rows, features.dim, self.n_classes).map_err(failed)?;
        if labelled {
            table = table.with_labels(&set.truths).map_err(failed)?;
        }
        if let Some(errors) = &features.reconstruction_errors {
            table = table.with_reconstruction_errors(errors).map_err(failed)?;
        }
        Ok(table)
    }

    fn openmax(&self, tail: usize, distance: Distance, columns: usize) -> Result<OpenMax> {
        let rows = leading(&self.train.features, columns);
        let params = OpenMaxParams::new(tail)
            .distance(distance)
            .shrink_tail(true);
        let params = params
            .check()
            .map_err(|e| CliError::usage(format!("--tail: {e}")))?;
        let (model, _) = params
            .fit(self.n_classes, &rows, columns, &self.train.truths)
            .map_err(|e| CliError::file(&self.train.path, e.to_string()))?;
        Ok(model)
    }
}

/// The first `columns` of every row.
fn leading(features: &Features, columns: usize) -> Vec<f32> {
    let rows = features.rows.chunks_exact(features.dim);
    rows.flat_map(|row| row[..columns].iter().copied())
        .collect()
}

/// A fitted detector.
enum FittedDetector {
    Baseline(Box<dyn Detector>),
    /// Unknown probability of OpenMax on the first columns.
    OpenMax(OpenMax, Recalibration),
    Evidence(OpenMax, Box<EvidenceModel>),
}

impl FittedDetector {
    fn new(name: &str, sets: &Sets, args: &DetectorsArgs) -> Result<Self> {
        let published = || recalibration(None, None, 0.0);
        let dim = sets.train.features.dim;
        Ok(match name {
            OPENMAX_LOGITS => Self::OpenMax(
                sets.openmax(args.tail, Distance::Euclidean, sets.n_classes)?,
                published()?,
            ),
            CROSR => Self::OpenMax(
                sets.openmax(args.tail, Distance::Euclidean, dim)?,
                published()?,
            ),
            name if name.split(':').next() == Some(EVIDENCE) => {
                let model = sets.openmax(args.tail, Distance::Cosine, dim)?;
                let params = EvidenceParams::new()
                    .evidence(&kinds_of(name)?)
                    .keep_known(args.keep_known)
                    .truncation(args.truncation)
                    .whitened(args.whiten)
                    .check()
                    .map_err(|e| CliError::usage(e.to_string()))?;
                let held_out = sets.held_out.features.evidence();
                let evidence = EvidenceModel::fit(params, &model, held_out)
                    .map_err(|e| CliError::file(&sets.held_out.path, e.to_string()))?;
                Self::Evidence(model, Box::new(evidence))
            }
            name => {
                let baseline: Baseline = name.parse()?;
                let table = sets.table(&sets.train, true)?;
                let fitted = baseline.fit(&table);
                Self::Baseline(fitted.map_err(|e| CliError::file(&sets.train.path, e.to_string()))?)
            }
        })
    }

    /// Scores of a set; the larger, the less known.
    fn scores(&self, sets: &Sets, set: &Set) -> Result<Vec<f64>> {
        let failed = |e: crosr_openmax::OpenMaxError| CliError::file(&set.path, e.to_string());
        Ok(match self {
            Self::Baseline(detector) => detector
                .scores(&sets.table(set, false)?)
                .map_err(|e| CliError::file(&set.path, e.to_string()))?,
            Self::OpenMax(model, recalibration) => {
                let rows = leading(&set.features, model.dim());
                let judged = model.score_rows(&rows, recalibration).map_err(failed)?;
                judged
                    .iter()
                    .map(|sample| sample.unknown_probability())
                    .collect()
            }
            Self::Evidence(model, evidence) => {
                let judged = evidence
                    .judge(model, set.features.evidence())
                    .map_err(failed)?;
                judged
                    .iter()
                    .map(|sample| -sample.tail_probability)
                    .collect()
            }
        })
    }
}

/// The kinds of evidence of `evidence:KIND+KIND`; all of plain `evidence`.
fn kinds_of(name: &str) -> Result<Vec<Evidence>> {
    let Some((_, kinds)) = name.split_once(':') else {
        return Ok(Evidence::ALL.to_vec());
    };
    let kinds = kinds.split('+').map(str::parse);
    let kinds = kinds.collect::<std::result::Result<_, _>>();
    kinds.map_err(|e| CliError::usage(format!("--detectors {name}: {e}")))
}

fn line(
    detector: &str,
    sets: &Sets,
    outliers: &Set,
    threshold: f64,
    (known_scores, unknown_scores): (&[f64], &[f64]),
) -> Result<Line> {
    let Set {
        truths, predicted, ..
    } = &sets.known;
    let contest = Contest::new(sets.n_classes, truths, predicted, outliers.features.len())?;
    let scores = [known_scores, unknown_scores].concat();
    let verdicts: Vec<Option<usize>> = scores
        .iter()
        .zip(predicted.iter().chain(&outliers.predicted))
        .map(|(&score, &class)| (score <= threshold).then_some(class))
        .collect();
    let (ranked, decided) = (contest.ranked(&scores)?, contest.decided(&verdicts)?);
    Ok(Line {
        detector: detector.to_owned(),
        outliers: outliers.name.clone(),
        auroc: ranked.auroc,
        aupr_unknown: ranked.aupr_unknown,
        fpr_at_95_tpr: ranked.fpr_at_95_tpr,
        oscr: ranked.oscr,
        macro_f1: decided.macro_f1,
        f1_unknown: decided.f1_unknown,
    })
}

fn table(lines: &[Line], args: &DetectorsArgs) -> String {
    let width = lines
        .iter()
        .map(|line| line.outliers.len())
        .max()
        .unwrap_or(0)
        .max(8);
    let first = lines.iter().map(|line| line.detector.len());
    let first = first.max().unwrap_or(0).max(19);
    let mut text = format!(
        "thresholds keep {:.0} % of the held-out known samples; no outlier was used to set any\n\n\
         {:first$}  {:width$}   AUROC    AUPR  FPR@95TPR    OSCR  macro F1  F1 unknown\n",
        100.0 * args.keep_known,
        "detector",
        "outliers",
    );
    for line in lines {
        writeln!(
            text,
            "{:first$}  {:width$}  {:.4}  {:.4}  {:9.4}  {:.4}  {:8.4}  {:10.4}",
            line.detector,
            line.outliers,
            line.auroc,
            line.aupr_unknown,
            line.fpr_at_95_tpr,
            line.oscr,
            line.macro_f1,
            line.f1_unknown
        )
        .ok();
    }
    text
}

pub(super) fn run(args: &DetectorsArgs) -> Result<()> {
    if !(args.keep_known > 0.0 && args.keep_known < 1.0) {
        return Err(CliError::usage(format!(
            "--keep-known {}: above 0 and below 1",
            args.keep_known
        )));
    }
    let sets = Sets::read(&args.features)?;
    let all = || {
        let mut names: Vec<String> = Baseline::ALL.iter().map(ToString::to_string).collect();
        if sets.train.features.dim == sets.n_classes {
            names.retain(|name| name != "vim");
        }
        names.extend([OPENMAX_LOGITS, CROSR].map(str::to_owned));
        if sets.train.features.reconstruction_errors.is_some() {
            names.push(EVIDENCE.to_owned());
        } else {
            names.retain(|name| name != "reconstruction");
        }
        names
    };
    let names = if args.detectors.is_empty() {
        all()
    } else {
        args.detectors.clone()
    };
    let mut lines = Vec::new();
    let mut progress = Progress::new("detectors", names.len());
    for name in &names {
        let detector = FittedDetector::new(name, &sets, args)?;
        let held_out = detector.scores(&sets, &sets.held_out)?;
        let keep = assured_part(args.keep_known, held_out.len());
        let threshold = score_keeping(held_out, keep)
            .map_err(|e| CliError::usage(format!("--keep-known: {e}")))?;
        let known = detector.scores(&sets, &sets.known)?;
        for outliers in &sets.outliers {
            let unknown = detector.scores(&sets, outliers)?;
            lines.push(line(name, &sets, outliers, threshold, (&known, &unknown))?);
        }
        progress.advance(1, || name.clone());
    }
    drop(progress);
    if args.json {
        output::json(&lines)
    } else {
        output::text(&table(&lines, args))
    }
}
