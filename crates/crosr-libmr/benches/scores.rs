//! w-scores of a vector, and the 100 largest of ten million scores.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crosr_libmr::{TailCollector, TailSide, fit_high};

/// Exponential scores from a fixed multiplicative sequence.
fn scores(n: usize) -> Vec<f64> {
    (1..=n as u64)
        .map(|i| {
            let bits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
            -((bits as f64 + 0.5) / (1u64 << 53) as f64).ln()
        })
        .collect()
}

fn w_scores(c: &mut Criterion) {
    let scores = scores(10_000);
    let singles: Vec<f32> = scores.iter().map(|x| *x as f32).collect();
    let weibull = fit_high(&scores, 100).unwrap();
    let mut group = c.benchmark_group("w_scores");
    group.throughput(Throughput::Elements(scores.len() as u64));
    let mut out = vec![0.0; scores.len()];
    group.bench_function("f64", |b| {
        b.iter(|| weibull.w_scores(black_box(&scores), &mut out));
    });
    let mut out = vec![0.0; scores.len()];
    group.bench_function("f32", |b| {
        b.iter(|| weibull.w_scores(black_box(&singles), &mut out));
    });
    group.bench_function("one by one", |b| {
        b.iter(|| scores.iter().map(|x| weibull.w_score(*x)).sum::<f64>());
    });
    group.finish();
}

fn top_tail(c: &mut Criterion) {
    let scores = scores(10_000_000);
    let mut group = c.benchmark_group("top100of1e7");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(8 * scores.len() as u64));
    group.bench_function("TailCollector", |b| {
        b.iter(|| {
            let mut collector = TailCollector::new(100, TailSide::High).unwrap();
            collector.extend_from_slice(black_box(&scores)).unwrap();
            collector.into_scores()
        });
    });
    group.bench_function("sum", |b| {
        b.iter(|| {
            let lanes = black_box(&scores).as_chunks::<16>().0.iter();
            lanes.fold([0.0; 16], |mut sum, x| {
                sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
                sum
            })
        });
    });
    group.finish();
}

criterion_group!(benches, w_scores, top_tail);
criterion_main!(benches);
