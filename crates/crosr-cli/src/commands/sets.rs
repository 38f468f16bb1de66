//! A folder of features files, as `crosr fit` and `crosr eval` leave it with `--features-out`.

use std::path::{Path, PathBuf};

use crosr_openmax::closed_set_class;

use crate::error::{CliError, Result};
use crate::formats::features::{Features, read_features};

/// A features file with what is judged by.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) features: Features,
    /// True classes; K for outliers.
    pub(super) truths: Vec<usize>,
    /// Classes with the largest logit.
    pub(super) predicted: Vec<usize>,
}

/// All sets of a folder.
pub(super) struct Sets {
    pub(super) n_classes: usize,
    pub(super) train: Set,
    pub(super) held_out: Set,
    pub(super) known: Set,
    pub(super) outliers: Vec<Set>,
}

fn set(folder: &Path, name: &str, n_classes: Option<usize>, outliers: bool) -> Result<Set> {
    let path = folder.join(format!("{name}.safetensors"));
    let features = read_features(&path)?;
    let n_classes = n_classes
        .or_else(|| features.labelled_classes())
        .ok_or_else(|| CliError::file(&path, "no label names a class"))?;
    if features.dim < n_classes {
        return Err(CliError::file(
            &path,
            format!("vectors of length {}, {n_classes} classes", features.dim),
        ));
    }
    let truths = if outliers {
        vec![n_classes; features.len()]
    } else {
        features.classes(n_classes, &path)?
    };
    let rows = features.rows.chunks_exact(features.dim);
    Ok(Set {
        name: name.to_owned(),
        predicted: rows.map(|row| closed_set_class(row, n_classes)).collect(),
        path,
        features,
        truths,
    })
}

impl Sets {
    /// Reads train, held-out and known; every other features file is an outlier set.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let train = set(folder, "train", None, false)?;
        let n_classes = train.truths.iter().max().map_or(0, |highest| highest + 1);
        let entries = std::fs::read_dir(folder).map_err(CliError::io(folder, "read"))?;
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(CliError::io(folder, "read"))?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            match name {
                Some("train" | "held-out" | "known") => {}
                Some(name) if path.extension().is_some_and(|e| e == "safetensors") => {
                    names.push(name.to_owned());
                }
                _ => {}
            }
        }
        names.sort();
        if names.is_empty() {
            return Err(CliError::file(
                folder,
                "no outlier set beside train, held-out and known; `crosr eval --features-out` \
                 writes them",
            ));
        }
        let known = |name| set(folder, name, Some(n_classes), false);
        let outliers = names
            .iter()
            .map(|name| set(folder, name, Some(n_classes), true));
        let sets = Self {
            held_out: known("held-out")?,
            known: known("known")?,
            outliers: outliers.collect::<Result<_>>()?,
            n_classes,
            train,
        };
        let dim = sets.train.features.dim;
        let rest = [&sets.held_out, &sets.known];
        for set in rest.into_iter().chain(&sets.outliers) {
            if set.features.dim != dim {
                return Err(CliError::file(
                    &set.path,
                    format!("vectors of length {}, {dim} in training", set.features.dim),
                ));
            }
        }
        Ok(sets)
    }
}
