//! MATLAB files of level 5.
#![no_main]

#[allow(dead_code)] // each target uses some of it
mod common;

use crosr_data::Svhn;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(data) = Svhn::file(&common::file("digits.mat", data)) {
        common::read(&data);
    }
});
