//! What no compiler checks: Markdown that names things which are gone, files that grew too long,
//! crates without a page, `unsafe` where it does not belong.

mod commands;
mod markdown;
mod source;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use self::commands::Known;
use crate::ui;

/// Folders that are no part of the sources.
const SKIPPED: &[&str] = &["target", "runs"];

/// What tidy found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) faults: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// Checks the workspace in `root`.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let found = check(root)?;
    for warning in &found.warnings {
        ui::error(&format!("warning: {warning}"));
    }
    for fault in &found.faults {
        ui::error(fault);
    }
    if !found.faults.is_empty() {
        bail!("tidy: {} faults", found.faults.len());
    }
    Ok(())
}

/// Every finding in the workspace in `root`.
pub(crate) fn check(root: &Path) -> anyhow::Result<Findings> {
    let known = Known::of(root)?;
    let mut found = Findings::default();
    for path in files(root)? {
        let shown = crate::shown(root, &path);
        let read = || fs::read_to_string(&path).with_context(|| shown.clone());
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => source::check(&shown, &read()?, &mut found),
            Some("md") => {
                let folder = path.parent().unwrap_or(root);
                found
                    .faults
                    .extend(markdown::check(&shown, &read()?, root, folder, &known));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// All files of the sources, sorted. Downloaded data, build output and hidden folders are none.
fn files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry.with_context(|| folder.display().to_string())?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if !entry.file_type()?.is_dir() {
                found.push(path);
            } else if !name.starts_with('.')
                && !SKIPPED.contains(&name.as_str())
                && path != root.join("data")
            {
                folders.push(path);
            }
        }
    }
    found.extend(Some(root.join("data/README.md")).filter(|path| path.is_file()));
    found.sort();
    Ok(found)
}
