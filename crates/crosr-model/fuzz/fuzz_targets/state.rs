//! States of trainings: read, written again, gone on from.
#![no_main]

#[allow(dead_code)] // each target uses some of it
mod common;
#[allow(dead_code)]
mod mutator;

use std::path::Path;

use candle_core::Device;
use common::{card, drawn_config};
use crosr_data::Batch;
use crosr_model::{ModelError, TrainParams, Trainer};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::change_safetensors(data, size, max_size, seed)
});

/// Two grey pictures of size `size`, of classes 0 and 1.
fn batch(size: usize) -> Batch {
    Batch {
        images: vec![0.5; 2 * 3 * size * size],
        shape: [2, 3, size, size],
        labels: vec![Some(0), Some(1)],
        indices: vec![0, 1],
    }
}

fn params() -> TrainParams {
    TrainParams {
        batch_size: 2,
        ..TrainParams::new(3)
    }
}

fn resume(file: &[u8]) -> Result<Trainer, ModelError> {
    Trainer::resume(file, Path::new("state"), params(), &Device::Cpu)
}

/// What was read is written, reads the same, and goes on to the same bits.
fn check(mut trainer: Trainer) {
    let written = trainer.state().expect("in main memory");
    let mut again = resume(&written).expect("just written");
    assert_eq!(again.state().expect("as before"), written);
    assert_eq!(again.epochs_done(), trainer.epochs_done());
    let size = trainer.network().config().image_size;
    if size <= 16 {
        let step = |trainer: &mut Trainer| trainer.train_batch(&batch(size), 0.01).is_ok();
        assert_eq!(step(&mut trainer), step(&mut again));
        let states = (trainer.state(), again.state());
        assert_eq!(states.0.expect("as before"), states.1.expect("as before"));
    }
}

fuzz_target!(|data: &[u8]| {
    // Too short for a file: the shape of a network to train a step.
    if let Some(config) = drawn_config(data) {
        let card = card(config.n_classes);
        let mut trainer =
            Trainer::new(&config, card, params(), &Device::Cpu).expect("a shape that is allowed");
        trainer
            .train_batch(&batch(config.image_size), 0.01)
            .expect("two pictures");
        check(trainer);
    } else if let Ok(trainer) = resume(data) {
        check(trainer);
    }
});
