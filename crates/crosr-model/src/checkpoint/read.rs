//! Reading safetensors files, with no trust in what they say.
//!
//! A header is bounded before it is parsed, and tensors stay bytes of the file until names and
//! shapes are known to be right.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, Metadata};
use serde::de::Error as _;

use crate::error::{ModelError, Result, shown};
use crate::parameters::{Shapes, is_statistic};

/// Longest header in bytes. Parsed it takes some fifty times as much memory; those written here
/// have a few kilobytes and the class names.
const LONGEST_HEADER: usize = 4 << 20;

/// A float tensor as it lies in a file.
pub(crate) struct Stored<'a> {
    pub(crate) shape: Vec<usize>,
    dtype: Dtype,
    data: &'a [u8],
}

impl Stored<'_> {
    /// The values as f32.
    pub(crate) fn values(&self) -> Vec<f32> {
        match self.dtype {
            Dtype::F16 => decode(self.data, |b| half::f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => decode(self.data, |b| half::bf16::from_le_bytes(b).to_f32()),
            Dtype::F64 => decode(self.data, |b| f64::from_le_bytes(b) as f32),
            _ => decode(self.data, f32::from_le_bytes),
        }
    }
}

fn decode<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (values, _) = data.as_chunks::<N>();
    values.iter().map(|&bytes| value(bytes)).collect()
}

/// A file's float tensors, by name, and its metadata.
pub(crate) struct TensorFile<'a> {
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) tensors: BTreeMap<String, Stored<'a>>,
}

impl<'a> TensorFile<'a> {
    /// Reads the header; `path` is named in errors.
    ///
    /// # Errors
    /// A file that is not safetensors, or holds other tensors than of floats.
    pub(crate) fn read(bytes: &'a [u8], path: &Path) -> Result<Self> {
        let (header, data) = split(bytes).map_err(|source| ModelError::Safetensors {
            path: path.to_owned(),
            source,
        })?;
        let infos: BTreeMap<_, _> = header.tensors().into_iter().collect();
        let mut tensors = BTreeMap::new();
        for (name, info) in infos {
            match info.dtype {
                Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64 => {}
                // PyTorch's batch norms count their batches; nothing here depends on it.
                Dtype::I64 if name.ends_with(".num_batches_tracked") => continue,
                other => {
                    return Err(ModelError::Architecture {
                        path: path.to_owned(),
                        what: format!("{} holds {other:?}, a parameter is a float", shown(&name)),
                    });
                }
            }
            let (start, end) = info.data_offsets;
            let stored = Stored {
                shape: info.shape.clone(),
                dtype: info.dtype,
                data: data.get(start..end).unwrap_or_default(),
            };
            tensors.insert(name, stored);
        }
        Ok(Self {
            metadata: header.metadata().clone().unwrap_or_default(),
            tensors,
        })
    }
}

/// Header, checked, and data. The crate's own reader adds up offsets that a file may choose near
/// the largest number there is, and panics where overflow is checked.
fn split(bytes: &[u8]) -> Result<(Metadata, &[u8]), SafeTensorError> {
    let (length, rest) = bytes
        .split_first_chunk::<8>()
        .ok_or(SafeTensorError::HeaderTooSmall)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > LONGEST_HEADER {
        return Err(SafeTensorError::HeaderTooLarge);
    }
    let (header, data) = rest
        .split_at_checked(length)
        .ok_or(SafeTensorError::InvalidHeaderLength)?;
    // The reason may quote a name out of the file.
    let unreadable = |e: serde_json::Error| serde_json::Error::custom(shown(&e.to_string()));
    let header: Metadata = serde_json::from_slice(header)
        .map_err(|e| SafeTensorError::InvalidHeaderDeserialization(unreadable(e)))?;
    if header.data_len() != data.len() {
        return Err(SafeTensorError::MetadataIncompleteBuffer);
    }
    Ok((header, data))
}

/// Refuses names and shapes that are not exactly the expected ones.
///
/// # Errors
/// [`ModelError::Architecture`] naming the first few that are missing, too much or of another
/// shape.
pub(crate) fn compare(
    expected: &Shapes,
    found: &BTreeMap<&str, &[usize]>,
    path: &Path,
) -> Result<()> {
    let mut faults = Vec::new();
    for (name, shape) in expected {
        match found.get(name.as_str()) {
            None => faults.push(format!("{name} is missing")),
            Some(&other) if other != shape => faults.push(format!(
                "{name} is {}, the network's is {shape:?}",
                shape_text(other)
            )),
            Some(_) => {}
        }
    }
    for name in found.keys().filter(|&&name| !expected.contains_key(name)) {
        faults.push(format!("{} has no place in the network", shown(name)));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let more = faults.len().saturating_sub(3);
    faults.truncate(3);
    let mut what = faults.join("; ");
    if more > 0 {
        what.push_str(&format!("; and {more} more"));
    }
    Err(ModelError::Architecture {
        path: path.to_owned(),
        what,
    })
}

fn shape_text(shape: &[usize]) -> String {
    match shape.get(..6) {
        Some(first) => format!("{first:?} and so on, {} dimensions", shape.len()),
        None => format!("{shape:?}"),
    }
}

/// Refuses values that no training leaves behind.
///
/// # Errors
/// [`ModelError::Value`] for a NaN, an infinity or a negative variance.
pub(crate) fn check_values(name: &str, values: &[f32], path: &Path) -> Result<()> {
    let variance = is_statistic(name) && name.ends_with("var");
    let bad = |v: &f32| !v.is_finite() || variance && *v < 0.0;
    match values.iter().position(bad) {
        None => Ok(()),
        Some(index) => Err(ModelError::Value {
            path: path.to_owned(),
            name: name.to_owned(),
            index,
            value: values[index],
            wanted: if variance {
                "a variance, finite and not negative"
            } else {
                "finite"
            },
        }),
    }
}
