//! Fits of tails of 20, 100 and 1000 scores.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use crosr_libmr::{WeibullParams, fit_high};

/// Exponential scores from a fixed multiplicative sequence.
fn scores(n: usize) -> Vec<f64> {
    (1..=n as u64)
        .map(|i| {
            let bits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
            -((bits as f64 + 0.5) / (1u64 << 53) as f64).ln()
        })
        .collect()
}

fn fits(c: &mut Criterion) {
    let mut group = c.benchmark_group("fit_high");
    for (n, tail) in [(20, 20), (100, 100), (1000, 1000), (120, 20), (10_000, 100)] {
        let scores = scores(n);
        let report = WeibullParams::new(tail)
            .check()
            .unwrap()
            .fit(&scores)
            .unwrap()
            .1;
        assert!(report.residual < 1e-12, "{report:?}");
        group.bench_function(BenchmarkId::from_parameter(format!("{tail}of{n}")), |b| {
            b.iter(|| fit_high(black_box(&scores), tail));
        });
    }
    group.finish();
}

criterion_group!(benches, fits);
criterion_main!(benches);
