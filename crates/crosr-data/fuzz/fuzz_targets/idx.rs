//! IDX files, plain and gzipped: pictures and labels.
#![no_main]

#[allow(dead_code)] // each target uses some of it
mod common;

use crosr_data::Idx;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&[u8], &[u8])| {
    let (images, labels) = (
        common::file("images", data.0),
        common::file("labels", data.1),
    );
    let names = (0..10).map(|class| class.to_string()).collect();
    if let Ok(data) = Idx::open(&images, &labels, names) {
        common::read(&data);
    }
});
