//! Where things lie in the data folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::sources::{Dataset, Format, Source};

/// Downloads as they came.
pub(crate) const ARCHIVES: &str = "archives";
/// A list of files and sums for every dataset that was put there.
pub(crate) const MANIFESTS: &str = "manifests";

/// The data folder, and the places in it.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
}

impl DataDir {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The dataset in use.
    pub(crate) fn folder(&self, dataset: &Dataset) -> PathBuf {
        self.root.join(&dataset.folder)
    }

    /// The dataset while it is being unpacked: hidden, and on the same file system.
    pub(crate) fn unpacking(&self, dataset: &Dataset) -> PathBuf {
        self.root.join(format!(".{}.unpacking.tmp", dataset.name))
    }

    /// A downloaded and checked file.
    pub(crate) fn archive(&self, dataset: &Dataset, source: &Source) -> PathBuf {
        self.root
            .join(ARCHIVES)
            .join(&dataset.name)
            .join(source.name())
    }

    /// Removes downloads that lie in the dataset's folder as they came, so as not to keep them
    /// twice.
    pub(crate) fn remove_copies(&self, dataset: &Dataset) -> anyhow::Result<()> {
        match dataset.format {
            Format::Plain => remove_folder(&self.root.join(ARCHIVES).join(&dataset.name)),
            Format::TarGz | Format::Zip => Ok(()),
        }
    }

    /// Files and sums of the dataset, in the format of `sha256sum`.
    pub(crate) fn manifest(&self, dataset: &Dataset) -> PathBuf {
        self.root
            .join(MANIFESTS)
            .join(format!("{}.sha256", dataset.name))
    }

    /// Sums pinned on the first download.
    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("sources.lock.toml")
    }

    /// Keeps a second fetch out of the folder until the file is dropped.
    pub(crate) fn reserve(&self) -> anyhow::Result<File> {
        fs::create_dir_all(&self.root).with_context(|| self.root.display().to_string())?;
        let path = self.root.join(".fetch-data.lock");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => {
                bail!(
                    "{}: another fetch-data is at work here; wait for it",
                    self.root.display()
                )
            }
            Err(fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| path.display().to_string())
            }
        }
    }
}

/// Writes to a temporary name, syncs, renames: a kill leaves the old file or the new one.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let named = || path.display().to_string();
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(named)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().with_context(named)
}

/// Removes a folder with all that is in it; one that is not there is no error.
pub(crate) fn remove_folder(path: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}
