//! Preparing batches of 32 x 32 pictures: CIFAR records, drawn shapes.

#![allow(missing_docs)] // what the macros of criterion expand to

use std::fs;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crosr_data::{
    Augmentation, BatchPlan, Cifar10, Dataset, Normalisation, Order, Shapes, Split, batches,
};

const N: usize = 10_000;

/// A test set of the published layout: labels in turn, pixels from a fixed linear congruence.
fn cifar() -> Arc<dyn Dataset> {
    let mut state = 20_260_611u64;
    let bytes: Vec<u8> = (0..N * 3073)
        .map(|i| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            if i % 3073 == 0 {
                (i / 3073 % 10) as u8
            } else {
                (state >> 56) as u8
            }
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("test_batch.bin"), bytes).unwrap();
    Arc::new(Cifar10::open(folder.path(), Split::Test).unwrap())
}

fn plan(augmentation: Option<Augmentation>) -> BatchPlan {
    BatchPlan {
        normalisation: Normalisation::CIFAR10,
        order: Order::Shuffled,
        augmentation,
        ..BatchPlan::default()
    }
}

/// Samples with a label in all batches: proof that they were prepared.
fn labelled(dataset: &Arc<dyn Dataset>, plan: &BatchPlan) -> usize {
    batches(dataset.clone(), plan)
        .unwrap()
        .map(|batch| {
            let batch = black_box(batch.unwrap());
            assert_eq!(batch.images.len(), batch.labels.len() * 3072);
            batch.labels.iter().flatten().count()
        })
        .sum()
}

fn prepare(c: &mut Criterion) {
    let mut group = c.benchmark_group("batches");
    let cifar = cifar();
    for (name, augmentation) in [
        ("plain", None),
        ("flip_and_crop", Some(Augmentation::flip_and_crop())),
        ("reference", Some(Augmentation::reference())),
    ] {
        let plan = plan(augmentation);
        group.throughput(Throughput::Elements(N as u64));
        group.bench_function(format!("cifar10-{name}-{N}images-128batch"), |b| {
            b.iter(|| assert_eq!(labelled(&cifar, &plan), N));
        });
    }
    let shapes: Arc<dyn Dataset> = Arc::new(Shapes::known(2_000, 1));
    let plan = plan(Some(Augmentation::flip_and_crop()));
    group.throughput(Throughput::Elements(2_000));
    group.bench_function("shapes-flip_and_crop-2000images-128batch", |b| {
        b.iter(|| assert_eq!(labelled(&shapes, &plan), 2_000));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = prepare
}
criterion_main!(benches);
