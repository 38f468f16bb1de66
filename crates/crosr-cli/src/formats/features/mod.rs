//! Features files: `features` f32 `(N, D)` and `labels` i64 `(N)`, as safetensors or a pair of .npy;
//! as safetensors also `reconstruction_errors` f32 `(N)`.

mod npy;
mod tensors;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crosr_openmax::EvidenceSamples;

use self::npy::NpyPair;
use self::tensors::TensorFile;
use crate::error::{CliError, Result};

pub(crate) use self::tensors::write_features;

/// Activation vectors with the class of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Features {
    /// Row-major (N, D).
    pub(crate) rows: Vec<f32>,
    /// Length of a row.
    pub(crate) dim: usize,
    /// (N); negative where there is no known class. `None` if the file gives none.
    pub(crate) labels: Option<Vec<i64>>,
    /// (N), mean squared errors of the reconstructions. `None` if the file gives none.
    pub(crate) reconstruction_errors: Option<Vec<f32>>,
    /// Place of the first in its file, for errors.
    pub(crate) first: usize,
}

impl Features {
    pub(crate) fn len(&self) -> usize {
        self.rows.len().checked_div(self.dim).unwrap_or(0)
    }

    /// One sample's vector.
    pub(crate) fn row(&self, index: usize) -> &[f32] {
        &self.rows[index * self.dim..][..self.dim]
    }

    /// One more than the highest label, if a label names a class.
    pub(crate) fn labelled_classes(&self) -> Option<usize> {
        classes_up_to(self.labels.iter().flatten().copied().max()?)
    }

    /// What evidence is drawn from.
    pub(crate) fn evidence(&self) -> EvidenceSamples<'_> {
        EvidenceSamples {
            rows: &self.rows,
            reconstruction_errors: self.reconstruction_errors.as_deref(),
        }
    }

    /// Labels as class indices below `n_classes`.
    pub(crate) fn classes(&self, n_classes: usize, path: &Path) -> Result<Vec<usize>> {
        let labels = self.labels.as_ref().ok_or_else(|| no_labels(path))?;
        let class = |(row, &label): (usize, &i64)| match usize::try_from(label) {
            Ok(class) if class < n_classes => Ok(class),
            _ => Err(CliError::file(
                path,
                format!("label {label} of sample {row} is none of the {n_classes} known classes"),
            )),
        };
        (self.first..).zip(labels).map(class).collect()
    }
}

/// One more than this label, if it names a class.
pub(crate) fn classes_up_to(label: i64) -> Option<usize> {
    Some(usize::try_from(label).ok()?.saturating_add(1))
}

fn no_labels(path: &Path) -> CliError {
    CliError::file(
        path,
        "there are no labels; known samples need `labels` i64 [N]",
    )
}

/// A features file that is read a block at a time, as often as need be.
#[derive(Clone, Debug)]
pub(crate) struct FeaturesFile {
    path: PathBuf,
    len: usize,
    dim: usize,
    layout: Layout,
}

#[derive(Clone, Debug)]
enum Layout {
    Tensors(TensorFile),
    Npy(NpyPair),
}

/// What a layout says of itself before any vector is read.
struct Header {
    /// Shape of `features`.
    shape: [usize; 2],
    /// Numbers in `labels` and `reconstruction_errors`, where there are any.
    labels: Option<usize>,
    reconstruction_errors: Option<usize>,
}

/// Iterator over the blocks of a features file.
pub(crate) type Blocks = Box<dyn Iterator<Item = Result<Features>>>;

impl FeaturesFile {
    /// Looks at the header; the vectors stay where they are.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (layout, header) = if path.is_dir() {
            let labels = path.join("labels.npy");
            let (pair, header) = NpyPair::open(&path.join("features.npy"), Some(labels))?;
            (Layout::Npy(pair), header)
        } else if path.extension().is_some_and(|e| e == "npy") {
            let (pair, header) = NpyPair::open(path, npy::labels_beside(path))?;
            (Layout::Npy(pair), header)
        } else {
            let (file, header) = TensorFile::open(path)?;
            (Layout::Tensors(file), header)
        };
        let [len, dim] = header.shape;
        if len == 0 || dim == 0 {
            return Err(CliError::file(path, "there are no samples in it"));
        }
        for (what, found) in [
            ("labels", header.labels),
            ("reconstruction errors", header.reconstruction_errors),
        ] {
            if let Some(found) = found.filter(|&found| found != len) {
                let what = format!("{found} {what} for {len} samples");
                return Err(CliError::file(path, what));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            len,
            dim,
            layout,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Samples in it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Length of a vector.
    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// All samples in order, `rows` of them at a time.
    pub(crate) fn blocks(&self, rows: usize) -> Result<Blocks> {
        let mut reader: Box<dyn FnMut(usize) -> Result<Features>> = match &self.layout {
            Layout::Tensors(file) => Box::new(file.reader(self.dim)?),
            Layout::Npy(pair) => Box::new(pair.reader(self.dim)?),
        };
        let (len, mut first) = (self.len, 0);
        Ok(Box::new(std::iter::from_fn(move || {
            let count = rows.min(len - first);
            let block = (count > 0).then(|| reader(count));
            let block = block.map(|block| block.map(|block| Features { first, ..block }));
            first += count;
            // After an error nothing in its place can be read.
            if block.as_ref().is_some_and(Result::is_err) {
                first = len;
            }
            block
        })))
    }

    /// The labels that occur; none where the file gives none.
    pub(crate) fn labels(&self) -> Result<BTreeSet<i64>> {
        match &self.layout {
            Layout::Tensors(file) => file.labels(),
            Layout::Npy(pair) => pair.labels(),
        }
    }
}

/// Reads a features file into memory.
pub(crate) fn read_features(path: &Path) -> Result<Features> {
    let file = FeaturesFile::open(path)?;
    let whole = file.blocks(file.len())?.next();
    whole.unwrap_or_else(|| Err(CliError::file(path, "there are no samples in it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Features {
        Features {
            rows: vec![0.5, 1.0, 1.5, 2.0, 2.5, 3.0],
            dim: 2,
            labels: Some(vec![1, 0, -1]),
            reconstruction_errors: Some(vec![0.1, 0.2, 0.3]),
            first: 0,
        }
    }

    #[test]
    fn blocks_are_the_file_in_pieces() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        write_features(dir.path(), "x", &three()).expect("writable");
        let file = FeaturesFile::open(&dir.path().join("x.safetensors")).expect("just written");
        assert_eq!((file.len(), file.dim()), (3, 2));
        assert_eq!(file.labels().expect("there"), BTreeSet::from([-1, 0, 1]));
        let blocks: Vec<Features> = file
            .blocks(2)
            .and_then(Iterator::collect)
            .expect("readable");
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0].rows, [0.5, 1.0, 1.5, 2.0]);
        assert_eq!(
            (blocks[1].first, blocks[1].rows.as_slice()),
            (2, &[2.5, 3.0][..])
        );
        assert_eq!(blocks[1].labels, Some(vec![-1]));
        assert_eq!(blocks[1].reconstruction_errors, Some(vec![0.3]));
        let refused = blocks[1].classes(2, file.path()).map_err(|e| e.one_line());
        assert!(refused.is_err_and(|e| e.contains("label -1 of sample 2")));
    }

    #[test]
    fn a_file_that_is_cut_while_it_is_read_says_so() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        write_features(dir.path(), "x", &three()).expect("writable");
        let path = dir.path().join("x.safetensors");
        let file = FeaturesFile::open(&path).expect("just written");
        let bytes = std::fs::read(&path).expect("there");
        std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("writable");
        let read: Result<Vec<Features>> = file.blocks(1).and_then(Iterator::collect);
        assert!(read.is_err_and(|e| e.one_line().contains("x.safetensors")));
        // And a header that promises more than there is.
        assert!(FeaturesFile::open(&path).is_err_and(|e| e.one_line().contains("x.safetensors")));
    }
}
