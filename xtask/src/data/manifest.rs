//! What a dataset consists of: every file with its SHA-256, written when it was unpacked.
//!
//! The file is in the format of `sha256sum`, with paths relative to the data folder, so
//! `sha256sum --check manifests/NAME.sha256` there says the same as `cargo xtask verify-data`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{digest, files};

/// SHA-256 by path inside the dataset's folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    sums: BTreeMap<String, String>,
}

impl Manifest {
    pub(crate) fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.sums.len()
    }

    pub(crate) fn insert(&mut self, path: &Path, sha256: String) {
        self.sums
            .insert(path.to_string_lossy().replace('\\', "/"), sha256);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.sums.extend(other.sums);
    }

    /// Writes it with `folder` before every path.
    pub(crate) fn write(&self, path: &Path, folder: &str) -> anyhow::Result<()> {
        let mut text = String::new();
        for (name, sha256) in &self.sums {
            text.push_str(&format!("{sha256}  {folder}/{name}\n"));
        }
        files::write_atomically(path, text.as_bytes())
    }

    pub(crate) fn read(path: &Path, folder: &str) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut sums = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let entry = line.split_once("  ").and_then(|(sha256, name)| {
                let name = name.strip_prefix(folder)?.strip_prefix('/')?;
                (sha256.len() == 64).then(|| (name.to_owned(), sha256.to_owned()))
            });
            match entry {
                Some((name, sha256)) => sums.insert(name, sha256),
                None => bail!(
                    "{}: line {number} is not `SHA256  {folder}/…`",
                    path.display()
                ),
            };
        }
        if sums.is_empty() {
            bail!("{}: empty", path.display());
        }
        Ok(Self { sums })
    }

    /// Compares a folder with the list: what is missing, changed, or there in addition. Hidden
    /// files that file managers leave behind don't count.
    pub(crate) fn compare(&self, folder: &Path) -> anyhow::Result<Vec<String>> {
        let mut faults = Vec::new();
        for (name, expected) in &self.sums {
            let path = folder.join(name);
            match digest::sha256_of_file(&path) {
                Ok(found) if found == *expected => {}
                Ok(found) => faults.push(format!(
                    "{}: SHA-256 {expected} expected, {found} found",
                    path.display()
                )),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    faults.push(format!("{}: missing", path.display()));
                }
                Err(error) => faults.push(format!("{}: {error}", path.display())),
            }
        }
        let mut folders = vec![PathBuf::new()];
        while let Some(inner) = folders.pop() {
            let listed = folder.join(&inner);
            for entry in fs::read_dir(&listed).with_context(|| listed.display().to_string())? {
                let entry = entry.with_context(|| listed.display().to_string())?;
                let path = inner.join(entry.file_name());
                let name = path.to_string_lossy().replace('\\', "/");
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if !self.sums.contains_key(&name)
                    && !entry.file_name().to_string_lossy().starts_with('.')
                {
                    faults.push(format!(
                        "{}: not part of the dataset",
                        entry.path().display()
                    ));
                }
            }
        }
        Ok(faults)
    }
}
