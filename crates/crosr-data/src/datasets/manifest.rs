//! Pictures listed in a CSV file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::folder::ImageFolder;
use crate::error::{DataError, Result};
use crate::formats::{malformed, open};

/// A CSV file with a picture a line: its path, and its class.
///
/// Paths are relative to the file's own folder. A first line of `path,label` names the columns, in
/// any order and among others; without it they are the first and the second. Pictures whose label
/// is empty, or all where there is no second column, belong to no class: outliers.
#[derive(Clone, Debug)]
pub struct Manifest;

impl Manifest {
    /// Reads the list; pictures are opened when a sample is asked for.
    ///
    /// Classes are sorted by name, numbers by value.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Io`], [`DataError::Malformed`] naming a line that is
    /// no CSV or lacks a path, [`DataError::NoPictures`] for an empty list.
    pub fn open(path: &Path) -> Result<ImageFolder> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let entries = entries(path)?;
        let labels: BTreeSet<&str> = entries
            .iter()
            .filter_map(|(_, label)| label.as_deref())
            .collect();
        let mut names: Vec<String> = labels.into_iter().map(str::to_owned).collect();
        if let Ok(mut numbered) = names
            .iter()
            .map(|name| Ok((name.parse::<i64>()?, name.clone())))
            .collect::<std::result::Result<Vec<_>, std::num::ParseIntError>>()
        {
            numbered.sort();
            names = numbered.into_iter().map(|(_, name)| name).collect();
        }
        let places: std::collections::HashMap<&str, usize> = names
            .iter()
            .enumerate()
            .map(|(place, name)| (name.as_str(), place))
            .collect();
        let files = entries
            .iter()
            .map(|(file, label)| {
                let label = label
                    .as_deref()
                    .and_then(|label| places.get(label).copied());
                (folder.join(file), label)
            })
            .collect();
        Ok(ImageFolder::labelled(names, files))
    }
}

/// Paths and labels, in the file's order.
fn entries(path: &Path) -> Result<Vec<(PathBuf, Option<String>)>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(open(path)?);
    let (mut file_column, mut label_column) = (0, 1);
    let mut entries = Vec::new();
    for (position, record) in reader.records().enumerate() {
        let record = record.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(source) => DataError::unreadable(path, source),
            csv::ErrorKind::Utf8 { pos, .. } => {
                let line = pos.map_or(0, |at| at.line());
                malformed(path, format!("line {line}: no text in UTF-8"))
            }
            other => malformed(path, format!("{other:?}")),
        })?;
        if position == 0 {
            let column = |wanted: &str| {
                record
                    .iter()
                    .position(|name| name.eq_ignore_ascii_case(wanted))
            };
            if let Some(column_of_path) = column("path") {
                file_column = column_of_path;
                label_column = column("label").unwrap_or(usize::MAX);
                continue;
            }
        }
        let Some(file) = record.get(file_column).filter(|file| !file.is_empty()) else {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(malformed(path, format!("line {line}: no path")));
        };
        let label = record.get(label_column).filter(|label| !label.is_empty());
        entries.push((PathBuf::from(file), label.map(str::to_owned)));
    }
    if entries.is_empty() {
        return Err(DataError::NoPictures {
            path: path.to_owned(),
        });
    }
    Ok(entries)
}
