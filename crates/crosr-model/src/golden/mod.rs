//! Parity with PyTorch: single layers, evaluation, gradients, running statistics, SGD steps; for
//! this crate's kernels and candle's operators, for this crate's tape and candle's graph.

mod formula;
mod layers;
mod network;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors};

/// Tensors of a reference file as double-precision values with their shapes.
type Reference = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/dhrnet")
        .join(file)
}

fn reference(file: &str) -> Reference {
    let bytes = std::fs::read(data(file)).expect("in the repository");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let read = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        let raw = view.data();
        let values = match view.dtype() {
            Dtype::F64 => raw
                .as_chunks::<8>()
                .0
                .iter()
                .map(|b| f64::from_le_bytes(*b))
                .collect(),
            Dtype::F32 => raw
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b).into())
                .collect(),
            Dtype::I64 => raw
                .as_chunks::<8>()
                .0
                .iter()
                .map(|b| i64::from_le_bytes(*b) as f64)
                .collect(),
            other => panic!("{other:?}"),
        };
        (name.to_owned(), (view.shape().to_vec(), values))
    };
    file.iter().map(read).collect()
}

/// Largest error over largest value.
fn worst(found: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let scale = wanted.iter().fold(0.0f64, |m, w| m.max(w.abs())).max(1e-30);
    let error = |(f, w): (&f32, &f64)| {
        assert!(f.is_finite());
        (f64::from(*f) - w).abs()
    };
    found.iter().zip(wanted).map(error).fold(0.0, f64::max) / scale
}

fn assert_close(found: &[f32], wanted: &[f64], tolerance: f64, what: &str) {
    let error = worst(found, wanted);
    assert!(
        error <= tolerance,
        "{what}: {error:.2e} of the largest value, {tolerance:.0e} allowed"
    );
}
