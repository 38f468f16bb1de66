//! Which data: names on the command line.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A dataset by name; all but `shapes` lie in the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DatasetName {
    /// Ten classes of real pictures, 32x32 (`cargo xtask fetch-data`)
    Cifar10,
    /// A hundred classes of real pictures, 32x32
    Cifar100,
    /// Handwritten digits, grey 28x28
    Mnist,
    /// Ten kinds of clothes, grey 28x28
    FashionMnist,
    /// Ten cursive Japanese characters, grey 28x28
    Kmnist,
    /// Handwritten digits and letters, 47 classes, grey 28x28
    Emnist,
    /// Handwritten letters, 26 classes, grey 28x28
    EmnistLetters,
    /// House numbers' digits, 32x32
    Svhn,
    /// TinyImageNet: 200 classes of real pictures, 64x64
    TinyImagenet,
    /// Drawn shapes, built in
    Shapes,
    /// Your own pictures: a folder per class, a CSV file of paths and labels, or tar shards
    Folder,
}

impl DatasetName {
    /// As the command line has it.
    pub(crate) fn name(self) -> String {
        super::name_of(&self)
    }

    /// What it is called in `data/sources.toml`; `None` for what is not fetched.
    pub(crate) fn source(self) -> Option<&'static str> {
        Some(match self {
            Self::Cifar10 => "cifar-10",
            Self::Cifar100 => "cifar-100",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Kmnist => "kmnist",
            Self::Emnist | Self::EmnistLetters => "emnist",
            Self::Svhn => "svhn",
            Self::TinyImagenet => "tiny-imagenet-200",
            Self::Shapes | Self::Folder => return None,
        })
    }

    /// Whether a mirrored picture may mean something else.
    pub(crate) fn is_written(self) -> bool {
        matches!(
            self,
            Self::Mnist | Self::Kmnist | Self::Emnist | Self::EmnistLetters | Self::Svhn
        )
    }
}
