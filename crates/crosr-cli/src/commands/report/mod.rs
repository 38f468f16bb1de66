//! `crosr report`: the page of an evaluation, with its figures as files.

pub(super) mod facts;
mod gather;
mod pictures;
mod raster;
mod tails;

use std::fs;
use std::path::Path;

use crosr_eval::{Figure, RunReport};
use rayon::prelude::*;

use self::raster::Rasteriser;
use crate::args::ReportArgs;
use crate::error::{CliError, Result};
use crate::output;
use crate::run_folder::{RunFolder, read, write_atomically};

pub(super) use self::gather::{Material, RECORDED_TAIL, gather, recorded_tails};

/// Writes the page.
pub(super) fn write_page(report: &RunReport, path: &Path) -> Result<()> {
    write_html(&report.page()?, path)
}

/// Writes any page.
pub(super) fn write_html(page: &crosr_eval::Page, path: &Path) -> Result<()> {
    let mut html = Vec::new();
    page.write_html(&mut html)
        .map_err(CliError::io(path, "write"))?;
    write_atomically(path, &html)
}

/// Leaves in a run folder what the page is drawn from, the page, and every figure.
pub(super) fn leave_in(run: &RunFolder, report: &RunReport) -> Result<()> {
    let path = run.report_values();
    let json = serde_json::to_vec(report)
        .map_err(|e| CliError::file(&path, format!("cannot record the report: {e}")))?;
    write_atomically(&path, &json)?;
    draw_in(run, report, &run.report())
}

fn draw_in(run: &RunFolder, report: &RunReport, path: &Path) -> Result<()> {
    let page = report.page()?;
    write_html(&page, path)?;
    write_figures(&run.figures(), page.figures())
}

fn write_figures(folder: &Path, figures: &[Figure]) -> Result<()> {
    let rasteriser = Rasteriser::new();
    figures.par_iter().try_for_each(|figure| {
        let path = folder.join(format!("{}.svg", figure.name));
        write_atomically(&path, figure.svg.as_bytes())?;
        let path = path.with_extension("png");
        let png = rasteriser
            .png(&figure.svg)
            .map_err(|what| CliError::file(&path, what))?;
        write_atomically(&path, &png)
    })?;
    remove_stale(folder, figures);
    Ok(())
}

/// Takes away figures of sets and classes that there are no longer. One that cannot be removed
/// does no harm.
fn remove_stale(folder: &Path, figures: &[Figure]) {
    let family = |stem: &str| {
        stem.trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned()
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
            continue;
        };
        let numbered = stem.ends_with(|c: char| c.is_ascii_digit());
        let ours = figures.iter().any(|f| family(&f.name) == family(stem));
        if numbered && ours && figures.iter().all(|f| f.name != stem) {
            fs::remove_file(&path).ok();
        }
    }
}

pub(super) fn run(args: &ReportArgs) -> Result<()> {
    let run = RunFolder::new(&args.run);
    let path = run.report_values();
    if !path.is_file() {
        return Err(CliError::file(
            &path,
            format!(
                "no evaluation to report here; run `crosr eval --run {}` first",
                args.run.display()
            ),
        ));
    }
    let report: RunReport = serde_json::from_slice(&read(&path)?)
        .map_err(|e| CliError::file(&path, format!("not the values of a report: {e}")))?;
    let out = args.out.clone().unwrap_or_else(|| run.report());
    draw_in(&run, &report, &out).map_err(|e| match e {
        CliError::Eval(e) => CliError::file(&path, e.to_string()),
        other => other,
    })?;
    output::text(&format!("{}\n", out.display()))
}
