//! Evaluation of features files.

use std::path::Path;

use crosr_eval::{EvalError, NamedBlocks, SampleBlocks, ScoredSample, evaluate_blocks};

use super::judging::{Config, Judged, Rule, judge, rule};
use super::{Report, report};
use crate::args::EvalArgs;
use crate::commands::report::write_page;
use crate::error::{CliError, Result};
use crate::formats::features::{Features, FeaturesFile, read_features};
use crate::formats::openset::OpenSet;
use crate::progress::Progress;
use crate::run_folder::read;
use crate::source::name_and_place;

/// Bytes of vectors that are judged at a time.
const BLOCK: usize = 1 << 22;

/// Bytes of probabilities that are kept at a time; many samples take 16 bytes each whatever that
/// is.
const KEPT: usize = 1 << 26;

/// A set on disk, by name.
type Place<'a> = (&'a str, &'a Path);

/// Evaluates features files, which need not fit into memory unless a report is asked for.
pub(super) fn on_features(flags: &EvalArgs, path: &Path) -> Result<Report> {
    let openset = OpenSet::from_bytes(&read(path)?, path)?;
    let (rule, config) = rule(flags, &openset)?;
    let known = flags.known.as_deref();
    let known = known.ok_or_else(|| CliError::usage("--openset needs --known"))?;
    let outliers = flags
        .unknown
        .iter()
        .map(|text| name_and_place("--unknown", text).map(|(name, at)| (name, Path::new(at))))
        .collect::<Result<Vec<Place<'_>>>>()?;
    match &flags.report {
        Some(page) => with_page(known, &outliers, &openset, &rule, config, (path, page)),
        None => in_blocks(known, &outliers, &openset, &rule, config),
    }
}

/// Evaluates a block at a time.
fn in_blocks(
    known: &Path,
    outliers: &[Place<'_>],
    openset: &OpenSet,
    rule: &Rule,
    config: Config,
) -> Result<Report> {
    let set = |(name, path): Place<'_>, known| -> Result<JudgedFile<'_>> {
        Ok(JudgedFile {
            name: name.to_owned(),
            file: FeaturesFile::open(path)?,
            known,
            openset,
            rule,
        })
    };
    let known = set(("known", known), true)?;
    let outliers = outliers.iter().map(|&place| set(place, false));
    let outliers = outliers.collect::<Result<Vec<_>>>()?;
    let sets: Vec<NamedBlocks<'_, CliError>> = outliers
        .iter()
        .map(|set| -> NamedBlocks<'_, CliError> { (&set.name, set) })
        .collect();
    let largest = outliers.iter().map(|set| set.file.len()).max();
    let samples = known.file.len() + largest.unwrap_or(0);
    let columns = (KEPT / (8 * samples.max(1))).max(2);
    Ok(Report {
        evaluation: evaluate_blocks(&openset.class_names, &known, &sets, columns)?,
        altered: Vec::new(),
        config,
    })
}

/// Evaluates with everything in memory, as the report shows samples of all kinds.
fn with_page(
    known: &Path,
    outliers: &[Place<'_>],
    openset: &OpenSet,
    rule: &Rule,
    config: Config,
    (given, page): (&Path, &Path),
) -> Result<Report> {
    let whole = |(name, path): Place<'_>, known| -> Result<Judged> {
        judged(name, read_features(path)?, known, openset, rule, path)
    };
    let mut sets = vec![whole(("known", known), true)?];
    for &place in outliers {
        sets.push(whole(place, false)?);
    }
    let report = report(openset, &sets[0], &sets[1..], config)?;
    let facts = vec![("open-set model".to_owned(), given.display().to_string())];
    write_page(&report.page(openset, None, &sets, rule, facts)?, page)?;
    Ok(report)
}

/// What the model says of features; known ones have labels.
fn judged(
    name: &str,
    features: Features,
    known: bool,
    openset: &OpenSet,
    rule: &Rule,
    path: &Path,
) -> Result<Judged> {
    let truths: Vec<Option<usize>> = if known {
        let classes = features.classes(openset.class_names.len(), path)?;
        classes.into_iter().map(Some).collect()
    } else {
        vec![None; features.len()]
    };
    judge(name, features, truths, openset, rule, path)
}

/// A features file whose samples are judged whenever they are asked for.
struct JudgedFile<'a> {
    name: String,
    file: FeaturesFile,
    known: bool,
    openset: &'a OpenSet,
    rule: &'a Rule,
}

impl SampleBlocks for JudgedFile<'_> {
    type Error = CliError;

    fn len(&self) -> usize {
        self.file.len()
    }

    fn visit(&self, see: &mut dyn FnMut(&[ScoredSample]) -> Result<(), EvalError>) -> Result<()> {
        let mut progress = Progress::new(&self.name, self.file.len()).of("vectors");
        let rows = (BLOCK / (4 * self.file.dim())).max(1);
        for block in self.file.blocks(rows)? {
            let (block, path) = (block?, self.file.path());
            let judged = judged(&self.name, block, self.known, self.openset, self.rule, path)?;
            see(&judged.scored)?;
            progress.advance(judged.scored.len(), String::new);
        }
        Ok(())
    }
}
