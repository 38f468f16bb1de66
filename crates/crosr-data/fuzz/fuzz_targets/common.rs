//! What the targets share.

use std::fs;
use std::path::PathBuf;

use crosr_data::{DataError, Dataset};

/// A file of this process that holds `bytes`.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("crosr-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("writable");
    let path = folder.join(name);
    fs::write(&path, bytes).expect("writable");
    path
}

/// Reads the first samples; none may be beyond its classes or panic.
pub fn read(data: &impl Dataset) {
    for index in 0..data.len().min(8) {
        let label = data.label(index).expect("in range");
        assert!(label.is_none_or(|label| label < data.class_names().len()));
        if let Ok(sample) = data.sample(index) {
            assert_eq!(sample.label, label);
        }
    }
    assert!(matches!(
        data.sample(data.len()),
        Err(DataError::OutOfRange { .. })
    ));
}
