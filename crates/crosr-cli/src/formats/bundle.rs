//! A network and its open-set model in one safetensors file.
//!
//! The weights file with the open-set model's tensors and metadata added under the prefix
//! `openset/`, so that every reader of weights finds what it looks for.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::TensorView;

use super::header::opened;
use crate::error::{CliError, Result};

const PREFIX: &str = "openset/";

/// Name and view of each tensor, and the metadata.
type Parts<'a> = (Vec<(String, TensorView<'a>)>, HashMap<String, String>);

fn parts<'a>(file: &'a [u8], path: &Path) -> Result<Parts<'a>> {
    let (tensors, metadata) = opened(file, path)?;
    Ok((tensors.tensors(), metadata))
}

fn written(parts: Parts<'_>, path: &Path) -> Result<Vec<u8>> {
    let (tensors, metadata) = parts;
    // The library writes no JSON for neither tensors nor metadata.
    let metadata = Some(metadata).filter(|metadata| !metadata.is_empty());
    let file = safetensors::serialize(tensors, metadata)
        .map_err(|e| CliError::file(path, e.to_string()))?;
    Ok(crosr_model::sort_safetensors_header(&file).unwrap_or(file))
}

/// One file out of two; `path` is named in errors.
pub(crate) fn bundle(weights: &[u8], openset: &[u8], path: &Path) -> Result<Vec<u8>> {
    let (mut tensors, mut metadata) = parts(weights, path)?;
    let (more_tensors, more_metadata) = parts(openset, path)?;
    let prefixed = |name: String| format!("{PREFIX}{name}");
    tensors.extend(
        more_tensors
            .into_iter()
            .map(|(name, view)| (prefixed(name), view)),
    );
    metadata.extend(
        more_metadata
            .into_iter()
            .map(|(key, value)| (prefixed(key), value)),
    );
    written((tensors, metadata), path)
}

/// Weights file and open-set file out of one.
pub(crate) fn unbundle(file: &[u8], path: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    let (tensors, metadata) = parts(file, path)?;
    let mut weights: Parts<'_> = Default::default();
    let mut openset: Parts<'_> = Default::default();
    for (name, view) in tensors {
        match name.strip_prefix(PREFIX) {
            Some(inner) => openset.0.push((inner.to_owned(), view)),
            None => weights.0.push((name, view)),
        }
    }
    for (key, value) in metadata {
        match key.strip_prefix(PREFIX) {
            Some(inner) => openset.1.insert(inner.to_owned(), value),
            None => weights.1.insert(key, value),
        };
    }
    if openset.0.is_empty() {
        return Err(CliError::file(
            path,
            "a network without an open-set model; `crosr export` writes both",
        ));
    }
    if weights.0.is_empty() {
        return Err(CliError::file(
            path,
            "an open-set model without a network; `crosr export` writes both",
        ));
    }
    Ok((written(weights, path)?, written(openset, path)?))
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::Dtype;

    use super::*;

    fn file(name: &str, value: u8, key: &str) -> Vec<u8> {
        let data = [value; 4];
        let view = TensorView::new(Dtype::U8, vec![4], &data).expect("four bytes");
        let metadata = HashMap::from([(key.to_owned(), "value".to_owned())]);
        written((vec![(name.to_owned(), view)], metadata), Path::new("x")).expect("writable")
    }

    #[test]
    fn two_files_in_one_come_apart_as_they_were() {
        let (weights, openset) = (file("fc.weight", 1, "format"), file("mavs", 2, "format"));
        let path = Path::new("both");
        let both = bundle(&weights, &openset, path).expect("readable");
        assert_eq!(
            unbundle(&both, path).expect("bundled"),
            (weights.clone(), openset.clone())
        );
        let error = unbundle(&weights, path).map_err(|e| e.one_line());
        assert!(error.is_err_and(|e| e.contains("crosr export")));
        assert!(unbundle(b"nothing", path).is_err());
        let nothing = written(Parts::default(), path).expect("writable");
        let half = bundle(&nothing, &openset, path).expect("readable");
        let error = unbundle(&half, path).map_err(|e| e.one_line());
        assert!(error.is_err_and(|e| e.contains("without a network")));
    }
}
