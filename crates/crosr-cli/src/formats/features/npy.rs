//! Features as a pair of .npy files.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use npyz::{DType, NpyFile, Order};

use super::{Features, Header};
use crate::error::{CliError, Result};

/// Vectors, and labels where there are any.
#[derive(Clone, Debug)]
pub(super) struct NpyPair {
    features: PathBuf,
    labels: Option<PathBuf>,
}

type Npy = NpyFile<BufReader<File>>;
type Numbers<T> = Box<dyn Iterator<Item = io::Result<T>>>;

/// `x_features.npy` has its labels in `x_labels.npy`; any other name in `labels.npy` beside it.
pub(super) fn labels_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let named = name.rfind("features").map(|at| {
        path.with_file_name(format!(
            "{}labels{}",
            &name[..at],
            &name[at + "features".len()..]
        ))
    });
    let candidates = [named, Some(path.with_file_name("labels.npy"))];
    candidates.into_iter().flatten().find(|p| p.is_file())
}

impl NpyPair {
    pub(super) fn open(path: &Path, labels: Option<PathBuf>) -> Result<(Self, Header)> {
        let shape = opened(path)?.1;
        let &[n, dim] = shape.as_slice() else {
            return Err(CliError::file(
                path,
                format!("shape {shape:?}, [N, D] is expected"),
            ));
        };
        let labels = labels.filter(|path| path.is_file());
        let n_labels = match &labels {
            None => None,
            Some(path) => match opened(path)?.1.as_slice() {
                &[n] => Some(n),
                shape => {
                    return Err(CliError::file(
                        path,
                        format!("shape {shape:?}, [N] is expected"),
                    ));
                }
            },
        };
        let header = Header {
            shape: [n, dim],
            labels: n_labels,
            reconstruction_errors: None,
        };
        let pair = Self {
            features: path.to_owned(),
            labels,
        };
        Ok((pair, header))
    }

    /// Gives the next so many samples whenever it is called.
    pub(super) fn reader(
        &self,
        dim: usize,
    ) -> Result<impl FnMut(usize) -> Result<Features> + use<>> {
        let path = self.features.clone();
        let mut values = floats(opened(&path)?.0, &path)?;
        let mut labels = self.labels.as_deref().map(integers).transpose()?;
        let labels_path = self.labels.clone().unwrap_or_default();
        Ok(move |count: usize| {
            let labels = labels
                .as_mut()
                .map(|labels| some(labels, count, &labels_path));
            Ok(Features {
                rows: some(&mut values, count * dim, &path)?,
                dim,
                labels: labels.transpose()?,
                reconstruction_errors: None,
                first: 0,
            })
        })
    }

    pub(super) fn labels(&self) -> Result<BTreeSet<i64>> {
        let Some(path) = &self.labels else {
            return Ok(BTreeSet::new());
        };
        integers(path)?
            .collect::<io::Result<_>>()
            .map_err(CliError::io(path, "read"))
    }
}

/// The next `count` numbers.
fn some<T>(numbers: &mut Numbers<T>, count: usize, path: &Path) -> Result<Vec<T>> {
    let found: Vec<T> = numbers
        .take(count)
        .collect::<io::Result<_>>()
        .map_err(CliError::io(path, "read"))?;
    if found.len() < count {
        return Err(CliError::file(path, "it ends before its header says"));
    }
    Ok(found)
}

fn opened(path: &Path) -> Result<(Npy, Vec<usize>)> {
    let file = File::open(path).map_err(CliError::io(path, "read"))?;
    let size = file.metadata().map_err(CliError::io(path, "read"))?.len();
    let npy = NpyFile::new(BufReader::new(file))
        .map_err(|e| CliError::file(path, format!("not a readable .npy file: {e}")))?;
    // A header may announce anything: hold it against the file before reserving memory.
    let announced = npy.shape().iter().try_fold(1u64, |n, &d| n.checked_mul(d));
    if announced.is_none_or(|n| n > size) {
        return Err(CliError::file(
            path,
            format!("shape {:?} is more than the file holds", npy.shape()),
        ));
    }
    if npy.order() != Order::C {
        return Err(CliError::file(
            path,
            "Fortran order; save it with numpy.ascontiguousarray",
        ));
    }
    let shape = npy.shape().iter().map(|&d| d as usize).collect();
    Ok((npy, shape))
}

fn floats(npy: Npy, path: &Path) -> Result<Numbers<f32>> {
    let is_double = matches!(npy.dtype(), DType::Plain(t) if t.num_bytes() == Some(8));
    let wrong = |_| CliError::file(path, "features are f32 or f64");
    if is_double {
        let values = npy.try_data::<f64>().map_err(wrong)?;
        Ok(Box::new(values.map(|v| v.map(|v| v as f32))))
    } else {
        Ok(Box::new(npy.try_data::<f32>().map_err(wrong)?))
    }
}

fn integers(path: &Path) -> Result<Numbers<i64>> {
    let labels = opened(path)?
        .0
        .try_data::<i64>()
        .map_err(|_| CliError::file(path, "labels are read as i64"))?;
    Ok(Box::new(labels))
}
