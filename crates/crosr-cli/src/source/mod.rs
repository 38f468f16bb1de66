//! Which data a name on the command line stands for.

mod outliers;
mod own;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crosr_data::{
    Cifar10, Cifar100, ClassSplit, DataError, Dataset, EmnistSplit, Idx, Normalisation, Relabelled,
    Shapes, Split, Svhn, TinyImageNet,
};

use crate::args::DatasetName;
use crate::error::{CliError, Result};

pub(crate) use self::outliers::{NamedOutliers, name_and_place, outliers, unknown_shapes};

/// Pictures of each built-in set.
const SHAPES_TRAIN: usize = 8_000;
const SHAPES_TEST: usize = 2_000;
const BUILT_IN_OUTLIERS: usize = 2_000;

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
        Ok(self.all(Split::Test)?.class_names().to_vec())
    }

    /// All training data of the known classes.
    pub(crate) fn train(&self) -> Result<Arc<dyn Dataset>> {
        Ok(self.split_classes(self.all(Split::Train)?)?.0)
    }

    /// Test data of the known classes.
    pub(crate) fn test(&self) -> Result<Arc<dyn Dataset>> {
        Ok(self.split_classes(self.all(Split::Test)?)?.0)
    }

    /// Test data of the classes that are not known.
    pub(crate) fn rest(&self) -> Result<Arc<dyn Dataset>> {
        self.split_classes(self.all(Split::Test)?)?
            .1
            .ok_or_else(|| {
                CliError::usage("builtin:rest: every class is known; train with --known-classes")
            })
    }

    /// Another dataset in the same data folder.
    fn beside(&self, name: DatasetName) -> Self {
        Self {
            name,
            known: Vec::new(),
            ..self.clone()
        }
    }

    /// Test data of some classes of another dataset in the same data folder, as outliers.
    pub(crate) fn classes_beside(&self, name: DatasetName, classes: &[usize]) -> Result<Data> {
        let (chosen, _) = ClassSplit::new(self.beside(name).all(Split::Test)?, classes)?;
        Ok(Arc::new(Relabelled::as_outliers(chosen)))
    }

    /// What pictures are normalised with.
    pub(crate) fn normalisation(&self) -> Normalisation {
        match self.name {
            DatasetName::Cifar10 | DatasetName::Cifar100 => Normalisation::CIFAR10,
            _ => Normalisation::HALF,
        }
    }

    /// All data of a part, of every class.
    fn all(&self, part: Split) -> Result<Data> {
        let folder = &self.folder;
        let idx = |data: Result<Idx, DataError>| data.map(|data| Arc::new(data) as Data);
        let data = match self.name {
            DatasetName::Cifar10 => Cifar10::open(folder, part).map(|data| Arc::new(data) as Data),
            DatasetName::Cifar100 => {
                Cifar100::open(folder, part).map(|data| Arc::new(data) as Data)
            }
            DatasetName::Mnist => idx(Idx::mnist(folder, part)),
            DatasetName::FashionMnist => idx(Idx::fashion_mnist(folder, part)),
            DatasetName::Kmnist => idx(Idx::kmnist(folder, part)),
            DatasetName::Emnist => idx(Idx::emnist(folder, EmnistSplit::Balanced, part)),
            DatasetName::EmnistLetters => idx(Idx::emnist(folder, EmnistSplit::Letters, part)),
            DatasetName::Svhn => Svhn::open(folder, part).map(|data| Arc::new(data) as Data),
            DatasetName::TinyImagenet => {
                TinyImageNet::open(folder, part).map(|data| Arc::new(data) as Data)
            }
            DatasetName::Folder => {
                return match part {
                    Split::Train => own::train(folder),
                    Split::Test => own::test(folder),
                };
            }
            DatasetName::Shapes => Ok(Arc::new(match part {
                Split::Train => Shapes::known(SHAPES_TRAIN, self.seed),
                Split::Test => Shapes::known(SHAPES_TEST, self.seed ^ 0x7465_7374_0000_0000),
            }) as Data),
        };
        data.map_err(|error| match error {
            DataError::Missing { path } => CliError::usage(format!(
                "{}: no {} here; run `cargo xtask fetch-data {}`, or train on built-in data with \
                 `--dataset shapes`",
                path.display(),
                self.name.name(),
                self.name.source().unwrap_or_default(),
            )),
            other => other.into(),
        })
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
