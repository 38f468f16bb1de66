//! `crosr eval`.

mod scores;

use std::path::Path;
use std::sync::Arc;

use crosr_data::Dataset;
use crosr_eval::{Evaluation, OutlierSet, RunReport, ScoredSample, evaluate};
use crosr_openmax::{EvidenceReading, Recalibrated, Recalibration};
use serde::Serialize;

use self::scores::scores_csv;
use super::altered::{self, AlteredLine};
use super::fit::recalibration;
use super::fitted::Fitted;
use super::report::{Material, facts, gather, leave_in, write_page};
use super::scoring::{features_of, recalibrated, scored};
use super::train::source_of;
use crate::args::{DatasetName, EvalArgs, Preset, TrainArgs};
use crate::error::{CliError, Result};
use crate::formats::features::{Features, read_features, write_features};
use crate::formats::openset::OpenSet;
use crate::output;
use crate::run_folder::{RunFolder, read, with_config, write_atomically};
use crate::source::{NamedOutliers, Source, name_and_place, outliers};

/// The evaluation object of the machine-readable contract.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) evaluation: Evaluation,
    /// Known pictures, altered, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    altered: Vec<AlteredLine>,
    config: Config,
}

/// How the samples were judged.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Config {
    softmax: String,
    alpha: usize,
    epsilon: f64,
    distance: String,
    tail: Vec<usize>,
    /// What decided, where it was not the recalibrated probabilities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_known: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pooling: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    version: &'static str,
}

/// A set of samples under its name, as the model judged them.
pub(super) struct Judged {
    pub(super) name: String,
    pub(super) recalibrated: Vec<Recalibrated>,
    /// The strongest evidence of each, where evidence decided.
    pub(super) strongest: Vec<Option<EvidenceReading>>,
    pub(super) scored: Vec<ScoredSample>,
    pub(super) features: Features,
    /// The pictures, where there are any.
    pub(super) data: Option<Arc<dyn Dataset>>,
}

/// How samples are judged.
pub(super) struct Rule {
    recalibration: Recalibration,
    /// Whether evidence decides, or the recalibrated probabilities alone.
    evidence: bool,
}

/// What the model says of features; `origin` is named in errors.
pub(super) fn judge(
    name: &str,
    features: Features,
    truths: impl IntoIterator<Item = Option<usize>>,
    openset: &OpenSet,
    rule: &Rule,
    origin: &Path,
) -> Result<Judged> {
    let mut recalibrated = recalibrated(&openset.model, &features, &rule.recalibration, origin)?;
    let mut strongest = vec![None; recalibrated.len()];
    if let Some(evidence) = openset.evidence.as_ref().filter(|_| rule.evidence) {
        let judgements = evidence
            .judge(&openset.model, features.evidence())
            .map_err(|e| CliError::file(origin, e.to_string()))?;
        for ((sample, strongest), judgement) in
            recalibrated.iter_mut().zip(&mut strongest).zip(judgements)
        {
            sample.probabilities = judgement.probabilities;
            sample.verdict = judgement.verdict;
            let readings = judgement.evidence.into_iter();
            *strongest = readings.max_by(|a, b| a.share.total_cmp(&b.share));
        }
    }
    let scored = scored(&recalibrated, truths);
    Ok(Judged {
        name: name.to_owned(),
        recalibrated,
        strongest,
        scored,
        features,
        data: None,
    })
}

/// Choices of the recalibration: flags first, then what the fit was calibrated for.
pub(super) fn rule(flags: &EvalArgs, openset: &OpenSet) -> Result<(Rule, Config)> {
    let reference = flags.preset == Some(Preset::Reference);
    let fitted = openset.calibration.as_ref().filter(|_| !reference);
    let softmax = flags
        .softmax
        .clone()
        .or_else(|| fitted.map(|c| c.softmax.clone()))
        .unwrap_or_else(|| "first".to_owned());
    let alpha = flags.alpha.or(fitted.map(|c| c.alpha)).unwrap_or(10);
    let applies = fitted.filter(|c| c.softmax == softmax && c.alpha == alpha);
    let epsilon = flags.epsilon.or(applies.map(|c| c.epsilon));
    let paper = flags.preset == Some(Preset::Paper);
    if paper && epsilon.is_none() {
        return Err(CliError::usage(format!(
            "--preset paper: no threshold was calibrated for softmax {softmax} and alpha {alpha}; \
             fit a run with held-out data, or give --epsilon"
        )));
    }
    let epsilon = epsilon.unwrap_or(0.0);
    // Who names a setting of OpenMax wants OpenMax.
    let asked = flags.softmax.is_some() || flags.alpha.is_some() || flags.epsilon.is_some();
    let evidence = openset
        .evidence
        .as_ref()
        .filter(|_| !reference && !paper && !asked);
    let params = evidence.map(|model| model.params());
    let config = Config {
        softmax: softmax.clone(),
        alpha,
        epsilon,
        distance: openset.model.distance().to_string(),
        tail: openset
            .model
            .weibulls()
            .iter()
            .map(|w| w.tail_size())
            .collect(),
        evidence: params
            .iter()
            .flat_map(|params| params.evidence())
            .map(|kind| kind.name())
            .collect(),
        keep_known: params.map(|params| params.keep_known()),
        pooling: openset.pooling.clone(),
        run: None,
        version: env!("CARGO_PKG_VERSION"),
    };
    let rule = Rule {
        recalibration: recalibration(Some(&softmax), Some(alpha), epsilon)?,
        evidence: evidence.is_some(),
    };
    Ok((rule, config))
}

fn report(
    openset: &OpenSet,
    known: &Judged,
    outliers: &[Judged],
    config: Config,
) -> Result<Report> {
    let sets: Vec<OutlierSet<'_>> = outliers
        .iter()
        .map(|set| OutlierSet {
            name: &set.name,
            samples: &set.scored,
        })
        .collect();
    Ok(Report {
        evaluation: evaluate(&openset.class_names, &known.scored, &sets)?,
        altered: Vec::new(),
        config,
    })
}

impl Report {
    /// The table for a terminal.
    pub(super) fn table(&self) -> Result<String> {
        let mut text = Vec::new();
        self.evaluation
            .write_table(&mut text)
            .map_err(CliError::Output)?;
        let mut text = String::from_utf8_lossy(&text).into_owned();
        if !self.altered.is_empty() {
            text.push_str(&altered::table(&self.altered));
        }
        Ok(text)
    }

    /// The values of the HTML report.
    fn page(
        &self,
        openset: &OpenSet,
        fitted: Option<&Fitted>,
        judged: &[Judged],
        rule: &Rule,
        more: Vec<(String, String)>,
    ) -> Result<RunReport> {
        let what = self.config.run.as_deref().unwrap_or("features");
        let choices = serde_json::to_value(&self.config).unwrap_or_default();
        let mut facts = vec![("evaluated on".to_owned(), described(judged))];
        facts.extend(more);
        facts.extend(fitted.map_or(Vec::new(), facts::of_network));
        facts.extend(facts::of_choices(&choices));
        facts.extend(facts::now());
        gather(Material {
            title: format!("Open-set evaluation of {what}"),
            facts,
            openset,
            recalibration: &rule.recalibration,
            evidence: self
                .config
                .evidence
                .iter()
                .map(ToString::to_string)
                .collect(),
            keep_known: self.config.keep_known,
            fitted,
            judged,
            evaluation: &self.evaluation,
        })
    }
}

/// The sets and their sizes in a line.
fn described(judged: &[Judged]) -> String {
    let set = |set: &Judged| format!("{} ({})", set.name, set.scored.len());
    judged.iter().map(set).collect::<Vec<_>>().join(", ")
}

fn on_features(flags: &EvalArgs, openset: &Path) -> Result<Report> {
    let openset = OpenSet::from_bytes(&read(openset)?, openset)?;
    let (rule, config) = rule(flags, &openset)?;
    let judged = |name: &str, path: &Path, known: bool| -> Result<Judged> {
        let features = read_features(path)?;
        let truths = if known {
            features
                .classes(openset.class_names.len(), path)?
                .into_iter()
                .map(Some)
                .collect()
        } else {
            vec![None; features.len()]
        };
        judge(name, features, truths, &openset, &rule, path)
    };
    let path = flags
        .known
        .as_deref()
        .ok_or_else(|| CliError::usage("--openset needs --known"))?;
    let known = judged("known", path, true)?;
    let outliers = flags
        .unknown
        .iter()
        .map(|text| {
            let (name, place) = name_and_place("--unknown", text)?;
            judged(name, Path::new(place), false)
        })
        .collect::<Result<Vec<_>>>()?;
    let judged: Vec<Judged> = std::iter::once(known).chain(outliers).collect();
    let report = report(&openset, &judged[0], &judged[1..], config)?;
    if let Some(path) = &flags.report {
        let given = flags.openset.as_deref().unwrap_or(path);
        let facts = vec![("open-set model".to_owned(), given.display().to_string())];
        let page = report.page(&openset, None, &judged, &rule, facts)?;
        write_page(&page, path)?;
    }
    Ok(report)
}

/// Evaluates a run and leaves `metrics.json` and `scores.csv` in it.
pub(super) fn eval_run(
    run: &RunFolder,
    flags: &EvalArgs,
    outliers: impl FnOnce(&Source, usize, u64) -> Result<Vec<NamedOutliers>>,
) -> Result<Report> {
    let recorded: TrainArgs = run.recorded("train")?;
    let fitted = Fitted::of_run(run, flags.device.as_deref())?;
    let source = source_of(&recorded, flags.data_dir.as_deref());
    let image_size = fitted.network.config().image_size;
    let sets = outliers(&source, image_size, recorded.seed.unwrap_or(0))?;
    let (mut report, judged, rule) = eval_fitted(&fitted, flags, source.test()?, sets)?;
    report.config.run = Some(run.root().display().to_string());
    let path = run.metrics();
    let json = serde_json::to_vec_pretty(&report)
        .map_err(|e| CliError::file(&path, format!("cannot record the metrics: {e}")))?;
    write_atomically(&path, &json)?;
    let csv = scores_csv(&fitted.openset.class_names, &judged);
    write_atomically(&run.scores(), csv.as_bytes())?;
    let facts = [facts::of_training(&recorded), facts::of_history(run)].concat();
    let page = report.page(&fitted.openset, Some(&fitted), &judged, &rule, facts)?;
    leave_in(run, &page)?;
    if let Some(path) = &flags.report {
        write_page(&page, path)?;
    }
    Ok(report)
}

/// Evaluates a network that comes as one file.
fn eval_pretrained(flags: &EvalArgs, name: &Path) -> Result<Report> {
    let fitted = Fitted::pretrained(name, flags.device.as_deref())?;
    let folder = flags.data_dir.as_deref().unwrap_or(Path::new("data"));
    let dataset = flags.dataset.unwrap_or(DatasetName::Cifar10);
    let mut source = Source::new(dataset, folder, 0);
    let known = &fitted.openset.class_names;
    if source.all_classes()? != *known {
        source = source.with_known(known);
    }
    let image_size = fitted.network.config().image_size;
    let sets = flags
        .outliers
        .iter()
        .map(|text| outliers(text, &source, image_size, 0))
        .collect::<Result<_>>()?;
    let (mut report, judged, rule) = eval_fitted(&fitted, flags, source.test()?, sets)?;
    report.config.run = Some(fitted.origin.display().to_string());
    if let Some(path) = &flags.report {
        let page = report.page(&fitted.openset, Some(&fitted), &judged, &rule, Vec::new())?;
        write_page(&page, path)?;
    }
    Ok(report)
}

/// The figures, the judged sets, known samples first, and how they were judged.
fn eval_fitted(
    fitted: &Fitted,
    flags: &EvalArgs,
    known: Arc<dyn Dataset>,
    outliers: Vec<NamedOutliers>,
) -> Result<(Report, Vec<Judged>, Rule)> {
    let Fitted {
        network,
        card,
        openset,
        origin,
    } = fitted;
    let pool = fitted.pooling()?;
    let (rule, config) = rule(flags, openset)?;
    let judged = |name: &str, data: Arc<dyn Dataset>, folder: Option<&Path>| -> Result<Judged> {
        let features = features_of(network, card, data.clone(), pool, name)?;
        if let Some(folder) = folder {
            write_features(folder, name, &features)?;
        }
        let labels = features.labels.iter().flatten();
        let truths: Vec<_> = labels.map(|&label| usize::try_from(label).ok()).collect();
        let judged = judge(name, features, truths, openset, &rule, origin)?;
        Ok(Judged {
            data: Some(data),
            ..judged
        })
    };
    let folder = flags.features_out.as_deref();
    let mut all = vec![judged("known", known.clone(), folder)?];
    for set in outliers {
        all.push(judged(&set.name, set.data, folder)?);
    }
    let mut report = report(openset, &all[0], &all[1..], config)?;
    report.altered = altered::lines(&flags.altered, &known, &all[0].scored, |name, data| {
        Ok(judged(name, data, None)?.scored)
    })?;
    Ok((report, all, rule))
}

pub(super) fn run(flags: &EvalArgs) -> Result<()> {
    let merged = with_config(flags, flags.config.as_deref(), "eval")?;
    let flags = EvalArgs {
        run: flags.run.clone(),
        openset: flags.openset.clone(),
        known: flags.known.clone(),
        unknown: flags.unknown.clone(),
        pretrained: flags.pretrained.clone(),
        dataset: flags.dataset,
        features_out: flags.features_out.clone(),
        report: flags.report.clone(),
        json: flags.json,
        ..merged
    };
    let report = match (&flags.run, &flags.openset, &flags.pretrained) {
        (Some(folder), ..) => {
            let run = RunFolder::open(folder)?;
            run.record("eval", &flags)?;
            eval_run(&run, &flags, |source, image_size, seed| {
                flags
                    .outliers
                    .iter()
                    .map(|text| outliers(text, source, image_size, seed))
                    .collect()
            })?
        }
        (None, Some(path), _) => on_features(&flags, path)?,
        (None, None, Some(name)) => eval_pretrained(&flags, name)?,
        (None, None, None) => {
            return Err(CliError::usage(
                "name a run with --run, weights with --pretrained, or an open-set model with --openset",
            ));
        }
    };
    if flags.json {
        output::json(&report)
    } else {
        output::text(&report.table()?)?;
        let in_run = flags.run.as_deref().map(|run| RunFolder::new(run).report());
        let written = in_run.into_iter().chain(flags.report.clone());
        let lines = written.map(|path| format!("report: {}\n", path.display()));
        output::text(&lines.collect::<String>())
    }
}
