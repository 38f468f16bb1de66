//! `crosr sweep`: many settings of OpenMax on the same features, ranked.

mod heat;
mod settings;
mod table;

use std::path::Path;

use crosr_eval::Contest;
use crosr_openmax::{
    CheckedSweepParams, Standing, Sweep, SweepSamples, SweepSetting, Verdict, assured_part,
    standing_threshold_keeping,
};
use serde::Serialize;

use self::settings::{Epsilon, Grid, Line, SetFigures};
use super::sets::{Set, Sets};
use crate::args::SweepArgs;
use crate::error::{CliError, Result};
use crate::output;
use crate::run_folder::write_atomically;
use crate::source::name_and_place;

/// A distance and a tail size without a model.
#[derive(Debug, Serialize)]
struct Skipped {
    pooling: Option<String>,
    distance: String,
    tail: usize,
    reason: String,
}

/// What a sweep found, in the order of the ranking.
#[derive(Debug, Serialize)]
struct Report {
    ranked_by: String,
    /// The outlier sets whose mean figure ranks.
    ranked_on: Vec<String>,
    known_samples: usize,
    /// Part of the held-out samples that calibrated thresholds keep.
    keep_known: f64,
    settings: Vec<Line>,
    skipped: Vec<Skipped>,
}

/// `NAME=DIR`, or a folder alone.
fn named_folder(text: &str) -> Result<(Option<&str>, &Path)> {
    if !text.contains('=') || Path::new(text).is_dir() {
        return Ok((None, Path::new(text)));
    }
    let (name, place) = name_and_place("--features", text)?;
    Ok((Some(name), Path::new(place)))
}

/// A set, made ready to be scored under every setting.
fn ready<'a>(sweep: &Sweep, set: &'a Set) -> Result<SweepSamples<'a>> {
    sweep
        .samples(&set.features.rows)
        .map_err(|e| CliError::file(&set.path, e.to_string()))
}

/// The features of one folder, to be judged under every setting.
struct Folder<'a> {
    pooling: Option<&'a str>,
    sets: &'a Sets,
    /// One for each outlier set.
    contests: Vec<Contest>,
    grid: &'a Grid,
}

impl<'a> Folder<'a> {
    fn new(pooling: Option<&'a str>, sets: &'a Sets, grid: &'a Grid) -> Result<Self> {
        let Set {
            truths, predicted, ..
        } = &sets.known;
        let contests = sets.outliers.iter().map(|set| {
            let outliers = set.features.len();
            Contest::new(sets.n_classes, truths, predicted, outliers)
        });
        Ok(Self {
            pooling,
            sets,
            contests: contests.collect::<std::result::Result<_, _>>()?,
            grid,
        })
    }

    /// Every setting on these features, in the order tried.
    fn sweep(&self, params: &CheckedSweepParams) -> Result<(Vec<Line>, Vec<Skipped>)> {
        let Set {
            path,
            features,
            truths,
            ..
        } = &self.sets.train;
        let sweep = params
            .fit(self.sets.n_classes, &features.rows, features.dim, truths)
            .map_err(|e| CliError::file(path, e.to_string()))?;
        let samples = [&self.sets.held_out, &self.sets.known]
            .into_iter()
            .chain(&self.sets.outliers)
            .map(|set| ready(&sweep, set))
            .collect::<Result<Vec<_>>>()?;
        let samples: Vec<&SweepSamples<'_>> = samples.iter().collect();
        let lines = sweep.score_each(&samples, |setting, standings| {
            let (&[held_out, known], outliers) = standings.split_at(2) else {
                return Ok(Vec::new());
            };
            self.lines(setting, held_out, known, outliers)
        })?;
        let lines = lines.into_iter().collect::<Result<Vec<_>>>()?.concat();
        let skipped = sweep.failures().iter().map(|failure| Skipped {
            pooling: self.pooling.map(str::to_owned),
            distance: failure.distance.to_string(),
            tail: failure.tail_size,
            reason: failure.error.to_string(),
        });
        Ok((lines, skipped.collect()))
    }

    /// One setting at every threshold.
    fn lines(
        &self,
        setting: SweepSetting,
        held_out: &[Standing],
        known: &[Standing],
        outliers: &[&[Standing]],
    ) -> Result<Vec<Line>> {
        let mut ranked = Vec::with_capacity(outliers.len());
        for (outliers, contest) in outliers.iter().zip(&self.contests) {
            let standings = [known, outliers].concat();
            let scores: Vec<f64> = standings.iter().map(|s| s.unknown).collect();
            ranked.push((standings, contest.ranked(&scores)?));
        }
        let line = |&rule: &Epsilon| {
            let epsilon = match rule {
                Epsilon::Fixed(epsilon) => epsilon,
                Epsilon::Calibrated => {
                    let keep = assured_part(self.grid.keep_known, held_out.len());
                    standing_threshold_keeping(held_out, keep)
                        .map_err(|e| CliError::usage(format!("--keep-known: {e}")))?
                }
            };
            let mut figures = Vec::with_capacity(ranked.len());
            let sets = self.contests.iter().zip(&self.sets.outliers);
            for ((standings, ranked), (contest, set)) in ranked.iter().zip(sets) {
                let verdicts: Vec<Option<usize>> = standings
                    .iter()
                    .map(|standing| match standing.verdict(epsilon) {
                        Verdict::Known(class) => Some(class),
                        Verdict::Unknown => None,
                    })
                    .collect();
                figures.push(SetFigures {
                    name: set.name.clone(),
                    ranked: *ranked,
                    decided: contest.decided(&verdicts)?,
                });
            }
            Ok(Line::new(
                self.pooling,
                setting,
                (epsilon, rule == Epsilon::Calibrated),
                self.grid.score(&figures),
                figures,
            ))
        };
        self.grid.epsilons.iter().map(line).collect()
    }
}

pub(super) fn run(args: &SweepArgs) -> Result<()> {
    let (params, mut grid) = settings::resolve(args)?;
    let folders = args
        .features
        .iter()
        .map(|text| named_folder(text))
        .collect::<Result<Vec<_>>>()?;
    if folders.len() > 1 && folders.iter().any(|(name, _)| name.is_none()) {
        return Err(CliError::usage(
            "--features: several folders are told apart by name, NAME=DIR each",
        ));
    }
    let mut report = Report {
        ranked_by: grid.rank_by.field().to_owned(),
        ranked_on: Vec::new(),
        known_samples: 0,
        keep_known: grid.keep_known,
        settings: Vec::new(),
        skipped: Vec::new(),
    };
    let mut names: Option<Vec<String>> = None;
    for (pooling, folder) in folders {
        let sets = Sets::read(folder)?;
        let found: Vec<String> = sets.outliers.iter().map(|set| set.name.clone()).collect();
        match &names {
            None => {
                report.ranked_on = grid.rank_on(args.rank_on.as_deref(), &found)?;
                report.known_samples = sets.known.features.len();
                names = Some(found);
            }
            Some(names) if *names != found => {
                return Err(CliError::file(
                    folder,
                    format!(
                        "outlier sets {}, those before are {}",
                        found.join(", "),
                        names.join(", ")
                    ),
                ));
            }
            Some(_) => {}
        }
        let (lines, skipped) = Folder::new(pooling, &sets, &grid)?.sweep(&params)?;
        report.settings.extend(lines);
        report.skipped.extend(skipped);
    }
    if report.settings.is_empty() {
        let reason = report.skipped.first().map_or("", |skipped| &skipped.reason);
        return Err(CliError::usage(format!("--tails: {reason}")));
    }
    if let Some(path) = &args.svg {
        let svg = heat::map(&report.settings, args)?;
        write_atomically(path, svg.as_bytes())?;
    }
    grid.rank(&mut report.settings);
    if args.json {
        output::json(&report)
    } else {
        output::text(&table::text(&report, args))
    }
}
