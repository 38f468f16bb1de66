//! Which outliers a name on the command line stands for.

use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;
use crosr_data::{Dataset, ImageFolder, Noise, Relabelled, Shapes};

use super::{BUILT_IN_OUTLIERS, Source, own};
use crate::args::DatasetName;
use crate::error::{CliError, Result};

/// An outlier set under its name.
pub(crate) struct NamedOutliers {
    pub(crate) name: String,
    pub(crate) data: Arc<dyn Dataset>,
}

/// Splits `NAME=PLACE`.
pub(crate) fn name_and_place<'a>(flag: &str, text: &'a str) -> Result<(&'a str, &'a str)> {
    match text.split_once('=') {
        Some((name, place)) if !name.is_empty() && !place.is_empty() => Ok((name, place)),
        _ => Err(CliError::usage(format!(
            "{flag} {text:?}: NAME=PATH is expected"
        ))),
    }
}

/// Opens `NAME=PATH`, `NAME=builtin:KIND` or `NAME=dataset:DATASET`.
pub(crate) fn outliers(
    text: &str,
    source: &Source,
    image_size: usize,
    seed: u64,
) -> Result<NamedOutliers> {
    let (name, place) = name_and_place("--outliers", text)?;
    let n = BUILT_IN_OUTLIERS;
    if let Some(dataset) = place.strip_prefix("dataset:") {
        let dataset = DatasetName::from_str(dataset, false).map_err(|_| {
            CliError::usage(format!(
                "--outliers {text:?}: no such dataset; see --dataset"
            ))
        })?;
        let data = source.beside(dataset).test()?;
        return Ok(NamedOutliers {
            name: name.to_owned(),
            data: Arc::new(Relabelled::as_outliers(data)),
        });
    }
    let data: Arc<dyn Dataset> = match place.strip_prefix("builtin:") {
        None => pictures(Path::new(place))?,
        Some("gaussian") => Arc::new(Noise::gaussian(n, image_size, image_size, seed)),
        Some("uniform") => Arc::new(Noise::uniform(n, image_size, image_size, seed)),
        Some("rest") => source.rest()?,
        Some("shapes") => Arc::new(Shapes::unknown(n, seed ^ 0x756e_6b6e_0000_0000)),
        Some(other) => {
            return Err(CliError::usage(format!(
                "--outliers {text:?}: no built-in outliers are called {other:?}; there are \
                 gaussian, uniform, shapes and rest (the classes not trained on)"
            )));
        }
    };
    Ok(NamedOutliers {
        name: name.to_owned(),
        data,
    })
}

/// Pictures in a folder, in a tar shard, or listed in a CSV file.
fn pictures(path: &Path) -> Result<Arc<dyn Dataset>> {
    Ok(match own::file(path)? {
        Some(data) => Arc::new(Relabelled::as_outliers(data)),
        None => Arc::new(ImageFolder::flat(path)?),
    })
}

/// The built-in unknown shapes: all kinds together, then each alone.
pub(crate) fn unknown_shapes(seed: u64) -> Result<Vec<NamedOutliers>> {
    let seed = seed ^ 0x756e_6b6e_0000_0000;
    let kinds = Shapes::unknown_kinds();
    let each = BUILT_IN_OUTLIERS / 2;
    let mut sets = vec![NamedOutliers {
        name: "unknown shapes".to_owned(),
        data: Arc::new(Shapes::unknown(BUILT_IN_OUTLIERS, seed)),
    }];
    for (index, kind) in kinds.iter().enumerate() {
        sets.push(NamedOutliers {
            name: (*kind).to_string(),
            data: Arc::new(Shapes::unknown_kind(index, each, seed)?),
        });
    }
    Ok(sets)
}
