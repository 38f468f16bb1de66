//! Checkpoints: safetensors that say what they hold.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use crosr_data::Normalisation;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::config::DhrConfig;
use crate::error::{ModelError, Result};
use crate::network::DhrNet;

/// Version of the layout written here.
const FORMAT: &str = "crosr-model/1";

/// What a weights file says about itself: enough to classify a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    /// Name of each known class, in the order of the logits.
    pub class_names: Vec<String>,
    /// What the pictures were normalised with.
    pub normalisation: Normalisation,
}

#[derive(Serialize, Deserialize)]
struct CardText {
    architecture: DhrConfig,
    class_names: Vec<String>,
    mean: [f32; 3],
    std: [f32; 3],
}

/// Contents of a safetensors file in main memory: shapes and f32 values by name.
pub(crate) type Values = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

impl DhrNet {
    /// The weights file: every parameter and running statistic as f32, with class names,
    /// normalisation and architecture in the metadata.
    ///
    /// # Errors
    /// [`ModelError::ClassCount`] when the card names another number of classes.
    pub fn to_safetensors(&self, card: &ModelCard) -> Result<Vec<u8>> {
        serialise(&self.values()?, self.card_metadata(card)?)
    }

    /// The weights file at half its size: weights in half precision, biases, norms and statistics
    /// as they are. [`DhrNet::from_safetensors`] reads it.
    ///
    /// # Errors
    /// [`ModelError::ClassCount`] when the card names another number of classes.
    pub fn to_half_safetensors(&self, card: &ModelCard) -> Result<Vec<u8>> {
        serialise_as(&self.values()?, self.card_metadata(card)?, true)
    }

    /// Reads a weights file; `path` is named in errors.
    ///
    /// # Errors
    /// What is wrong with the file: not safetensors, no description, or another architecture's
    /// parameters (names and shapes are compared both ways).
    pub fn from_safetensors(
        bytes: &[u8],
        path: &Path,
        device: &Device,
    ) -> Result<(Self, ModelCard)> {
        let (values, metadata) = deserialise(bytes, path)?;
        let (network, card) = Self::described_by(&metadata, path, device)?;
        network.load(&values, path)?;
        Ok((network, card))
    }

    pub(crate) fn card_metadata(&self, card: &ModelCard) -> Result<HashMap<String, String>> {
        if card.class_names.len() != self.config().n_classes {
            return Err(ModelError::ClassCount {
                data: card.class_names.len(),
                network: self.config().n_classes,
            });
        }
        let text = CardText {
            architecture: self.config().clone(),
            class_names: card.class_names.clone(),
            mean: card.normalisation.mean,
            std: card.normalisation.std,
        };
        let text =
            serde_json::to_string(&text).map_err(|e| candle_core::Error::Msg(e.to_string()))?;
        Ok(HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("model".to_owned(), text),
        ]))
    }

    pub(crate) fn described_by(
        metadata: &HashMap<String, String>,
        path: &Path,
        device: &Device,
    ) -> Result<(Self, ModelCard)> {
        let wrong = |what: String| ModelError::Metadata {
            path: path.to_owned(),
            what,
        };
        match metadata.get("format") {
            Some(format) if format == FORMAT => {}
            Some(format) => {
                return Err(wrong(format!(
                    "format {format}, this version reads {FORMAT}"
                )));
            }
            None => return Err(wrong("no crosr description in the metadata".to_owned())),
        }
        let text = metadata
            .get("model")
            .ok_or_else(|| wrong("no model description".to_owned()))?;
        let text: CardText =
            serde_json::from_str(text).map_err(|e| wrong(format!("model description: {e}")))?;
        if text.class_names.len() != text.architecture.n_classes {
            return Err(wrong(format!(
                "{} class names for {} classes",
                text.class_names.len(),
                text.architecture.n_classes
            )));
        }
        let network = Self::zeroed(&text.architecture, device)?;
        let normalisation = Normalisation {
            mean: text.mean,
            std: text.std,
        };
        Ok((
            network,
            ModelCard {
                class_names: text.class_names,
                normalisation,
            },
        ))
    }

    /// Parameters and running statistics as plain values.
    pub(crate) fn values(&self) -> Result<Values> {
        self.named_tensors()
            .into_iter()
            .map(|(name, t)| Ok((name, to_values(&t)?)))
            .collect()
    }

    /// Fills the parameters; names and shapes must be exactly the network's.
    pub(crate) fn load(&self, values: &Values, path: &Path) -> Result<()> {
        let variables = self.parameters().all();
        let mut faults = Vec::new();
        for (name, variable) in &variables {
            match values.get(name) {
                None => faults.push(format!("{name} is missing")),
                Some((shape, _)) if shape != variable.dims() => faults.push(format!(
                    "{name} is {shape:?}, the network's is {:?}",
                    variable.dims()
                )),
                Some(_) => {}
            }
        }
        for name in values.keys().filter(|&name| !variables.contains_key(name)) {
            faults.push(format!("{name} has no place in the network"));
        }
        if !faults.is_empty() {
            let more = faults.len().saturating_sub(3);
            faults.truncate(3);
            let mut what = faults.join("; ");
            if more > 0 {
                what.push_str(&format!("; and {more} more"));
            }
            return Err(ModelError::Architecture {
                path: path.to_owned(),
                what,
            });
        }
        for (name, variable) in &variables {
            if let Some((shape, data)) = values.get(name) {
                let tensor = Tensor::from_slice(data, shape.as_slice(), variable.device())?;
                variable.set(&tensor)?;
            }
        }
        Ok(())
    }
}

/// Shape and values of a tensor on any device.
pub(crate) fn to_values(tensor: &Tensor) -> Result<(Vec<usize>, Vec<f32>)> {
    let flat = tensor.to_dtype(DType::F32)?.flatten_all()?;
    Ok((tensor.dims().to_vec(), flat.to_vec1()?))
}

/// Writes f32 tensors, sorted by name, with metadata sorted by key.
pub(crate) fn serialise(values: &Values, metadata: HashMap<String, String>) -> Result<Vec<u8>> {
    serialise_as(values, metadata, false)
}

/// [`serialise`]; `half` writes tensors of two dimensions and more in half precision.
fn serialise_as(values: &Values, metadata: HashMap<String, String>, half: bool) -> Result<Vec<u8>> {
    let is_half = |shape: &[usize]| half && shape.len() > 1;
    let encoded = |shape: &[usize], data: &[f32]| -> Vec<u8> {
        if is_half(shape) {
            let halves = data.iter().map(|&v| half::f16::from_f32(v));
            halves.flat_map(|v| v.to_le_bytes()).collect()
        } else {
            data.iter().flat_map(|v| v.to_le_bytes()).collect()
        }
    };
    let bytes: BTreeMap<&String, Vec<u8>> = values
        .iter()
        .map(|(name, (shape, data))| (name, encoded(shape, data)))
        .collect();
    let views = values
        .iter()
        .map(|(name, (shape, _))| {
            let data = bytes.get(name).map_or(&[][..], Vec::as_slice);
            let dtype = if is_half(shape) {
                Dtype::F16
            } else {
                Dtype::F32
            };
            Ok((name.clone(), TensorView::new(dtype, shape.clone(), data)?))
        })
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>();
    let written = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
    let written =
        written.map_err(|e| ModelError::Candle(candle_core::Error::Msg(e.to_string())))?;
    Ok(sort_safetensors_header(&written).unwrap_or(written))
}

/// The same safetensors file with the entries of its header sorted by name.
///
/// The safetensors crate writes metadata in the order of a hash map, another one in every run;
/// sorted, the same contents are the same bytes. `None` when `file` is not a safetensors file.
pub fn sort_safetensors_header(file: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, data) = rest.split_at_checked(length)?;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let sorted: BTreeMap<&str, BTreeMap<&str, &serde_json::Value>> = header
        .iter()
        .map(|(name, entry)| {
            let entry = entry.as_object()?;
            let entry = entry.iter().map(|(key, value)| (key.as_str(), value));
            Some((name.as_str(), entry.collect()))
        })
        .collect::<Option<_>>()?;
    let mut header = serde_json::to_vec(&sorted).ok()?;
    // Data begin at a multiple of eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = u64::try_from(header.len()).ok()?;
    Some([&length.to_le_bytes(), &header[..], data].concat())
}

/// Reads float tensors of any width as f32, and the metadata.
pub(crate) fn deserialise(bytes: &[u8], path: &Path) -> Result<(Values, HashMap<String, String>)> {
    let unreadable = |source| ModelError::Safetensors {
        path: path.to_owned(),
        source,
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let mut values = Values::new();
    for (name, view) in file.iter() {
        let raw = view.data();
        let data: Vec<f32> = match view.dtype() {
            Dtype::F32 => raw
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
            Dtype::F16 => raw
                .chunks_exact(2)
                .map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32())
                .collect(),
            Dtype::BF16 => raw
                .chunks_exact(2)
                .map(|b| half::bf16::from_le_bytes([b[0], b[1]]).to_f32())
                .collect(),
            Dtype::F64 => raw
                .chunks_exact(8)
                .map(|b| {
                    f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32
                })
                .collect(),
            // PyTorch's batch norms count their batches; nothing here depends on it.
            Dtype::I64 if name.ends_with(".num_batches_tracked") => continue,
            other => {
                return Err(ModelError::Architecture {
                    path: path.to_owned(),
                    what: format!("{name} holds {other:?}, a parameter is a float"),
                });
            }
        };
        values.insert(name.to_owned(), (view.shape().to_vec(), data));
    }
    Ok((values, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_contents_are_the_same_bytes() {
        let values = Values::from([
            ("b".to_owned(), (vec![2], vec![1.0, 2.0])),
            ("a".to_owned(), (vec![1, 1], vec![-3.0])),
        ]);
        let metadata = || {
            let entry = |i: usize| (format!("key {i} \"quoted\""), format!("value {i}"));
            (0..20).map(entry).collect::<HashMap<_, _>>()
        };
        let first = serialise(&values, metadata()).expect("f32");
        // Every hash map has an order of its own.
        for _ in 0..10 {
            assert_eq!(serialise(&values, metadata()).expect("f32"), first);
        }
        let (read, read_metadata) = deserialise(&first, Path::new("x")).expect("just written");
        assert_eq!((read, read_metadata), (values, metadata()));
    }

    #[test]
    fn half_precision_is_half_the_size_and_close() {
        let data: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin()).collect();
        let values = Values::from([
            ("conv.weight".to_owned(), (vec![10, 100], data.clone())),
            ("conv.bias".to_owned(), (vec![3], vec![1e-6, 1e6, 0.1])),
        ]);
        let file = serialise_as(&values, HashMap::new(), true).expect("writable");
        assert!(file.len() < 2000 + 12 + 300, "{} bytes", file.len());
        let (read, _) = deserialise(&file, Path::new("x")).expect("just written");
        assert_eq!(read["conv.bias"], values["conv.bias"]);
        for (found, wanted) in read["conv.weight"].1.iter().zip(&data) {
            assert!(
                (found - wanted).abs() <= wanted.abs() / 2048.0,
                "{found} {wanted}"
            );
        }
    }

    #[test]
    fn what_is_no_safetensors_file_has_no_header() {
        for file in [
            &b""[..],
            b"12345678",
            b"\xff\xff\xff\xff\xff\xff\xff\xff{}",
            b"\x02\0\0\0\0\0\0\0[]",
        ] {
            assert_eq!(sort_safetensors_header(file), None);
        }
    }
}
