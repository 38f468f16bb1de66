//! Datasets in IDX files: MNIST and those made in its likeness.

use std::path::{Path, PathBuf};

use super::cifar::Split;
use crate::dataset::{Dataset, Sample, in_range};
use crate::error::{DataError, Result};
use crate::formats::{idx, malformed};
use crate::image::{Image, PixelFormat};

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const CLOTHES: [&str; 10] = [
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];
const HIRAGANA: [&str; 10] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];
/// Letters whose small form is a class of its own in EMNIST's merged splits.
const SMALL_APART: &str = "abdefghnqrt";

/// The splits of EMNIST (Cohen et al., arXiv 1702.05373, Section II).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmnistSplit {
    /// 62 classes: digits, capital and small letters.
    ByClass,
    /// 47 classes: small letters that look like capitals are merged with them.
    ByMerge,
    /// The classes of [`EmnistSplit::ByMerge`], equally many samples each.
    Balanced,
    /// 26 classes: letters, capital or small.
    Letters,
    /// 10 classes: digits.
    Digits,
    /// 10 classes: digits, as many as MNIST has.
    Mnist,
}

impl EmnistSplit {
    /// As the files are called.
    fn name(self) -> &'static str {
        match self {
            Self::ByClass => "byclass",
            Self::ByMerge => "bymerge",
            Self::Balanced => "balanced",
            Self::Letters => "letters",
            Self::Digits => "digits",
            Self::Mnist => "mnist",
        }
    }

    fn class_names(self) -> Vec<String> {
        let digits = || ('0'..='9').map(String::from);
        let capitals = || ('A'..='Z').map(String::from);
        match self {
            Self::ByClass => digits()
                .chain(capitals())
                .chain(('a'..='z').map(String::from))
                .collect(),
            Self::ByMerge | Self::Balanced => {
                let apart = SMALL_APART.chars().map(String::from);
                digits().chain(capitals()).chain(apart).collect()
            }
            Self::Letters => capitals().collect(),
            Self::Digits | Self::Mnist => digits().collect(),
        }
    }
}

/// Grey pictures and labels in a pair of IDX files, plain or gzipped: MNIST (LeCun et al., 1998),
/// Fashion-MNIST (Xiao et al., arXiv 1708.07747), Kuzushiji-MNIST (Clanuwat et al., arXiv
/// 1812.01718), EMNIST (Cohen et al., arXiv 1702.05373), or others.
///
/// Everything stays in memory, 47 MB for MNIST's training part.
#[derive(Clone)]
pub struct Idx {
    class_names: Vec<String>,
    width: usize,
    height: usize,
    /// Whether the files hold columns where others hold rows, as EMNIST's do.
    transposed: bool,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Idx {
    /// The pictures in one file and their labels in another; labels count from 0.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Io`], [`DataError::Malformed`] for what is no IDX file
    /// of bytes, cut off or too long, and for files of different lengths; [`DataError::Label`] for
    /// a label without a name.
    pub fn open(images: &Path, labels: &Path, class_names: Vec<String>) -> Result<Self> {
        Self::numbered_from(0, images, labels, class_names)
    }

    fn numbered_from(
        first: u8,
        images: &Path,
        labels: &Path,
        class_names: Vec<String>,
    ) -> Result<Self> {
        let ([count, height, width], pixels) = idx::read::<3>(images)?;
        let ([named], mut classes) = idx::read::<1>(labels)?;
        if named != count {
            let pictures = images.display();
            return Err(malformed(
                labels,
                format!("{named} labels for the {count} pictures of {pictures}"),
            ));
        }
        for (record, label) in classes.iter_mut().enumerate() {
            match label.checked_sub(first) {
                Some(class) if usize::from(class) < class_names.len() => *label = class,
                _ => {
                    return Err(DataError::Label {
                        path: labels.to_owned(),
                        label: usize::from(*label),
                        record,
                        // Behind a header of two numbers.
                        offset: 8 + record as u64,
                        n_classes: class_names.len(),
                    });
                }
            }
        }
        Ok(Self {
            class_names,
            width,
            height,
            transposed: false,
            pixels,
            labels: classes,
        })
    }

    /// MNIST: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` or the `t10k` pair, with `.gz`
    /// or without, in `folder` or the `mnist` inside it.
    ///
    /// # Errors
    /// As [`Idx::open`].
    pub fn mnist(folder: &Path, split: Split) -> Result<Self> {
        Self::of_mnist_kind(&inside(folder, "mnist"), split, &DIGITS)
    }

    /// Fashion-MNIST: ten kinds of clothes, in files called as MNIST's, in `folder` or the
    /// `fashion-mnist` inside it.
    ///
    /// # Errors
    /// As [`Idx::open`].
    pub fn fashion_mnist(folder: &Path, split: Split) -> Result<Self> {
        Self::of_mnist_kind(&inside(folder, "fashion-mnist"), split, &CLOTHES)
    }

    /// Kuzushiji-MNIST: ten cursive Japanese characters, in files called as MNIST's, in `folder`
    /// or the `kmnist` inside it.
    ///
    /// # Errors
    /// As [`Idx::open`].
    pub fn kmnist(folder: &Path, split: Split) -> Result<Self> {
        Self::of_mnist_kind(&inside(folder, "kmnist"), split, &HIRAGANA)
    }

    /// EMNIST: `emnist-SPLIT-train-images-idx3-ubyte` and so on, with `.gz` or without, in `folder`
    /// or the `emnist` inside it. The files hold each picture on its side; samples are upright.
    ///
    /// # Errors
    /// As [`Idx::open`].
    pub fn emnist(folder: &Path, kind: EmnistSplit, split: Split) -> Result<Self> {
        let folder = inside(folder, "emnist");
        let part = if split == Split::Train {
            "train"
        } else {
            "test"
        };
        let name = kind.name();
        let file = |what: &str| existing(&folder, &format!("emnist-{name}-{part}-{what}-ubyte"));
        // Letters count from 1.
        let first = u8::from(kind == EmnistSplit::Letters);
        let data = Self::numbered_from(
            first,
            &file("images-idx3"),
            &file("labels-idx1"),
            kind.class_names(),
        )?;
        Ok(Self {
            transposed: true,
            width: data.height,
            height: data.width,
            ..data
        })
    }

    fn of_mnist_kind(folder: &Path, split: Split, names: &[&str]) -> Result<Self> {
        let part = if split == Split::Train {
            "train"
        } else {
            "t10k"
        };
        let file = |what: &str| existing(folder, &format!("{part}-{what}-ubyte"));
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Self::open(&file("images-idx3"), &file("labels-idx1"), names)
    }
}

/// The folder of a dataset inside `folder`, or `folder` itself where there is none.
pub(super) fn inside(folder: &Path, name: &str) -> PathBuf {
    let inner = folder.join(name);
    if inner.is_dir() {
        inner
    } else {
        folder.to_owned()
    }
}

/// The file itself if it is there, the gzipped one otherwise.
fn existing(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    if plain.is_file() {
        plain
    } else {
        folder.join(format!("{name}.gz"))
    }
}

impl std::fmt::Debug for Idx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idx")
            .field("len", &self.labels.len())
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

impl Dataset for Idx {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        in_range(index, self.len())?;
        let (width, height) = (self.width, self.height);
        let stored = &self.pixels[index * width * height..][..width * height];
        let pixels = if self.transposed {
            let column = |y: usize| stored[y..].iter().step_by(height);
            (0..height).flat_map(column).copied().collect()
        } else {
            stored.to_vec()
        };
        Ok(Sample {
            image: Image::new(width, height, PixelFormat::Grey, pixels)?,
            label: self.label(index)?,
        })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        in_range(index, self.len())?;
        Ok(Some(usize::from(self.labels[index])))
    }
}
