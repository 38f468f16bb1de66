//! Sound files, and files made unsound by hand.

use std::path::Path;

use candle_core::Device;
use crosr_data::{Batch, Normalisation};
use crosr_model::{DhrConfig, DhrNet, ModelCard, ModelError, TrainParams, Trainer};
use serde_json::Value;

/// The smallest network there is, nearly.
pub(crate) fn trainer() -> Trainer {
    let config = DhrConfig {
        n_classes: 3,
        image_size: 8,
        widths: [8, 8, 8],
        latent_channels: 2,
        hidden: 8,
        ..DhrConfig::cifar10(3)
    };
    let card = ModelCard {
        class_names: ["cat", "dog", "owl"].map(str::to_owned).to_vec(),
        normalisation: Normalisation::HALF,
    };
    Trainer::new(&config, card, TrainParams::new(1), &Device::Cpu).expect("a sound shape")
}

/// A weights file.
pub(crate) fn weights() -> Vec<u8> {
    let trainer = trainer();
    let written = trainer.network().to_safetensors(trainer.card());
    written.expect("in main memory")
}

/// The state of a training that has taken as many steps.
pub(crate) fn state(steps: usize) -> Vec<u8> {
    let mut trainer = trainer();
    let batch = Batch {
        images: (0..4 * 3 * 64).map(|i| (i as f32 * 0.7).sin()).collect(),
        shape: [4, 3, 8, 8],
        labels: vec![Some(0), Some(1), Some(2), Some(0)],
        indices: (0..4).collect(),
    };
    for _ in 0..steps {
        trainer.train_batch(&batch, 0.01).expect("labelled");
    }
    trainer.state().expect("in main memory")
}

/// Header and data of a file.
pub(crate) fn parts(file: &[u8]) -> (Value, &[u8]) {
    let (length, rest) = file.split_first_chunk::<8>().expect("a length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    (serde_json::from_slice(header).expect("JSON"), data)
}

/// A file of this header, whatever it says, and these data.
pub(crate) fn joined(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), data].concat()
}

/// The file with another header over the same data.
pub(crate) fn with_header(file: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let (mut header, data) = parts(file);
    change(&mut header);
    joined(&header.to_string(), data)
}

/// The file with another metadata entry, or without it.
pub(crate) fn with_metadata(file: &[u8], key: &str, value: Option<&str>) -> Vec<u8> {
    with_header(file, |header| {
        let metadata = header["__metadata__"].as_object_mut().expect("metadata");
        match value {
            Some(value) => metadata.insert(key.to_owned(), value.into()),
            None => metadata.remove(key),
        };
    })
}

/// The file with another description of its model.
pub(crate) fn with_description(file: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let (header, _) = parts(file);
    let text = header["__metadata__"]["model"].as_str().expect("a text");
    let mut model: Value = serde_json::from_str(text).expect("JSON");
    change(&mut model);
    with_metadata(file, "model", Some(&model.to_string()))
}

/// The file with one value of a tensor replaced.
pub(crate) fn with_value(file: &[u8], name: &str, index: usize, value: f32) -> Vec<u8> {
    let (header, data) = parts(file);
    let start = header[name]["data_offsets"][0].as_u64().expect("a number") as usize;
    let mut data = data.to_vec();
    data[start + 4 * index..][..4].copy_from_slice(&value.to_le_bytes());
    joined(&header.to_string(), &data)
}

/// The file without some of its tensors.
pub(crate) fn without(file: &[u8], gone: impl Fn(&str) -> bool) -> Vec<u8> {
    let (mut header, data) = parts(file);
    let entries = header.as_object_mut().expect("an object");
    let mut left = Vec::new();
    let metadata = entries.remove("__metadata__");
    entries.retain(|name, _| !gone(name));
    for entry in entries.values_mut() {
        let offset = |k: usize| entry["data_offsets"][k].as_u64().expect("a number") as usize;
        let (start, end) = (offset(0), offset(1));
        let first = left.len();
        left.extend_from_slice(&data[start..end]);
        entry["data_offsets"] = serde_json::json!([first, left.len()]);
    }
    entries.extend(metadata.map(|metadata| ("__metadata__".to_owned(), metadata)));
    joined(&header.to_string(), &left)
}

/// Reads a weights file, in no more memory than is due.
pub(crate) fn read(file: &[u8]) -> Result<DhrNet, ModelError> {
    let path = Path::new("folder/weights.safetensors");
    let result = DhrNet::from_safetensors(file, path, &Device::Cpu);
    assert!(is_frugal());
    result.map(|(network, _)| network)
}

/// Goes on from a training state, in no more memory than is due.
pub(crate) fn resume(file: &[u8]) -> Result<Trainer, ModelError> {
    let path = Path::new("folder/last.safetensors");
    let result = Trainer::resume(file, path, TrainParams::new(1), &Device::Cpu);
    assert!(is_frugal());
    result
}

/// Checks that a refusal is a line of reasonable length that names the file and all of `parts`.
pub(crate) fn refused<T>(what: &str, result: Result<T, ModelError>, parts: &[&str]) {
    let Err(error) = result else {
        panic!("{what}: accepted")
    };
    let text = error.to_string();
    assert!(text.lines().count() == 1 && text.len() < 1000, "{text}");
    assert!(text.starts_with("folder/"), "{what}: {text}");
    for part in parts {
        assert!(text.contains(part), "{what}: {text:?}, not {part:?}");
    }
}

/// Whether this process has never asked for as much memory as a described network would take;
/// true where the system does not say. Memory asked for and never touched counts.
fn is_frugal() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return true;
    };
    let line = status.lines().find(|line| line.starts_with("VmPeak:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kibibytes.is_none_or(|n| n < 6 << 20)
}
