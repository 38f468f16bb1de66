//! Fitting to a features file, which need not fit into memory.

use std::path::{Path, PathBuf};

use crosr_openmax::{MeanAccumulator, OpenMaxError, TailAccumulator};

use super::params;
use crate::args::{FitArgs, ViewsName};
use crate::commands::report::RECORDED_TAIL;
use crate::commands::scoring::naming_class;
use crate::error::{CliError, Result};
use crate::formats::features::{FeaturesFile, classes_up_to};
use crate::formats::openset::OpenSet;
use crate::progress::Progress;
use crate::run_folder::write_atomically;

/// Bytes of vectors in memory at a time.
const BLOCK: usize = 1 << 22;

/// Fits to the samples of a features file whose largest logit is that of their label; goes over
/// them twice, once for the means and once for the distances from them.
pub(super) fn fit_features(path: &Path, choices: &FitArgs) -> Result<(OpenSet, PathBuf)> {
    let out = choices
        .out
        .clone()
        .ok_or_else(|| CliError::usage("--features needs --out FILE"))?;
    let params = params(choices)?;
    let file = FeaturesFile::open(path)?;
    let n_classes = classes(&file, choices)?;
    let class_names: Vec<String> = (0..n_classes)
        .map(|class| format!("class {class}"))
        .collect();
    let named =
        |e: OpenMaxError, first: usize| match naming_class(e.with_first_row(first), &class_names) {
            CliError::OpenMax(e) => CliError::file(path, e.to_string()),
            other => other,
        };
    let mut means = MeanAccumulator::new(n_classes, file.dim());
    pass("means", &file, n_classes, |rows, labels, first| {
        means
            .push_correct(rows, labels)
            .map_err(|e| named(e, first))
    })?;
    let mavs = means.finish().map_err(|e| named(e, 0))?;
    let mut tails = params.tail_accumulator(n_classes);
    let mut recorded = TailAccumulator::new(n_classes, RECORDED_TAIL);
    let distance = params.distance();
    pass("distances", &file, n_classes, |rows, labels, first| {
        let tails = tails.push_correct(&mavs, distance, rows, labels);
        let recorded = recorded.push_correct(&mavs, distance, rows, labels);
        tails.and(recorded).map_err(|e| named(e, first))
    })?;
    let (model, _) = params.finish(mavs, &tails).map_err(|e| named(e, 0))?;
    let openset = OpenSet {
        model,
        class_names,
        pooling: None,
        views: ViewsName::Single,
        keeps_dropout: false,
        calibration: None,
        evidence: None,
        tails: (0..n_classes).map(|class| recorded.tail(class)).collect(),
    };
    write_atomically(&out, &openset.to_bytes(&out)?)?;
    Ok((openset, out))
}

/// The number of classes asked for, or that the labels speak of.
fn classes(file: &FeaturesFile, choices: &FitArgs) -> Result<usize> {
    let wrong = |what: String| Err(CliError::file(file.path(), what));
    let labels = file.labels()?;
    let named = labels.last().copied().and_then(classes_up_to);
    let Some(n_classes) = choices.classes.or(named) else {
        return wrong("no label names a class; fitting needs known samples".to_owned());
    };
    if n_classes > file.dim() {
        return wrong(format!(
            "{n_classes} classes, but vectors of length {} only",
            file.dim()
        ));
    }
    // Before sums are allocated: with a sample of every class they take no more than a fixed
    // multiple of the file.
    let absent = (0..n_classes).find(|&class| {
        let label = i64::try_from(class);
        label.is_ok_and(|label| !labels.contains(&label))
    });
    match absent {
        Some(class) => wrong(format!("there is no sample of class {class}")),
        None => Ok(n_classes),
    }
}

/// Goes over the file once: vectors, classes and the place of the first vector, block by block.
fn pass(
    title: &str,
    file: &FeaturesFile,
    n_classes: usize,
    mut see: impl FnMut(&[f32], &[usize], usize) -> Result<usize>,
) -> Result<()> {
    let mut progress = Progress::new(title, file.len()).of("vectors");
    let rows = (BLOCK / (4 * file.dim())).max(1);
    for block in file.blocks(rows)? {
        let block = block?;
        let labels = block.classes(n_classes, file.path())?;
        see(&block.rows, &labels, block.first)?;
        progress.advance(labels.len(), String::new);
    }
    Ok(())
}
