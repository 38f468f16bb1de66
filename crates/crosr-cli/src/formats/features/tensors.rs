//! Features as safetensors.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, Metadata, TensorView};

use super::{Features, Header};
use crate::error::{CliError, Result};
use crate::run_folder::write_atomically;

/// A header of a features file says three tensors; this is far beyond.
const LONGEST_HEADER: u64 = 1 << 24;

/// Bytes of labels read at a time.
const LABELS_AT_A_TIME: usize = 1 << 16;

/// Where in the file each tensor lies.
#[derive(Clone, Debug)]
pub(super) struct TensorFile {
    path: PathBuf,
    features: Range<u64>,
    labels: Option<Range<u64>>,
    reconstruction_errors: Option<Range<u64>>,
}

impl TensorFile {
    /// Reads the header and holds it against the file's size.
    pub(super) fn open(path: &Path) -> Result<(Self, Header)> {
        let unreadable =
            |what: String| CliError::file(path, format!("not a readable safetensors file: {what}"));
        let mut file = File::open(path).map_err(CliError::io(path, "read"))?;
        let size = file.metadata().map_err(CliError::io(path, "read"))?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length)
            .map_err(|e| unreadable(e.to_string()))?;
        let length = u64::from_le_bytes(length);
        let Some(start) = length.checked_add(8).filter(|&start| start <= size) else {
            return Err(unreadable("the header is longer than the file".to_owned()));
        };
        if length > LONGEST_HEADER {
            return Err(unreadable(format!("a header of {length} bytes")));
        }
        let mut header = Vec::new();
        file.take(length)
            .read_to_end(&mut header)
            .map_err(CliError::io(path, "read"))?;
        let header: Metadata =
            serde_json::from_slice(&header).map_err(|e| unreadable(e.to_string()))?;
        let tensor = |name: &str, wanted: Dtype, dims: usize| {
            let Some(info) = header.info(name) else {
                return Ok(None);
            };
            if info.dtype != wanted || info.shape.len() != dims {
                let shape = ["[N]", "[N, D]"][dims - 1];
                return Err(CliError::file(
                    path,
                    format!(
                        "`{name}` holds {:?} {:?}, {wanted:?} {shape} is expected",
                        info.dtype, info.shape
                    ),
                ));
            }
            let (from, to) = info.data_offsets;
            let bytes = info
                .shape
                .iter()
                .try_fold(wanted.bitsize() / 8, |n, &d| n.checked_mul(d));
            let place = start.checked_add(to as u64).filter(|&end| end <= size);
            match (place, to.checked_sub(from)) {
                (Some(end), found) if found.is_some() && found == bytes => {
                    Ok(Some((start + from as u64..end, info.shape.clone())))
                }
                _ => Err(unreadable(format!("`{name}` is not where the header says"))),
            }
        };
        let (features, shape) = tensor("features", Dtype::F32, 2)?
            .ok_or_else(|| CliError::file(path, "there is no tensor `features` in it"))?;
        let labels = tensor("labels", Dtype::I64, 1)?;
        let errors = tensor("reconstruction_errors", Dtype::F32, 1)?;
        let header = Header {
            shape: [shape[0], shape[1]],
            labels: labels.as_ref().map(|(_, shape)| shape[0]),
            reconstruction_errors: errors.as_ref().map(|(_, shape)| shape[0]),
        };
        let file = Self {
            path: path.to_owned(),
            features,
            labels: labels.map(|(place, _)| place),
            reconstruction_errors: errors.map(|(place, _)| place),
        };
        Ok((file, header))
    }

    /// Gives the next so many samples whenever it is called.
    pub(super) fn reader(
        &self,
        dim: usize,
    ) -> Result<impl FnMut(usize) -> Result<Features> + use<>> {
        let at = |place: &Option<Range<u64>>| place.as_ref().map(|p| self.at(p)).transpose();
        let mut features = self.at(&self.features)?;
        let (mut labels, mut errors) = (at(&self.labels)?, at(&self.reconstruction_errors)?);
        Ok(move |count: usize| {
            let labels = labels
                .as_mut()
                .map(|at| at.numbers(count, i64::from_le_bytes));
            let errors = errors
                .as_mut()
                .map(|at| at.numbers(count, f32::from_le_bytes));
            Ok(Features {
                rows: features.numbers(count * dim, f32::from_le_bytes)?,
                dim,
                labels: labels.transpose()?,
                reconstruction_errors: errors.transpose()?,
                first: 0,
            })
        })
    }

    pub(super) fn labels(&self) -> Result<BTreeSet<i64>> {
        let mut found = BTreeSet::new();
        let Some(place) = &self.labels else {
            return Ok(found);
        };
        let mut at = self.at(place)?;
        let mut left = ((place.end - place.start) / 8) as usize;
        while left > 0 {
            let count = left.min(LABELS_AT_A_TIME / 8);
            found.extend(at.numbers(count, i64::from_le_bytes)?);
            left -= count;
        }
        Ok(found)
    }

    fn at(&self, place: &Range<u64>) -> Result<Tensor> {
        let mut file = File::open(&self.path).map_err(CliError::io(&self.path, "read"))?;
        file.seek(SeekFrom::Start(place.start))
            .map_err(CliError::io(&self.path, "read"))?;
        Ok(Tensor {
            path: self.path.clone(),
            file,
            bytes: Vec::new(),
        })
    }
}

/// A tensor that is read from front to back.
struct Tensor {
    path: PathBuf,
    file: File,
    /// Reused from block to block.
    bytes: Vec<u8>,
}

impl Tensor {
    fn numbers<const SIZE: usize, T>(
        &mut self,
        count: usize,
        number: impl Fn([u8; SIZE]) -> T,
    ) -> Result<Vec<T>> {
        self.bytes.resize(count * SIZE, 0);
        self.file
            .read_exact(&mut self.bytes)
            .map_err(CliError::io(&self.path, "read"))?;
        let (numbers, _) = self.bytes.as_chunks::<SIZE>();
        Ok(numbers.iter().map(|&bytes| number(bytes)).collect())
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
