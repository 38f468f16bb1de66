//! Weights files: as they come, and written from networks of small shapes.
#![no_main]

#[allow(dead_code)] // each target uses some of it
mod common;
#[allow(dead_code)]
mod mutator;

use std::path::Path;

use candle_core::Device;
use common::{bits, drawn_config};
use crosr_data::Normalisation;
use crosr_model::{DhrNet, ModelCard};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::change_safetensors(data, size, max_size, seed)
});

fn read(file: &[u8]) -> Result<(DhrNet, ModelCard), crosr_model::ModelError> {
    DhrNet::from_safetensors(file, Path::new("weights"), &Device::Cpu)
}

/// What was read is written, and reads the same.
fn check(network: &DhrNet, card: &ModelCard) {
    let Normalisation { mean, std } = card.normalisation;
    assert!(mean.iter().all(|m| m.is_finite()), "{card:?}");
    assert!(std.iter().all(|s| s.is_finite() && *s > 0.0), "{card:?}");
    let written = network.to_safetensors(card).expect("a card of its own");
    let (again, again_card) = read(&written).expect("just written");
    assert_eq!(&again_card, card);
    assert_eq!(again.config(), network.config());
    assert_eq!(bits(&again), bits(network));
    assert_eq!(again.to_safetensors(card).expect("as before"), written);

    let half = network.to_half_safetensors(card).expect("as before");
    let (rounded, _) = read(&half).expect("just written");
    let twice = rounded.to_half_safetensors(card).expect("as before");
    assert_eq!(twice, half, "rounding once is rounding twice");
    common::run(network);
}

fuzz_target!(|data: &[u8]| {
    // Too short for a file: the shape of a network to write.
    if let Some(config) = drawn_config(data) {
        let network = DhrNet::new(&config, 1, &Device::Cpu).expect("a shape that is allowed");
        check(&network, &common::card(config.n_classes));
    } else if let Ok((network, card)) = read(data) {
        check(&network, &card);
    }
});
