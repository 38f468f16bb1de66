//! Checkpoints written by PyTorch, against the figures that PyTorch gives for them.

use std::io::Write;
use std::path::{Path, PathBuf};

use crosr_model::{TorchCheckpoint, TorchDtype, TorchTensor};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn data_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torch")
}

/// The full-size files; not part of the repository.
fn shared_dir() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/dhrnet");
    if !dir.is_dir() {
        let _ = writeln!(std::io::stderr(), "skipped: {} is absent", dir.display());
        return None;
    }
    Some(dir)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn dtype(name: &str) -> TorchDtype {
    match name {
        "float64" => TorchDtype::F64,
        "float32" => TorchDtype::F32,
        "float16" => TorchDtype::F16,
        "bfloat16" => TorchDtype::Bf16,
        "int64" => TorchDtype::I64,
        other => panic!("{other}"),
    }
}

fn check_tensor(name: &str, tensor: &TorchTensor, wanted: &Value) {
    assert_eq!(
        tensor.dtype,
        dtype(wanted["dtype"].as_str().unwrap()),
        "{name}"
    );
    let shape: Vec<u64> = wanted["shape"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_u64().unwrap())
        .collect();
    assert_eq!(
        tensor.shape.iter().map(|n| *n as u64).collect::<Vec<_>>(),
        shape,
        "{name}"
    );
    assert_eq!(
        tensor.n_elements() as u64,
        shape.iter().product::<u64>(),
        "{name}"
    );

    let digest: String = Sha256::digest(tensor.data())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(digest, wanted["sha256_le"].as_str().unwrap(), "{name}");

    // Entries are exact. Sums are of numbers near 1 in f64, in an order of PyTorch's choosing.
    let numbers = tensor.to_f64();
    let sum: f64 = numbers.iter().sum();
    let wanted_sum = wanted["sum"].as_f64().unwrap();
    assert!(
        (sum - wanted_sum).abs() <= 1e-12 * (1.0 + numbers.len() as f64),
        "{name}: {sum}"
    );
    let first: Vec<f64> = wanted["first"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_f64().unwrap())
        .collect();
    assert!(!first.is_empty() || numbers.is_empty(), "{name}");
    assert_eq!(numbers[..first.len()], first, "{name}");

    for (single, double) in tensor.to_f32().iter().zip(&numbers) {
        assert_eq!(*single, *double as f32, "{name}");
    }
    match tensor.to_i64() {
        Some(integers) => {
            assert_eq!(
                integers.iter().map(|n| *n as f64).collect::<Vec<_>>(),
                numbers,
                "{name}"
            );
        }
        None => assert!(tensor.dtype.is_float(), "{name}"),
    }
}

fn check_file(path: &Path, wanted: &Value) -> TorchCheckpoint {
    let checkpoint = TorchCheckpoint::read(path).unwrap();
    let wanted = wanted["tensors"].as_object().unwrap();
    assert!(!wanted.is_empty());
    let names: Vec<_> = checkpoint.tensors.keys().collect();
    let mut wanted_names: Vec<_> = wanted.keys().collect();
    wanted_names.sort();
    assert_eq!(names, wanted_names, "{}", path.display());
    for (name, tensor) in &checkpoint.tensors {
        check_tensor(name, tensor, &wanted[name]);
    }
    checkpoint
}

fn check_tiny_files(dir: &Path) {
    let wanted = json(&dir.join("tiny.json"));
    let files = wanted.as_object().unwrap();
    assert_eq!(files.len(), 8);
    for (file, wanted) in files {
        let checkpoint = check_file(&dir.join(file), wanted);
        let scalars: Vec<_> = checkpoint
            .scalars
            .iter()
            .map(|(k, v)| (k.as_str(), *v))
            .collect();
        match file.as_str() {
            "tiny_bare.pt" | "tiny_views.pt" => assert_eq!(scalars, [], "{file}"),
            _ => assert_eq!(
                scalars,
                [
                    ("epoch", 0.0),
                    ("train_acc", 0.0),
                    ("train_loss", 0.0),
                    ("val_acc", 0.0),
                    ("val_loss", 0.0)
                ],
                "{file}"
            ),
        }
    }
}

#[test]
fn tiny_files_of_the_repository() {
    check_tiny_files(&data_dir());
}

#[test]
fn tiny_files_of_the_reference_folder() {
    if let Some(dir) = shared_dir() {
        check_tiny_files(&dir);
    }
}

#[test]
fn small_network() {
    if let Some(dir) = shared_dir() {
        check_file(
            &dir.join("dhr_net_small.pt"),
            &json(&dir.join("dhr_net_small.json")),
        );
    }
}

#[test]
fn full_size_network() {
    if let Some(dir) = shared_dir() {
        check_file(
            &dir.join("dhr_net_ref.pt"),
            &json(&dir.join("dhr_net_ref.json")),
        );
    }
}
