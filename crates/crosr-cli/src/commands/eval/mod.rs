//! `crosr eval`.

mod judging;
mod on_features;
mod scores;

use std::path::Path;
use std::sync::Arc;

use crosr_data::Dataset;
use crosr_eval::{Evaluation, OutlierSet, RunReport, evaluate};
use serde::Serialize;

use self::judging::Config;
use self::on_features::on_features;
use self::scores::scores_csv;
use super::altered::{self, AlteredLine};
use super::fitted::Fitted;
use super::report::{Material, facts, gather, leave_in, write_page};
use super::scoring::features_of;
use super::train::source_of;
use crate::args::{DatasetName, EvalArgs, TrainArgs};
use crate::error::{CliError, Result};
use crate::formats::features::write_features;
use crate::formats::openset::OpenSet;
use crate::output;
use crate::run_folder::{RunFolder, with_config, write_atomically};
use crate::source::{NamedOutliers, Source, outliers};

pub(super) use self::judging::{Judged, Rule, judge, rule};

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
