//! CSV files of paths and labels.
#![no_main]

#[allow(dead_code)] // each target uses some of it
mod common;

use crosr_data::{Dataset, Manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(listed) = Manifest::open(&common::file("list.csv", data)) {
        assert!(listed.len() <= data.len());
        for index in 0..listed.len() {
            let label = listed.label(index).expect("in range");
            assert!(label.is_none_or(|label| label < listed.class_names().len()));
        }
    }
});
