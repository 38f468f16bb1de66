//! Features files: `features` f32 `(N, D)` and `labels` i64 `(N)`, as safetensors or a pair of .npy;
//! as safetensors also `reconstruction_errors` f32 `(N)`.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crosr_openmax::EvidenceSamples;
use npyz::{DType, NpyFile};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::{CliError, Result};
use crate::run_folder::{read, write_atomically};

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
        let highest = self.labels.iter().flatten().copied().max()?;
        Some(usize::try_from(highest).ok()?.saturating_add(1))
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
        let labels = self.labels.as_ref().ok_or_else(|| {
            CliError::file(
                path,
                "there are no labels; known samples need `labels` i64 [N]",
            )
        })?;
        let class = |(row, &label): (usize, &i64)| match usize::try_from(label) {
            Ok(class) if class < n_classes => Ok(class),
            _ => Err(CliError::file(
                path,
                format!("label {label} of sample {row} is none of the {n_classes} known classes"),
            )),
        };
        labels.iter().enumerate().map(class).collect()
    }
}

/// Reads a features file.
pub(crate) fn read_features(path: &Path) -> Result<Features> {
    let features = if path.is_dir() {
        from_npy(&path.join("features.npy"), Some(&path.join("labels.npy")))?
    } else if path.extension().is_some_and(|e| e == "npy") {
        from_npy(path, labels_beside(path).as_deref())?
    } else {
        from_safetensors(path)?
    };
    if features.len() == 0 {
        return Err(CliError::file(path, "there are no samples in it"));
    }
    if let Some(labels) = &features.labels
        && labels.len() != features.len()
    {
        return Err(CliError::file(
            path,
            format!("{} labels for {} samples", labels.len(), features.len()),
        ));
    }
    if let Some(errors) = &features.reconstruction_errors
        && errors.len() != features.len()
    {
        return Err(CliError::file(
            path,
            format!(
                "{} reconstruction errors for {} samples",
                errors.len(),
                features.len()
            ),
        ));
    }
    Ok(features)
}

/// `x_features.npy` has its labels in `x_labels.npy`; any other name in `labels.npy` beside it.
fn labels_beside(path: &Path) -> Option<PathBuf> {
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

fn from_safetensors(path: &Path) -> Result<Features> {
    let bytes = read(path)?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| CliError::file(path, format!("not a readable safetensors file: {e}")))?;
    let features = file
        .tensor("features")
        .map_err(|_| CliError::file(path, "there is no tensor `features` in it"))?;
    let &[_, dim] = features.shape() else {
        return Err(CliError::file(
            path,
            format!(
                "`features` has shape {:?}, [N, D] is expected",
                features.shape()
            ),
        ));
    };
    if features.dtype() != Dtype::F32 {
        return Err(CliError::file(
            path,
            format!("`features` holds {:?}, F32 is expected", features.dtype()),
        ));
    }
    let (values, _) = features.data().as_chunks::<4>();
    let rows = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let reconstruction_errors = match file.tensor("reconstruction_errors") {
        Err(_) => None,
        Ok(errors) if errors.dtype() == Dtype::F32 && errors.shape().len() == 1 => {
            let (values, _) = errors.data().as_chunks::<4>();
            Some(values.iter().map(|b| f32::from_le_bytes(*b)).collect())
        }
        Ok(errors) => {
            return Err(CliError::file(
                path,
                format!(
                    "`reconstruction_errors` holds {:?} {:?}, F32 [N] is expected",
                    errors.dtype(),
                    errors.shape()
                ),
            ));
        }
    };
    let labels = match file.tensor("labels") {
        Err(_) => None,
        Ok(labels) if labels.dtype() == Dtype::I64 && labels.shape().len() == 1 => {
            let (values, _) = labels.data().as_chunks::<8>();
            Some(values.iter().map(|b| i64::from_le_bytes(*b)).collect())
        }
        Ok(labels) => {
            return Err(CliError::file(
                path,
                format!(
                    "`labels` holds {:?} {:?}, I64 [N] is expected",
                    labels.dtype(),
                    labels.shape()
                ),
            ));
        }
    };
    Ok(Features {
        rows,
        dim,
        labels,
        reconstruction_errors,
    })
}

fn from_npy(path: &Path, labels: Option<&Path>) -> Result<Features> {
    let (npy, shape) = open_npy(path)?;
    let &[n, dim] = shape.as_slice() else {
        return Err(CliError::file(
            path,
            format!("shape {shape:?}, [N, D] is expected"),
        ));
    };
    let rows: Vec<f32> = numbers(npy, path, "f32 or f64")?;
    if rows.len() != n * dim {
        return Err(CliError::file(
            path,
            format!("{} values, {n} x {dim} announced", rows.len()),
        ));
    }
    let labels = match labels.filter(|p| p.is_file()) {
        None => None,
        Some(path) => {
            let (npy, shape) = open_npy(path)?;
            if shape.len() != 1 {
                return Err(CliError::file(
                    path,
                    format!("shape {shape:?}, [N] is expected"),
                ));
            }
            let unreadable = |e: std::io::Error| CliError::file(path, e.to_string());
            let values = npy
                .try_data::<i64>()
                .map_err(|_| CliError::file(path, "labels are read as i64"))?;
            Some(
                values
                    .collect::<std::io::Result<Vec<i64>>>()
                    .map_err(unreadable)?,
            )
        }
    };
    Ok(Features {
        rows,
        dim,
        labels,
        reconstruction_errors: None,
    })
}

type Npy = NpyFile<BufReader<File>>;

fn open_npy(path: &Path) -> Result<(Npy, Vec<usize>)> {
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
    if npy.order() != npyz::Order::C {
        return Err(CliError::file(
            path,
            "Fortran order; save it with numpy.ascontiguousarray",
        ));
    }
    let shape = npy.shape().iter().map(|&d| d as usize).collect();
    Ok((npy, shape))
}

fn numbers(npy: Npy, path: &Path, wanted: &str) -> Result<Vec<f32>> {
    let unreadable = |e: std::io::Error| CliError::file(path, e.to_string());
    let is_double = matches!(npy.dtype(), DType::Plain(t) if t.num_bytes() == Some(8));
    let wrong = |_| CliError::file(path, format!("features are {wanted}"));
    if is_double {
        let values = npy.try_data::<f64>().map_err(wrong)?;
        values
            .map(|v| v.map(|v| v as f32))
            .collect::<std::io::Result<_>>()
            .map_err(unreadable)
    } else {
        let values = npy.try_data::<f32>().map_err(wrong)?;
        values.collect::<std::io::Result<_>>().map_err(unreadable)
    }
}

/// Writes the features file of a set of samples into a folder.
pub(crate) fn write_features(folder: &Path, name: &str, features: &Features) -> Result<()> {
    let path = folder.join(format!("{name}.safetensors"));
    write_atomically(&path, &to_safetensors(features, &path)?)
}

/// A features file in main memory.
fn to_safetensors(features: &Features, path: &Path) -> Result<Vec<u8>> {
    let failed = |e: safetensors::SafeTensorError| CliError::file(path, e.to_string());
    let rows: Vec<u8> = features.rows.iter().flat_map(|v| v.to_le_bytes()).collect();
    let labels: Vec<u8> = features
        .labels
        .iter()
        .flatten()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let mut views = vec![(
        "features",
        TensorView::new(Dtype::F32, vec![features.len(), features.dim], &rows).map_err(failed)?,
    )];
    let errors: Vec<u8> = features
        .reconstruction_errors
        .iter()
        .flatten()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    if let Some(values) = &features.reconstruction_errors {
        let view = TensorView::new(Dtype::F32, vec![values.len()], &errors).map_err(failed)?;
        views.push(("reconstruction_errors", view));
    }
    if let Some(values) = &features.labels {
        let view = TensorView::new(Dtype::I64, vec![values.len()], &labels).map_err(failed)?;
        views.push(("labels", view));
    }
    safetensors::serialize(views, None).map_err(failed)
}
