//! Features files: safetensors, or a .npy with the .npy of its labels behind it; whole, in blocks,
//! and written again.
#![no_main]

include!("house.rs");

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use formats::features::{Features, FeaturesFile, read_features, write_features};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::change_safetensors(data, size, max_size, seed)
});

const NPY: &[u8] = b"\x93NUMPY";

/// Writes the input as what it begins like.
fn place(data: &[u8]) -> PathBuf {
    let folder = folder();
    if !data.starts_with(NPY) {
        let path = folder.join("x.safetensors");
        fs::write(&path, data).expect("writable");
        return path;
    }
    let second = (1..data.len()).find(|&at| data[at..].starts_with(NPY));
    let (features, labels) = data.split_at(second.unwrap_or(data.len()));
    let path = folder.join("x_features.npy");
    fs::write(&path, features).expect("writable");
    let beside = folder.join("x_labels.npy");
    match second {
        Some(_) => fs::write(beside, labels).expect("writable"),
        None => drop(fs::remove_file(beside)),
    }
    path
}

/// Everything in it, as bits.
type Bits = (Vec<u32>, Option<Vec<i64>>, Option<Vec<u32>>);

fn bits(features: &Features) -> Bits {
    let of = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect();
    (
        of(&features.rows),
        features.labels.clone(),
        features.reconstruction_errors.as_deref().map(of),
    )
}

/// The file a few rows at a time, put together.
fn in_blocks(file: &FeaturesFile, rows: usize) -> Option<Bits> {
    let mut all = (Vec::new(), None, None);
    for block in file.blocks(rows).ok()? {
        let (rows, labels, errors) = bits(&block.ok()?);
        all.0.extend(rows);
        for label in labels.into_iter().flatten() {
            all.1.get_or_insert_with(Vec::new).push(label);
        }
        for error in errors.into_iter().flatten() {
            all.2.get_or_insert_with(Vec::new).push(error);
        }
    }
    Some(all)
}

fn check(path: &Path, file: &FeaturesFile) {
    assert!(file.len() > 0 && file.dim() > 0);
    let Ok(features) = read_features(path) else {
        return;
    };
    assert_eq!((features.len(), features.dim), (file.len(), file.dim()));
    assert_eq!(features.rows.len(), file.len() * file.dim());
    let whole = bits(&features);
    for rows in [1, 3, usize::MAX] {
        assert_eq!(in_blocks(file, rows).as_ref(), Some(&whole), "{rows} rows");
    }
    let labels: BTreeSet<i64> = features.labels.iter().flatten().copied().collect();
    assert_eq!(file.labels().expect("read before"), labels);
    write_features(&folder(), "again", &features).expect("writable");
    let again = read_features(&folder().join("again.safetensors")).expect("just written");
    assert_eq!(bits(&again), whole);
}

fuzz_target!(|data: &[u8]| {
    let path = place(data);
    match FeaturesFile::open(&path) {
        Ok(file) => check(&path, &file),
        Err(error) => assert_eq!(error.one_line().lines().count(), 1),
    }
});
