//! Fitting and scoring at the size of a CIFAR-10 run: K = 10, D = 106.

#![allow(missing_docs)] // what the macros of criterion expand to

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use crosr_openmax::{Distance, OpenMax, OpenMaxParams, RecalibrationParams};

const N_CLASSES: usize = 10;
const DIM: usize = 106;

/// Rows `[n, DIM]` around one centre a class, from a fixed linear congruence.
fn clusters(n: usize) -> (Vec<f32>, Vec<usize>) {
    let mut state = 20_260_611u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let mut rows = Vec::with_capacity(n * DIM);
    let labels: Vec<usize> = (0..n).map(|i| i % N_CLASSES).collect();
    for &label in &labels {
        for column in 0..DIM {
            let centre = if column == label { 8.0 } else { 0.0 };
            rows.push(centre + uniform() + uniform() + uniform() + uniform() - 2.0);
        }
    }
    (rows, labels)
}

fn fitted(distance: Distance, rows: &[f32], labels: &[usize]) -> OpenMax {
    let params = OpenMaxParams::new(100).distance(distance).check().unwrap();
    let (model, report) = params.fit(N_CLASSES, rows, DIM, labels).unwrap();
    assert_eq!(report.samples(), labels.len() as u64);
    model
}

fn fit(c: &mut Criterion) {
    let (rows, labels) = clusters(50_000);
    c.bench_function("fit/50000rows-10classes-106dim", |b| {
        b.iter(|| fitted(Distance::Euclidean, black_box(&rows), &labels));
    });
}

fn score(c: &mut Criterion) {
    let (rows, labels) = clusters(20_000);
    let recalibration = RecalibrationParams::new().check().unwrap();
    for distance in [Distance::Euclidean, Distance::Cosine, Distance::Eucos] {
        let model = fitted(distance, &rows, &labels);
        c.bench_function(
            &format!("score/{distance}-20000rows-10classes-106dim"),
            |b| {
                b.iter(|| {
                    let scored = model.score_rows(black_box(&rows), &recalibration).unwrap();
                    let agree = scored
                        .iter()
                        .zip(&labels)
                        .filter(|(s, l)| s.closed_set_class == **l);
                    assert_eq!(agree.count(), labels.len());
                    scored
                });
            },
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = fit, score
}
criterion_main!(benches);
