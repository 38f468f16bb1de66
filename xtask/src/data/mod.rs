//! `fetch-data` and `verify-data`.

mod digest;
mod download;
mod files;
mod manifest;
mod sources;
mod unpack;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, anyhow, bail};
use indicatif::HumanBytes;

use self::digest::Digests;
use self::download::{DownloadError, Downloader, Patience, Wanted};
use self::files::DataDir;
use self::manifest::Manifest;
use self::sources::{Dataset, Lock, Source, Sources};
use self::unpack::Limits;
use crate::args::{FetchArgs, VerifyArgs};
use crate::ui::{self, Bars};
use crate::{UsageError, shown};

/// Largest download where the size is not known: five times the largest listed.
const MAX_DOWNLOAD: u64 = 8 << 30;

/// `cargo xtask fetch-data`.
pub(crate) fn fetch(root: &Path, flags: &FetchArgs) -> anyhow::Result<()> {
    let (sources, data) = places(root, flags.sources.as_deref(), flags.data_dir.as_deref())?;
    if flags.list {
        list(&sources, &data);
        return Ok(());
    }
    if let Some(mirror) = &flags.mirror
        && !mirror.starts_with("http://")
        && !mirror.starts_with("https://")
    {
        let text = format!("--mirror {mirror:?}: must begin with http:// or https://");
        return Err(UsageError(text).into());
    }
    let chosen = if flags.names.is_empty() {
        sources
            .datasets
            .iter()
            .filter(|dataset| dataset.default)
            .collect()
    } else {
        named(&sources, &flags.names)?
    };
    let _reserved = data.reserve()?;
    let downloader = (!flags.offline).then(|| Downloader::new(Patience::default()));
    let fetching = Fetching {
        data: &data,
        downloader: downloader.as_ref(),
        mirror: flags.mirror.as_deref(),
        bars: Bars::default(),
        pinning: Mutex::new(()),
    };
    fetching.all(&chosen, flags.jobs, |dataset, fetched| {
        let folder = shown(root, &data.folder(dataset));
        let name = &dataset.name;
        match fetched {
            Fetched::New { files } => format!("{name}: {files} files in {folder}"),
            Fetched::There => format!("{name}: already in {folder}"),
            Fetched::Foreign => format!(
                "{name}: {folder} was not put there by fetch-data and is left alone; to fetch it \
                 anew, move it away"
            ),
        }
    })
}

/// `cargo xtask verify-data`.
pub(crate) fn verify(root: &Path, flags: &VerifyArgs) -> anyhow::Result<()> {
    let (sources, data) = places(root, flags.sources.as_deref(), flags.data_dir.as_deref())?;
    let chosen: Vec<&Dataset> = if flags.names.is_empty() {
        sources
            .datasets
            .iter()
            .filter(|dataset| data.folder(dataset).exists())
            .collect()
    } else {
        named(&sources, &flags.names)?
    };
    if chosen.is_empty() {
        ui::line(&format!("{}: no dataset here", shown(root, data.root())));
    }
    let lock = Lock::read(&data.lock())?;
    let mut wrong = Vec::new();
    for dataset in chosen {
        let faults = check(&data, &lock, dataset)?;
        if faults.is_empty() {
            ui::line(&format!("{}: ok", dataset.name));
            continue;
        }
        wrong.push(dataset.name.as_str());
        for fault in faults.iter().take(10) {
            ui::error(&format!("{}: {fault}", dataset.name));
        }
        if faults.len() > 10 {
            ui::error(&format!(
                "{}: … and {} more",
                dataset.name,
                faults.len() - 10
            ));
        }
    }
    if !wrong.is_empty() {
        bail!(
            "{}: not as it was published; remove its folder and run `cargo xtask fetch-data {}`",
            wrong.join(", "),
            wrong.join(" ")
        );
    }
    Ok(())
}

/// Everything wrong with a dataset: its files against the manifest, kept archives against sums.
fn check(data: &DataDir, lock: &Lock, dataset: &Dataset) -> anyhow::Result<Vec<String>> {
    let folder = data.folder(dataset);
    let manifest = data.manifest(dataset);
    if !folder.is_dir() {
        return Ok(vec![format!("{}: not here", folder.display())]);
    }
    if !manifest.is_file() {
        let text = "was not put there by fetch-data, there is nothing to compare it with";
        return Ok(vec![format!("{}: {text}", folder.display())]);
    }
    let mut faults = Manifest::read(&manifest, &dataset.folder)?.compare(&folder)?;
    for source in &dataset.files {
        let archive = data.archive(dataset, source);
        if archive.is_file() {
            let found = digest::of_file(&archive).with_context(|| archive.display().to_string())?;
            if let Err(wrong) = lock.expected(source).check(&found) {
                faults.push(format!(
                    "{}: {} {} expected, {} found",
                    archive.display(),
                    wrong.kind,
                    wrong.expected,
                    wrong.found
                ));
            }
        }
    }
    Ok(faults)
}

/// `fetch-data --list`.
fn list(sources: &Sources, data: &DataDir) {
    let width = sources
        .datasets
        .iter()
        .map(|dataset| dataset.name.len())
        .max()
        .unwrap_or(0);
    for dataset in &sources.datasets {
        let size = dataset.size().map_or("size unknown".to_owned(), |size| {
            HumanBytes(size).to_string()
        });
        let state = match (
            data.folder(dataset).is_dir(),
            data.manifest(dataset).is_file(),
        ) {
            (true, true) => "here",
            (true, false) => "here, not from fetch-data",
            (false, _)
                if dataset
                    .files
                    .iter()
                    .all(|f| data.archive(dataset, f).is_file()) =>
            {
                "downloaded"
            }
            (false, _) => "-",
        };
        let mark = if dataset.default { "*" } else { " " };
        ui::line(&format!(
            "{mark} {:width$}  {size:>13}  {state}\n  {:width$}  {}\n  {:width$}  {}; {}",
            dataset.name, "", dataset.description, "", dataset.licence, dataset.home
        ));
        ui::line(&format!(
            "  {:width$}  pictures in {}",
            "",
            dataset.pictures()
        ));
    }
    ui::line("* fetched when no name is given");
}

fn places(
    root: &Path,
    sources: Option<&Path>,
    data_dir: Option<&Path>,
) -> anyhow::Result<(Sources, DataDir)> {
    let list = sources.map_or_else(|| root.join("data/sources.toml"), PathBuf::from);
    let folder = data_dir.map_or_else(|| root.join("data"), PathBuf::from);
    Ok((Sources::read(&list)?, DataDir::new(folder)))
}

fn named<'a>(sources: &'a Sources, names: &[String]) -> anyhow::Result<Vec<&'a Dataset>> {
    let find = |name: &String| {
        sources.find(name).ok_or_else(|| {
            let known: Vec<&str> = sources.datasets.iter().map(|d| d.name.as_str()).collect();
            UsageError(format!(
                "no dataset {name:?}; there are {}",
                known.join(", ")
            ))
            .into()
        })
    };
    names.iter().map(find).collect()
}

/// What became of a dataset.
#[derive(Debug, PartialEq, Eq)]
enum Fetched {
    New {
        files: usize,
    },
    There,
    /// A folder of that name without a manifest: somebody else's, not ours to replace.
    Foreign,
}

struct Fetching<'a> {
    data: &'a DataDir,
    /// None when offline.
    downloader: Option<&'a Downloader>,
    mirror: Option<&'a str>,
    bars: Bars,
    /// Held while the lock file is read and written.
    pinning: Mutex<()>,
}

impl Fetching<'_> {
    /// Several datasets at a time; one that fails does not stop the others. `told` makes a line of
    /// what became of each.
    ///
    /// # Errors
    /// That of the first dataset that failed; those of the others have been said.
    fn all(
        &self,
        datasets: &[&Dataset],
        jobs: usize,
        told: impl Fn(&Dataset, &Fetched) -> String + Sync,
    ) -> anyhow::Result<()> {
        let next = AtomicUsize::new(0);
        let errors = Mutex::new(BTreeMap::new());
        let work = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(dataset) = datasets.get(place) else {
                    break;
                };
                match self.dataset(dataset) {
                    Ok(fetched) => self.bars.line(&told(dataset, &fetched)),
                    Err(error) => {
                        errors
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .insert(place, error);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..jobs.clamp(1, datasets.len().max(1)) {
                scope.spawn(work);
            }
        });
        let errors = errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut errors = errors.into_values();
        let first = errors.next();
        errors.for_each(|error| ui::error(&format!("{error:#}")));
        first.map_or(Ok(()), Err)
    }

    /// Puts a dataset in its folder, or does nothing.
    fn dataset(&self, dataset: &Dataset) -> anyhow::Result<Fetched> {
        let data = self.data;
        let folder = data.folder(dataset);
        if folder.exists() {
            if !data.manifest(dataset).is_file() {
                return Ok(Fetched::Foreign);
            }
            // A kill may have come just before.
            data.remove_copies(dataset)?;
            return Ok(Fetched::There);
        }
        for source in &dataset.files {
            let found = self.file(dataset, source, &Lock::read(&data.lock())?)?;
            let _pinning = self.pinning.lock().unwrap_or_else(PoisonError::into_inner);
            Lock::read(&data.lock())?.pin(&data.lock(), source, &found)?;
        }
        let unpacking = data.unpacking(dataset);
        files::remove_folder(&unpacking)?;
        let installed = unpack_all(data, dataset, &unpacking).and_then(|manifest| {
            // The folder comes last: it is what says that the dataset is there.
            manifest.write(&data.manifest(dataset), &dataset.folder)?;
            fs::rename(&unpacking, &folder).with_context(|| folder.display().to_string())?;
            Ok(manifest)
        });
        if installed.is_err() {
            files::remove_folder(&unpacking)?;
        }
        let manifest = installed?;
        data.remove_copies(dataset)?;
        Ok(Fetched::New {
            files: manifest.len(),
        })
    }

    /// Sees to it that a file is downloaded and right.
    fn file(&self, dataset: &Dataset, source: &Source, lock: &Lock) -> anyhow::Result<Digests> {
        let target = self.data.archive(dataset, source);
        let expected = lock.expected(source);
        if target.is_file() {
            let found = digest::of_file(&target).with_context(|| target.display().to_string())?;
            match expected.check(&found) {
                Ok(()) => return Ok(found),
                Err(wrong) => {
                    let text = format!(
                        "{}: wrong checksum: {} {} expected, {} found",
                        target.display(),
                        wrong.kind,
                        wrong.expected,
                        wrong.found
                    );
                    if self.downloader.is_none() {
                        bail!("{text}; remove it");
                    }
                    ui::error(&format!("{text}; removed, to be downloaded again"));
                    fs::remove_file(&target).with_context(|| target.display().to_string())?;
                }
            }
        }
        let Some(downloader) = self.downloader else {
            let text = format!(
                "{}: not downloaded; put {} there, or run without --offline",
                target.display(),
                source.url
            );
            return Err(UsageError(text).into());
        };
        let url = source.address(self.mirror);
        let limit = source
            .size
            .map_or(MAX_DOWNLOAD, |size| size.saturating_mul(2));
        let wanted = Wanted {
            url: &url,
            target: &target,
            expected: &expected,
            limit,
        };
        let mut progress = self.bars.file(source.name());
        downloader
            .download(&wanted, &mut progress)
            .map_err(|error| match error {
                DownloadError::Status { .. }
                | DownloadError::Network { .. }
                | DownloadError::Range { .. } => anyhow!(
                    "{error}; try --mirror, or put the file at {} and use --offline",
                    target.display()
                ),
                DownloadError::Short { .. } => anyhow!("{error}; run the same command to go on"),
                other => other.into(),
            })
    }
}

/// Unpacks every file of a dataset into one folder.
fn unpack_all(data: &DataDir, dataset: &Dataset, into: &Path) -> anyhow::Result<Manifest> {
    let limits = Limits {
        bytes: dataset.max_mb.saturating_mul(1_000_000),
        entries: dataset.max_entries,
    };
    let archives: Vec<PathBuf> = dataset
        .files
        .iter()
        .map(|source| data.archive(dataset, source))
        .collect();
    Ok(unpack::unpack(
        &archives,
        dataset.format,
        dataset.archive_root(),
        into,
        limits,
    )?)
}
