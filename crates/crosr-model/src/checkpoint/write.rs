//! Writing safetensors files, the same bytes for the same contents.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Tensor};
use safetensors::tensor::{Dtype, TensorView};

use crate::error::{ModelError, Result};

/// Contents of a safetensors file in main memory: shapes and f32 values by name.
pub(crate) type Values = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Shape and values of a tensor on any device.
pub(crate) fn to_values(tensor: &Tensor) -> Result<(Vec<usize>, Vec<f32>)> {
    let flat = tensor.to_dtype(DType::F32)?.flatten_all()?;
    Ok((tensor.dims().to_vec(), flat.to_vec1()?))
}

/// Writes f32 tensors, sorted by name, with metadata sorted by key.
pub(crate) fn serialise(values: &Values, metadata: HashMap<String, String>) -> Result<Vec<u8>> {
    serialise_as(values, metadata, false)
}

/// [`serialise`]; `half` writes tensors of two dimensions and more in half precision where that
/// holds their values, which it does up to 65504.
pub(super) fn serialise_as(
    values: &Values,
    metadata: HashMap<String, String>,
    half: bool,
) -> Result<Vec<u8>> {
    let encoded = |shape: &[usize], data: &[f32]| -> (Dtype, Vec<u8>) {
        let halves = || data.iter().map(|&v| half::f16::from_f32(v));
        if half && shape.len() > 1 && halves().all(half::f16::is_finite) {
            let bytes = halves().flat_map(half::f16::to_le_bytes);
            (Dtype::F16, bytes.collect())
        } else {
            let bytes = data.iter().flat_map(|v| v.to_le_bytes());
            (Dtype::F32, bytes.collect())
        }
    };
    let encoded: Vec<(Dtype, Vec<u8>)> = values
        .values()
        .map(|(shape, data)| encoded(shape, data))
        .collect();
    let views = values
        .iter()
        .zip(&encoded)
        .map(|((name, (shape, _)), (dtype, data))| {
            Ok((name.clone(), TensorView::new(*dtype, shape.clone(), data)?))
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::checkpoint::read::TensorFile;

    fn contents(file: &TensorFile<'_>) -> Values {
        let tensors = file.tensors.iter();
        tensors
            .map(|(name, stored)| (name.clone(), (stored.shape.clone(), stored.values())))
            .collect()
    }

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
        let read = TensorFile::read(&first, Path::new("x")).expect("just written");
        assert_eq!((contents(&read), read.metadata), (values, metadata()));
    }

    #[test]
    fn half_precision_is_half_the_size_and_close() {
        let data: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin()).collect();
        let values = Values::from([
            ("conv.weight".to_owned(), (vec![10, 100], data.clone())),
            ("conv.bias".to_owned(), (vec![3], vec![1e-6, 1e6, 0.1])),
            ("fc.weight".to_owned(), (vec![1, 2], vec![65_520.0, 0.1])),
        ]);
        let file = serialise_as(&values, HashMap::new(), true).expect("writable");
        assert!(file.len() < 2000 + 12 + 8 + 300, "{} bytes", file.len());
        let read = contents(&TensorFile::read(&file, Path::new("x")).expect("just written"));
        for whole in ["conv.bias", "fc.weight"] {
            assert_eq!(read[whole], values[whole]);
        }
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
