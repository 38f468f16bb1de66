//! CIFAR-10 in its binary layout: records of one label byte and 3 x 1024 bytes of planar pixels.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use crate::dataset::{Dataset, Sample, in_range};
use crate::error::{DataError, Result};
use crate::image::{Image, PixelFormat};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;
const NAMES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

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
pub struct Cifar10 {
    class_names: Vec<String>,
    records: Vec<u8>,
}

impl Cifar10 {
    /// Reads `data_batch_1.bin` … `data_batch_5.bin` or `test_batch.bin` in `folder`, or in the
    /// `cifar-10-batches-bin` inside it.
    ///
    /// # Errors
    /// [`DataError::Missing`] naming the first file that is not there, [`DataError::Io`],
    /// [`DataError::Truncated`] for one that does not consist of whole records,
    /// [`DataError::Label`] for a label above 9.
    pub fn open(folder: &Path, split: Split) -> Result<Self> {
        let inner = folder.join("cifar-10-batches-bin");
        let folder = if inner.is_dir() {
            inner
        } else {
            folder.to_owned()
        };
        let files: Vec<PathBuf> = match split {
            Split::Train => (1..=5)
                .map(|k| folder.join(format!("data_batch_{k}.bin")))
                .collect(),
            Split::Test => vec![folder.join("test_batch.bin")],
        };
        let mut records = Vec::new();
        for path in &files {
            let batch = read_batch(path)?;
            // All files of the published data have the same size.
            records.reserve_exact(if records.is_empty() {
                batch.len() * files.len()
            } else {
                0
            });
            records.extend_from_slice(&batch);
        }
        Ok(Self {
            class_names: class_names(&folder),
            records,
        })
    }
}

impl fmt::Debug for Cifar10 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cifar10")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

fn read_batch(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => DataError::Missing {
            path: path.to_owned(),
        },
        _ => DataError::Io {
            path: path.to_owned(),
            source,
        },
    })?;
    let whole = bytes.len() / RECORD;
    if whole * RECORD != bytes.len() || whole == 0 {
        return Err(DataError::Truncated {
            path: path.to_owned(),
            size: bytes.len() as u64,
            record: RECORD as u64,
            offset: (whole * RECORD) as u64,
        });
    }
    let label = |record: usize| usize::from(bytes[record * RECORD]);
    if let Some(record) = (0..whole).find(|&record| label(record) >= NAMES.len()) {
        return Err(DataError::Label {
            path: path.to_owned(),
            label: label(record),
            record,
            offset: (record * RECORD) as u64,
            n_classes: NAMES.len(),
        });
    }
    Ok(bytes)
}

/// The names that come with the data, if they are ten; the published ones otherwise.
fn class_names(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("batches.meta.txt")).unwrap_or_default();
    let names: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .map(str::to_owned)
        .collect();
    if names.len() == NAMES.len() {
        names
    } else {
        NAMES.map(str::to_owned).to_vec()
    }
}

impl Dataset for Cifar10 {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.records.len() / RECORD
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        in_range(index, self.len())?;
        let record = &self.records[index * RECORD..][..RECORD];
        let (red, rest) = record[1..].split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        let mut pixels = vec![0; 3 * PLANE];
        let planes = red.iter().zip(green).zip(blue);
        for (pixel, ((&r, &g), &b)) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(planes) {
            *pixel = [r, g, b];
        }
        Ok(Sample {
            image: Image::new(SIDE, SIDE, PixelFormat::Rgb, pixels)?,
            label: Some(usize::from(record[0])),
        })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        in_range(index, self.len())?;
        Ok(Some(usize::from(self.records[index * RECORD])))
    }
}
