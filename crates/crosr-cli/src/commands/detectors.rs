//! `crosr detectors`: every detector on the same features, in one table.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crosr_eval::{Baseline, ConfusionMatrix, Detector, FeatureTable, Oscr, Ranking};
use crosr_openmax::{
    Distance, Evidence, EvidenceModel, EvidenceParams, OpenMax, OpenMaxParams, Recalibration,
    closed_set_class, score_keeping,
};
use serde::Serialize;

use super::fit::recalibration;
use crate::args::DetectorsArgs;
use crate::error::{CliError, Result};
use crate::formats::features::{Features, read_features};
use crate::output;
use crate::progress::Progress;

/// Detectors of crosr-openmax, beside the baselines of crosr-eval.
const OPENMAX_LOGITS: &str = "openmax-logits";
const CROSR: &str = "crosr";
const EVIDENCE: &str = "evidence";

/// A features file with what all detectors are judged by.
struct Set {
    name: String,
    path: PathBuf,
    features: Features,
    /// True classes; K for outliers.
    truths: Vec<usize>,
    /// Classes with the largest logit.
    predicted: Vec<usize>,
}

/// All sets of a folder.
struct Sets {
    n_classes: usize,
    train: Set,
    held_out: Set,
    known: Set,
    outliers: Vec<Set>,
}

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

fn set(folder: &Path, name: &str, n_classes: Option<usize>, outliers: bool) -> Result<Set> {
    let path = folder.join(format!("{name}.safetensors"));
    let features = read_features(&path)?;
    let n_classes = n_classes
        .or_else(|| features.labelled_classes())
        .ok_or_else(|| CliError::file(&path, "no label names a class"))?;
    if features.dim < n_classes {
        return Err(CliError::file(
            &path,
            format!("vectors of length {}, {n_classes} classes", features.dim),
        ));
    }
    let truths = if outliers {
        vec![n_classes; features.len()]
    } else {
        features.classes(n_classes, &path)?
    };
    let rows = features.rows.chunks_exact(features.dim);
    Ok(Set {
        name: name.to_owned(),
        predicted: rows.map(|row| closed_set_class(row, n_classes)).collect(),
        path,
        features,
        truths,
    })
}

impl Sets {
    fn read(folder: &Path) -> Result<Self> {
        let train = set(folder, "train", None, false)?;
        let n_classes = train.truths.iter().max().map_or(0, |highest| highest + 1);
        let entries = std::fs::read_dir(folder).map_err(CliError::io(folder, "read"))?;
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(CliError::io(folder, "read"))?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            match name {
                Some("train" | "held-out" | "known") => {}
                Some(name) if path.extension().is_some_and(|e| e == "safetensors") => {
                    names.push(name.to_owned());
                }
                _ => {}
            }
        }
        names.sort();
        if names.is_empty() {
            return Err(CliError::file(
                folder,
                "no outlier set beside train, held-out and known; `crosr eval --features-out` \
                 writes them",
            ));
        }
        let known = |name| set(folder, name, Some(n_classes), false);
        let outliers = names
            .iter()
            .map(|name| set(folder, name, Some(n_classes), true));
        let sets = Self {
            held_out: known("held-out")?,
            known: known("known")?,
            outliers: outliers.collect::<Result<_>>()?,
            n_classes,
            train,
        };
        let dim = sets.train.features.dim;
        let rest = [&sets.held_out, &sets.known];
        for set in rest.into_iter().chain(&sets.outliers) {
            if set.features.dim != dim {
                return Err(CliError::file(
                    &set.path,
                    format!("vectors of length {}, {dim} in training", set.features.dim),
                ));
            }
        }
        Ok(sets)
    }

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
    let scores = [known_scores, unknown_scores].concat();
    let both = |part: fn(&Set) -> &Vec<usize>| [&part(&sets.known)[..], part(outliers)].concat();
    let (truths, predicted) = (both(|set| &set.truths), both(|set| &set.predicted));
    let unknown: Vec<bool> = truths
        .iter()
        .map(|&truth| truth == sets.n_classes)
        .collect();
    let ranking = Ranking::new(&scores, &unknown)?;
    let correct: Vec<bool> = truths.iter().zip(&predicted).map(|(t, p)| t == p).collect();
    let knownness: Vec<f64> = scores.iter().map(|score| -score).collect();
    let verdicts: Vec<usize> = scores
        .iter()
        .zip(&predicted)
        .map(|(&score, &class)| {
            if score > threshold {
                sets.n_classes
            } else {
                class
            }
        })
        .collect();
    let confusion = ConfusionMatrix::new(&truths, &verdicts, sets.n_classes + 1)?;
    Ok(Line {
        detector: detector.to_owned(),
        outliers: outliers.name.clone(),
        auroc: ranking.auroc(),
        aupr_unknown: ranking.average_precision(),
        fpr_at_95_tpr: ranking.fpr_at_tpr(0.95),
        oscr: Oscr::new(&knownness, &correct, &unknown)?.area(),
        macro_f1: confusion.macro_average().f1,
        f1_unknown: confusion.class(sets.n_classes).f1,
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
        let threshold = score_keeping(held_out, args.keep_known)
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
