//! Which data a name on the command line stands for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crosr_data::{Cifar10, ClassSplit, Dataset, ImageFolder, Noise, Normalisation, Shapes, Split};

use crate::args::DatasetName;
use crate::error::{CliError, Result};

/// Pictures of each built-in set.
const SHAPES_TRAIN: usize = 8_000;
const SHAPES_TEST: usize = 2_000;
const BUILT_IN_OUTLIERS: usize = 2_000;

/// Part of an image folder that is kept for testing where it is not split on disk.
const FOLDER_TEST_PART: f64 = 0.2;

/// A dataset of any kind.
type Data = Arc<dyn Dataset>;

/// Known data: a name and a place.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    name: DatasetName,
    folder: PathBuf,
    seed: u64,
    /// Names of the classes that are known; empty for all.
    known: Vec<String>,
}

impl Source {
    pub(crate) fn new(name: DatasetName, folder: &Path, seed: u64) -> Self {
        Self {
            name,
            folder: folder.to_owned(),
            seed,
            known: Vec::new(),
        }
    }

    /// With these classes alone, by name; all others are outliers.
    pub(crate) fn with_known(self, known: &[String]) -> Self {
        Self {
            known: known.to_vec(),
            ..self
        }
    }

    /// The samples of the known classes, and those of the others.
    fn split_classes(&self, data: Arc<dyn Dataset>) -> Result<(Data, Option<Data>)> {
        if self.known.is_empty() {
            return Ok((data, None));
        }
        let names = data.class_names();
        let known = self
            .known
            .iter()
            .map(|name| {
                names.iter().position(|there| there == name).ok_or_else(|| {
                    CliError::usage(format!(
                        "--known-classes: no class is called {name:?}; there are {}",
                        names.join(", ")
                    ))
                })
            })
            .collect::<Result<Vec<usize>>>()?;
        let (known, rest) = ClassSplit::new(data, &known)?;
        Ok((Arc::new(known), Some(Arc::new(rest))))
    }

    /// Names of all classes, known or not.
    pub(crate) fn all_classes(&self) -> Result<Vec<String>> {
        Ok(self.all_test()?.class_names().to_vec())
    }

    /// All training data of the known classes.
    pub(crate) fn train(&self) -> Result<Arc<dyn Dataset>> {
        Ok(self.split_classes(self.all_train()?)?.0)
    }

    /// Test data of the known classes.
    pub(crate) fn test(&self) -> Result<Arc<dyn Dataset>> {
        Ok(self.split_classes(self.all_test()?)?.0)
    }

    /// Test data of the classes that are not known.
    pub(crate) fn rest(&self) -> Result<Arc<dyn Dataset>> {
        self.split_classes(self.all_test()?)?.1.ok_or_else(|| {
            CliError::usage("builtin:rest: every class is known; train with --known-classes")
        })
    }

    /// What pictures are normalised with.
    pub(crate) fn normalisation(&self) -> Normalisation {
        match self.name {
            DatasetName::Cifar10 => Normalisation::CIFAR10,
            DatasetName::Shapes | DatasetName::Folder => Normalisation::HALF,
        }
    }

    /// All training data.
    fn all_train(&self) -> Result<Arc<dyn Dataset>> {
        Ok(match self.name {
            DatasetName::Cifar10 => self.cifar10(Split::Train)?,
            DatasetName::Shapes => Arc::new(Shapes::known(SHAPES_TRAIN, self.seed)),
            DatasetName::Folder => match self.subfolder("train") {
                Some(folder) => Arc::new(ImageFolder::classes(&folder)?),
                None => {
                    split(
                        Arc::new(ImageFolder::classes(&self.folder)?),
                        FOLDER_TEST_PART,
                        0,
                    )?
                    .0
                }
            },
        })
    }

    /// All test data.
    fn all_test(&self) -> Result<Arc<dyn Dataset>> {
        Ok(match self.name {
            DatasetName::Cifar10 => self.cifar10(Split::Test)?,
            DatasetName::Shapes => Arc::new(Shapes::known(
                SHAPES_TEST,
                self.seed ^ 0x7465_7374_0000_0000,
            )),
            DatasetName::Folder => match self.subfolder("test") {
                Some(folder) => Arc::new(ImageFolder::classes(&folder)?),
                None => {
                    split(
                        Arc::new(ImageFolder::classes(&self.folder)?),
                        FOLDER_TEST_PART,
                        0,
                    )?
                    .1
                }
            },
        })
    }

    fn cifar10(&self, part: Split) -> Result<Arc<dyn Dataset>> {
        match Cifar10::open(&self.folder, part) {
            Ok(data) => Ok(Arc::new(data)),
            Err(crosr_data::DataError::Missing { path }) => Err(CliError::usage(format!(
                "{}: no CIFAR-10 here; run `cargo xtask fetch-data`, or train on built-in data \
                 with `--dataset shapes`",
                path.display()
            ))),
            Err(other) => Err(other.into()),
        }
    }

    /// A `train` or `test` folder, if both are there.
    fn subfolder(&self, name: &str) -> Option<PathBuf> {
        let both = ["train", "test"]
            .iter()
            .all(|part| self.folder.join(part).is_dir());
        both.then(|| self.folder.join(name))
    }
}

/// Training data and a stratified part held out of it.
pub(crate) fn split(
    data: Arc<dyn Dataset>,
    part: f64,
    seed: u64,
) -> Result<(Arc<dyn Dataset>, Arc<dyn Dataset>)> {
    let count = (data.len() as f64 * part).round() as usize;
    let (rest, held_out) = crosr_data::split(data, count, seed)?;
    Ok((Arc::new(rest), Arc::new(held_out)))
}

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

/// Opens `NAME=PATH` or `NAME=builtin:KIND`.
pub(crate) fn outliers(
    text: &str,
    source: &Source,
    image_size: usize,
    seed: u64,
) -> Result<NamedOutliers> {
    let (name, place) = name_and_place("--outliers", text)?;
    let n = BUILT_IN_OUTLIERS;
    let data: Arc<dyn Dataset> = match place.strip_prefix("builtin:") {
        None => Arc::new(ImageFolder::flat(Path::new(place))?),
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
