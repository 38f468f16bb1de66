//! Pictures of the user's own: a folder per class, a CSV file, or tar shards.

use std::path::Path;
use std::sync::Arc;

use crosr_data::{Dataset, ImageFolder, Manifest, Relabelled, TarShards};

use super::{Data, split};
use crate::error::{CliError, Result};

/// Part of the pictures that is kept for testing where they are not split on disk.
const TEST_PART: f64 = 0.2;

/// What to train on.
pub(super) fn train(place: &Path) -> Result<Data> {
    match parts(place)? {
        (train, Some(_)) => Ok(train),
        (all, None) => Ok(split(all, TEST_PART, 0)?.0),
    }
}

/// What to test on; its classes are those of the training part.
pub(super) fn test(place: &Path) -> Result<Data> {
    match parts(place)? {
        (train, Some(test)) if train.class_names() == test.class_names() => Ok(test),
        (train, Some(test)) => Ok(Arc::new(Relabelled::like(test, train.class_names())?)),
        (all, None) => Ok(split(all, TEST_PART, 0)?.1),
    }
}

/// The training and the test part where they lie apart, all pictures otherwise.
fn parts(place: &Path) -> Result<(Data, Option<Data>)> {
    for [train, test] in [["train", "test"], ["train.csv", "test.csv"]] {
        let (train, test) = (place.join(train), place.join(test));
        if train.exists() && test.exists() {
            return Ok((enough(open(&train)?, &train)?, Some(open(&test)?)));
        }
    }
    Ok((enough(open(place)?, place)?, None))
}

/// A CSV file, a tar shard, a folder of shards, or a folder with one sub-folder per class.
fn open(place: &Path) -> Result<Data> {
    Ok(match file(place)? {
        Some(data) => data,
        None if holds_shards(place) => Arc::new(TarShards::folder(place)?),
        None => Arc::new(ImageFolder::classes(place)?),
    })
}

/// The pictures of a CSV file or a tar shard; `None` for anything else.
pub(super) fn file(place: &Path) -> Result<Option<Data>> {
    Ok(match ending(place).as_str() {
        "csv" if place.is_file() => Some(Arc::new(Manifest::open(place)?)),
        "tar" if place.is_file() => Some(Arc::new(TarShards::open(vec![place.to_owned()])?)),
        _ => None,
    })
}

/// Data of at least two classes.
fn enough(data: Data, place: &Path) -> Result<Data> {
    match data.class_names().len() {
        classes @ (0 | 1) => {
            let what = format!("{classes} classes in its labels, at least two are needed");
            Err(CliError::file(place, what))
        }
        _ => Ok(data),
    }
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_ascii_lowercase()
}

fn holds_shards(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else {
        return false;
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .into_iter()
        .any(|path| path.is_file() && ending(&path) == "tar")
}
