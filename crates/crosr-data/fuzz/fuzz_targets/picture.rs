//! PNG and JPEG files.
#![no_main]

#[allow(dead_code)] // each target uses some of it
mod common;

use crosr_data::Image;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(image) = Image::open(&common::file("picture", data)) {
        assert_eq!(
            image.pixels().len(),
            image.width() * image.height() * image.format().channels()
        );
    }
});
