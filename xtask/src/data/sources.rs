//! The list of datasets: `data/sources.toml`, and what was learned of them since, the lock file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::{digest::Expected, files};

/// What comes out of an archive is bounded; these hold where a dataset gives no bound itself.
const DEFAULT_MAX_MB: u64 = 4_000;
const DEFAULT_MAX_ENTRIES: u64 = 250_000;

/// `data/sources.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sources {
    #[serde(rename = "dataset")]
    pub(crate) datasets: Vec<Dataset>,
}

/// One dataset; the fields are explained at the head of `data/sources.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dataset {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) licence: String,
    pub(crate) home: String,
    #[serde(default)]
    pub(crate) default: bool,
    pub(crate) format: Format,
    pub(crate) folder: String,
    pub(crate) archive_root: Option<String>,
    pub(crate) pictures: Option<String>,
    #[serde(default = "default_max_mb")]
    pub(crate) max_mb: u64,
    #[serde(default = "default_max_entries")]
    pub(crate) max_entries: u64,
    #[serde(rename = "file")]
    pub(crate) files: Vec<Source>,
}

fn default_max_mb() -> u64 {
    DEFAULT_MAX_MB
}

fn default_max_entries() -> u64 {
    DEFAULT_MAX_ENTRIES
}

/// How a dataset is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Format {
    #[serde(rename = "tar.gz")]
    TarGz,
    #[serde(rename = "zip")]
    Zip,
    /// Files that are kept as they come.
    #[serde(rename = "plain")]
    Plain,
}

/// A file to download.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) md5: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) size: Option<u64>,
}

impl Sources {
    /// Reads and checks a list.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let sources: Self = toml::from_str(text)?;
        let mut names = BTreeMap::new();
        let mut folders = BTreeMap::new();
        for dataset in &sources.datasets {
            dataset
                .check()
                .with_context(|| format!("dataset {:?}", dataset.name))?;
            if names.insert(&dataset.name, ()).is_some() {
                bail!("dataset {:?} stands there twice", dataset.name);
            }
            if let Some(other) = folders.insert(&dataset.folder, &dataset.name) {
                bail!(
                    "datasets {other:?} and {:?} share {:?}",
                    dataset.name,
                    dataset.folder
                );
            }
        }
        Ok(sources)
    }

    /// The dataset of that name.
    pub(crate) fn find(&self, name: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| dataset.name == name)
    }
}

impl Dataset {
    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            is_file_name(&self.name),
            "the name must be a plain file name"
        );
        ensure!(!self.description.is_empty(), "no description");
        ensure!(!self.licence.is_empty(), "no licence");
        ensure!(
            self.home.starts_with("http"),
            "home must be an http(s) address"
        );
        ensure!(
            is_file_name(&self.folder),
            "folder {:?} must be one plain name",
            self.folder
        );
        let reserved = [files::ARCHIVES, files::MANIFESTS];
        ensure!(
            !reserved.contains(&self.folder.as_str()),
            "folder {:?} is taken",
            self.folder
        );
        if let Some(root) = &self.archive_root {
            ensure!(
                is_file_name(root),
                "archive_root {root:?} must be one plain name"
            );
        }
        let pictures = Path::new(self.pictures());
        ensure!(
            pictures.starts_with(&self.folder)
                && pictures
                    .components()
                    .all(|part| matches!(part, Component::Normal(_))),
            "pictures {pictures:?} must lie in {:?}",
            self.folder
        );
        ensure!(
            self.max_mb > 0 && self.max_entries > 0,
            "a bound of 0 lets nothing out"
        );
        if self.format == Format::Plain {
            ensure!(!self.files.is_empty(), "no file");
        } else {
            ensure!(
                self.files.len() == 1,
                "an archive is one file, not {}",
                self.files.len()
            );
        }
        let mut names = BTreeMap::new();
        for file in &self.files {
            file.check().with_context(|| file.url.clone())?;
            ensure!(
                names.insert(file.name(), ()).is_none(),
                "{} stands twice",
                file.name()
            );
        }
        Ok(())
    }

    /// The folder inside the archive that holds the data.
    pub(crate) fn archive_root(&self) -> &str {
        self.archive_root.as_deref().unwrap_or(&self.folder)
    }

    /// The folder that a loader is pointed at, inside the data folder.
    pub(crate) fn pictures(&self) -> &str {
        self.pictures.as_deref().unwrap_or(&self.folder)
    }

    /// Bytes to download, where all of them are known.
    pub(crate) fn size(&self) -> Option<u64> {
        let mut sizes = self.files.iter().map(|file| file.size);
        sizes.try_fold(0_u64, |sum, size| sum.checked_add(size?))
    }
}

impl Source {
    fn check(&self) -> anyhow::Result<()> {
        let known = self.url.starts_with("https://") || self.url.starts_with("http://");
        ensure!(known, "the address must begin with https:// or http://");
        ensure!(
            is_file_name(self.name()),
            "the address must end in a plain file name"
        );
        for (sum, digits) in [(&self.md5, 32), (&self.sha256, 64)] {
            if let Some(sum) = sum {
                let lower = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
                ensure!(
                    sum.len() == digits && sum.bytes().all(lower),
                    "checksum {sum:?} must be {digits} lower-case hexadecimal digits"
                );
            }
        }
        ensure!(self.md5.is_some() || self.sha256.is_some(), "no checksum");
        Ok(())
    }

    /// The file's name: the end of its address.
    pub(crate) fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    /// Where to get it: the published address, or the same name behind a mirror's.
    pub(crate) fn address(&self, mirror: Option<&str>) -> String {
        match mirror {
            Some(base) => format!("{}/{}", base.trim_end_matches('/'), self.name()),
            None => self.url.clone(),
        }
    }
}

/// One name, fit for every file system, that cannot lead out of a folder and is not hidden.
fn is_file_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
}

/// `sources.lock.toml` in the data folder: SHA-256 of what an MD5 confirmed on the first download.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    #[serde(default, rename = "file")]
    pins: Vec<Pin>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    url: String,
    md5: String,
    sha256: String,
    size: u64,
}

impl Lock {
    /// Reads the lock file; one that is not there is empty.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// What a file must be: the published sums, and the pinned one where none is published.
    ///
    /// A pin holds for an address and an MD5: when `sources.toml` names another file, the old pin
    /// says nothing about it.
    pub(crate) fn expected(&self, source: &Source) -> Expected {
        let pinned = self.pins.iter().find(|pin| {
            pin.url == source.url && source.md5.as_ref().is_none_or(|md5| *md5 == pin.md5)
        });
        Expected {
            md5: source.md5.clone(),
            sha256: source
                .sha256
                .clone()
                .or_else(|| pinned.map(|pin| pin.sha256.clone())),
        }
    }

    /// Pins what was found, and writes the file if that is news.
    pub(crate) fn pin(
        &mut self,
        path: &Path,
        source: &Source,
        found: &super::digest::Digests,
    ) -> anyhow::Result<()> {
        let known = |pin: &Pin| pin.url == source.url && pin.sha256 == found.sha256;
        if self.pins.iter().any(known) {
            return Ok(());
        }
        self.pins.retain(|pin| pin.url != source.url);
        self.pins.push(Pin {
            url: source.url.clone(),
            md5: found.md5.clone(),
            sha256: found.sha256.clone(),
            size: found.size,
        });
        self.pins.sort_by(|a, b| a.url.cmp(&b.url));
        let text = format!(
            "# Written by `cargo xtask fetch-data`: the SHA-256 of every file as it was first\n\
             # downloaded and confirmed. Later downloads must have it too.\n\n{}",
            toml::to_string(self)?
        );
        files::write_atomically(path, text.as_bytes())
    }
}
