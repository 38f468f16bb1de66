//! `crosr compare`: evaluated runs side by side.

use std::path::Path;

use crosr_eval::{Comparison, Evaluation, NamedEvaluation};
use serde_json::Value;

use super::report::{facts, write_html};
use crate::args::{CompareArgs, TrainArgs};
use crate::error::{CliError, Result};
use crate::output;
use crate::run_folder::{RunFolder, read};

pub(super) fn run(args: &CompareArgs) -> Result<()> {
    let runs = args.runs.iter().map(|path| evaluated(path));
    let comparison = Comparison {
        runs: runs.collect::<Result<_>>()?,
    };
    if let Some(path) = &args.report {
        write_html(&comparison.page(), path)?;
    }
    if args.json {
        return output::json(&comparison);
    }
    let mut text = Vec::new();
    comparison
        .write_table(&mut text)
        .map_err(CliError::Output)?;
    output::text(&String::from_utf8_lossy(&text))
}

/// The evaluation that a run folder holds.
fn evaluated(folder: &Path) -> Result<NamedEvaluation> {
    let run = RunFolder::new(folder);
    let path = run.metrics();
    if !path.is_file() {
        return Err(CliError::file(
            &path,
            format!(
                "this run has not been evaluated; run `crosr eval --run {}` first",
                folder.display()
            ),
        ));
    }
    let unreadable =
        |e: serde_json::Error| CliError::file(&path, format!("not an evaluation: {e}"));
    let content = read(&path)?;
    let evaluation: Evaluation = serde_json::from_slice(&content).map_err(unreadable)?;
    let value: Value = serde_json::from_slice(&content).map_err(unreadable)?;
    // A run that others trained has no record of it.
    let train = run.recorded::<TrainArgs>("train").ok();
    let mut found = train.map_or(Vec::new(), |train| facts::of_training(&train));
    found.extend(facts::of_choices(&value["config"]));
    Ok(NamedEvaluation {
        name: folder.display().to_string(),
        facts: found,
        evaluation,
    })
}
