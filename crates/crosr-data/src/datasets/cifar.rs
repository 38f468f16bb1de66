//! CIFAR-10 and CIFAR-100: records of label bytes and 3 x 1024 bytes of planar pixels, or Python's
//! pickles with the same in arrays.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use super::cifar_names::{CIFAR10, CIFAR100, CIFAR100_COARSE};
use super::idx::inside;
use crate::dataset::{Dataset, Sample, in_range};
use crate::error::{DataError, Result};
use crate::formats::{malformed, names, numpy::PickledDict};
use crate::image::{Image, PixelFormat};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;

/// Which part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What networks learn from.
    Train,
    /// What they are judged on.
    Test,
}

/// CIFAR-10 (Krizhevsky, 2009): ten classes of 32 x 32 pictures, 50,000 to train, 10,000 to test.
///
/// The records stay in memory as they are on disk, 154 MB for the training part.
#[derive(Clone)]
pub struct Cifar10(Records);

impl Cifar10 {
    /// What its classes are called, in the order of the labels.
    pub const CLASS_NAMES: [&'static str; 10] = CIFAR10;

    /// Reads `data_batch_1.bin` … `data_batch_5.bin` or `test_batch.bin` in `folder`, or in the
    /// `cifar-10-batches-bin` inside it. Where there are none, Python's files without the ending,
    /// in `folder` or the `cifar-10-batches-py` inside it.
    ///
    /// # Errors
    /// [`DataError::Missing`] naming the first file that is not there, [`DataError::Io`],
    /// [`DataError::Truncated`] for one that does not consist of whole records,
    /// [`DataError::Malformed`] for a pickle without the arrays, [`DataError::Label`] for a label
    /// above 9.
    pub fn open(folder: &Path, split: Split) -> Result<Self> {
        let files: Vec<String> = match split {
            Split::Train => (1..=5).map(|k| format!("data_batch_{k}")).collect(),
            Split::Test => vec!["test_batch".to_owned()],
        };
        let pickled = paths(&inside(folder, "cifar-10-batches-py"), &files, "");
        let folder = inside(folder, "cifar-10-batches-bin");
        let files = paths(&folder, &files, ".bin");
        let names = class_names(&folder.join("batches.meta.txt"), &CIFAR10);
        if are_instead(&pickled, &files) {
            return Records::unpickle(&pickled, &["labels"], 0, names).map(Self);
        }
        Records::read(
            &files,
            Layout {
                labels: 1,
                label_at: 0,
            },
            names,
        )
        .map(Self)
    }
}

/// CIFAR-100 (Krizhevsky, 2009): a hundred classes of 32 x 32 pictures in twenty groups, 50,000 to
/// train, 10,000 to test.
///
/// The records stay in memory as they are on disk, 154 MB for the training part.
#[derive(Clone)]
pub struct Cifar100(Records);

impl Cifar100 {
    /// Reads `train.bin` or `test.bin` in `folder`, or in the `cifar-100-binary` inside it, with
    /// the hundred fine classes. Where there is none, Python's file without the ending, in `folder`
    /// or the `cifar-100-python` inside it.
    ///
    /// # Errors
    /// As [`Cifar10::open`].
    pub fn open(folder: &Path, split: Split) -> Result<Self> {
        Self::with(folder, split, 1, "fine_label_names.txt", &CIFAR100)
    }

    /// The same with the twenty coarse classes.
    ///
    /// # Errors
    /// As [`Cifar10::open`].
    pub fn coarse(folder: &Path, split: Split) -> Result<Self> {
        Self::with(folder, split, 0, "coarse_label_names.txt", &CIFAR100_COARSE)
    }

    fn with(
        folder: &Path,
        split: Split,
        label_at: usize,
        names: &str,
        published: &[&str],
    ) -> Result<Self> {
        let file = match split {
            Split::Train => "train",
            Split::Test => "test",
        };
        let files = [file.to_owned()];
        let pickled = paths(&inside(folder, "cifar-100-python"), &files, "");
        let folder = inside(folder, "cifar-100-binary");
        let files = paths(&folder, &files, ".bin");
        let names = class_names(&folder.join(names), published);
        if are_instead(&pickled, &files) {
            let labels = ["coarse_labels", "fine_labels"];
            return Records::unpickle(&pickled, &labels, label_at, names).map(Self);
        }
        Records::read(
            &files,
            Layout {
                labels: 2,
                label_at,
            },
            names,
        )
        .map(Self)
    }
}

fn paths(folder: &Path, names: &[String], ending: &str) -> Vec<PathBuf> {
    let path = |name: &String| folder.join(format!("{name}{ending}"));
    names.iter().map(path).collect()
}

/// Whether the first of these is there and the first of the others is not.
fn are_instead(these: &[PathBuf], others: &[PathBuf]) -> bool {
    let is_there = |files: &[PathBuf]| files.first().is_some_and(|file| file.is_file());
    is_there(these) && !is_there(others)
}

/// What a record begins with.
#[derive(Clone, Copy)]
struct Layout {
    /// Bytes of labels.
    labels: usize,
    /// Which of them counts.
    label_at: usize,
}

impl Layout {
    /// Bytes of a record.
    fn record(self) -> usize {
        self.labels + 3 * PLANE
    }
}

/// Records as they are on disk.
#[derive(Clone)]
struct Records {
    class_names: Vec<String>,
    layout: Layout,
    bytes: Vec<u8>,
}

impl Records {
    fn read(files: &[PathBuf], layout: Layout, class_names: Vec<String>) -> Result<Self> {
        let mut bytes = Vec::new();
        for path in files {
            let batch = read_batch(path, layout, class_names.len())?;
            if bytes.is_empty() {
                // All files of the published data have the same size; a single one is kept as read.
                bytes = batch;
                bytes.reserve_exact(bytes.len() * (files.len() - 1));
            } else {
                bytes.extend_from_slice(&batch);
            }
        }
        Ok(Self {
            class_names,
            layout,
            bytes,
        })
    }

    /// Python's files; records are put together as the binary files have them, with the labels
    /// under `keys`.
    fn unpickle(
        files: &[PathBuf],
        keys: &[&str],
        label_at: usize,
        class_names: Vec<String>,
    ) -> Result<Self> {
        let layout = Layout {
            labels: keys.len(),
            label_at,
        };
        let mut bytes = Vec::new();
        for path in files {
            let pickle = fs::read(path).map_err(|source| DataError::unreadable(path, source))?;
            let dict = PickledDict::read(&pickle, path)?;
            let pictures = dict.array("data")?;
            let labels = keys.iter().map(|key| dict.bytes(key));
            let labels = labels.collect::<Result<Vec<_>>>()?;
            let (planes, rest) = pictures.values.as_chunks::<{ 3 * PLANE }>();
            if !rest.is_empty() || labels.iter().any(|labels| labels.len() != planes.len()) {
                let counts: Vec<usize> = labels.iter().map(Vec::len).collect();
                let shape = &pictures.shape;
                let what = format!("{counts:?} labels for an array of {shape:?} bytes");
                return Err(malformed(path, what));
            }
            bytes.reserve_exact(planes.len() * layout.record());
            for (record, planes) in planes.iter().enumerate() {
                bytes.extend(labels.iter().map(|labels| labels[record]));
                bytes.extend_from_slice(planes);
            }
            let first = bytes.len() - planes.len() * layout.record();
            check_labels(path, &bytes[first..], layout, class_names.len())?;
        }
        Ok(Self {
            class_names,
            layout,
            bytes,
        })
    }

    fn len(&self) -> usize {
        self.bytes.len() / self.layout.record()
    }

    fn record(&self, index: usize) -> Result<&[u8]> {
        in_range(index, self.len())?;
        let size = self.layout.record();
        Ok(&self.bytes[index * size..][..size])
    }

    fn label(&self, index: usize) -> Result<usize> {
        Ok(usize::from(self.record(index)?[self.layout.label_at]))
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let planes = &self.record(index)?[self.layout.labels..];
        let (red, rest) = planes.split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        let mut pixels = vec![0; 3 * PLANE];
        let planes = red.iter().zip(green).zip(blue);
        for (pixel, ((&r, &g), &b)) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(planes) {
            *pixel = [r, g, b];
        }
        Ok(Sample {
            image: Image::new(SIDE, SIDE, PixelFormat::Rgb, pixels)?,
            label: Some(self.label(index)?),
        })
    }
}

fn read_batch(path: &Path, layout: Layout, n_classes: usize) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(|source| DataError::unreadable(path, source))?;
    let size = layout.record();
    let whole = bytes.len() / size;
    if whole * size != bytes.len() || whole == 0 {
        return Err(DataError::Truncated {
            path: path.to_owned(),
            size: bytes.len() as u64,
            record: size as u64,
            offset: (whole * size) as u64,
        });
    }
    check_labels(path, &bytes, layout, n_classes)?;
    Ok(bytes)
}

fn check_labels(path: &Path, records: &[u8], layout: Layout, n_classes: usize) -> Result<()> {
    let size = layout.record();
    let mut labels = records
        .iter()
        .skip(layout.label_at)
        .step_by(size)
        .enumerate();
    match labels.find(|(_, label)| usize::from(**label) >= n_classes) {
        None => Ok(()),
        Some((record, &label)) => Err(DataError::Label {
            path: path.to_owned(),
            label: usize::from(label),
            record,
            offset: (record * size) as u64,
            n_classes,
        }),
    }
}

/// The names that come with the data, if they are as many; the published ones otherwise.
fn class_names(list: &Path, published: &[&str]) -> Vec<String> {
    let names = names(&fs::read_to_string(list).unwrap_or_default());
    if names.len() == published.len() {
        names
    } else {
        published.iter().map(|&name| name.to_owned()).collect()
    }
}

macro_rules! dataset {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("len", &self.0.len())
                    .finish_non_exhaustive()
            }
        }

        impl Dataset for $name {
            fn class_names(&self) -> &[String] {
                &self.0.class_names
            }

            fn len(&self) -> usize {
                self.0.len()
            }

            fn sample(&self, index: usize) -> Result<Sample> {
                self.0.sample(index)
            }

            fn label(&self, index: usize) -> Result<Option<usize>> {
                self.0.label(index).map(Some)
            }
        }
    )*};
}

dataset!(Cifar10, Cifar100);
