//! Tar shards: at any place, and as a stream, with the same outcome.
#![no_main]

#[allow(dead_code)] // each target uses some of it
mod common;

use crosr_data::{Dataset, TarShards, read_shard};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = common::file("0.tar", data);
    let mut streamed = Vec::new();
    let whole = read_shard(data, &path, |sample| {
        streamed.push(sample);
        Ok(())
    });
    let Ok(placed) = TarShards::open(vec![path]) else {
        return;
    };
    common::read(&placed);
    if whole.is_ok() {
        assert_eq!(placed.len(), streamed.len());
        for (index, sample) in streamed.into_iter().enumerate() {
            assert_eq!(placed.sample(index).expect("read before"), sample);
        }
    }
});
