//! Pickles: as plain data, and as batches of CIFAR-10.
#![no_main]

#[allow(dead_code)] // each target uses some of it
mod common;

use crosr_data::{Cifar10, Split};
use crosr_pickle::{Pickle, PlainData};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(pickle) = Pickle::<PlainData>::read(data, 0) {
        assert!(pickle.end <= data.len());
        // Every byte costs a bounded amount of memory.
        assert!(pickle.objects.len() <= data.len());
    }
    let path = common::file("test_batch", data);
    if let Ok(data) = Cifar10::open(path.parent().expect("in a folder"), Split::Test) {
        common::read(&data);
    }
});
