//! Each CPU operator at the sizes of the full-width network, batch 128.
//!
//! The identifier names the sizes; the throughput counts floating-point
//! operations of the direct formula (so Gelem/s reads as GFLOP/s), and bytes of
//! the input for the operators that memory bounds. `CROSR_BENCH_BATCH` sets
//! another batch.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crosr_model::cpu::{
    BatchNorm, Conv3x3, ConvTranspose2x2, Dropout, Linear, MaxPool2x2, PooledBatchNorm, SgdStep,
    sgd_step,
};

fn batch() -> usize {
    std::env::var("CROSR_BENCH_BATCH")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(128)
}

/// Numbers in [-1, 1) from a multiplicative sequence.
fn numbers(len: usize) -> Vec<f32> {
    let number = |i: usize| (i as u32).wrapping_mul(0x9e37_79b1) >> 8;
    (0..len)
        .map(|i| number(i) as f32 / (1 << 23) as f32 - 1.0)
        .collect()
}

/// A result that is all zero or not finite would make the time meaningless.
fn check(name: &str, out: &[f32]) {
    assert!(out.iter().all(|v| v.is_finite()), "{name}: not finite");
    assert!(out.iter().any(|&v| v != 0.0), "{name}: nothing computed");
}

/// Runs one pass as the bench `name`, and looks at what it wrote.
fn pass(
    c: &mut Criterion,
    name: &str,
    throughput: Throughput,
    out: &mut [f32],
    f: impl Fn(&mut [f32]),
) {
    let mut group = c.benchmark_group("cpu");
    group.sample_size(20).throughput(throughput);
    group.bench_function(name, |b| b.iter(|| f(black_box(out))));
    group.finish();
    check(name, out);
}

fn convolutions(c: &mut Criterion) {
    let n = batch();
    for (layer, c_in, c_out, side) in [
        ("conv1_1", 3, 64, 32),
        ("conv1_2", 64, 64, 32),
        ("conv2_1", 64, 128, 16),
        ("conv2_2", 128, 128, 16),
        ("conv3_1", 128, 256, 8),
        ("conv3_2", 256, 256, 8),
        ("btl1", 64, 32, 16),
        ("btl2", 128, 32, 8),
        ("btl3", 256, 32, 4),
        ("btlu1", 32, 64, 16),
        ("btlu2", 32, 128, 8),
        ("btlu3", 32, 256, 4),
    ] {
        let d = Conv3x3 {
            n,
            h: side,
            w: side,
            c_in,
            c_out,
        };
        let flops = Throughput::Elements(2 * 9 * (n * side * side * c_in * c_out) as u64);
        let (x, dy) = (numbers(d.input_len()), numbers(d.output_len()));
        let (weight, bias) = (numbers(d.weight_len()), numbers(c_out));
        let (mut y, mut dx) = (dy.clone(), x.clone());
        let mut dweight = weight.clone();
        let name = |pass: &str| format!("{layer}/{pass}/{n}x{side}x{side}x{c_in}-{c_out}");
        pass(c, &name("forward"), flops.clone(), &mut y, |y| {
            d.forward(&x, &weight, Some(&bias), false, y);
        });
        if c_in > 3 {
            pass(c, &name("input_gradient"), flops.clone(), &mut dx, |dx| {
                d.input_gradient(&dy, &weight, dx);
            });
        }
        pass(
            c,
            &name("weight_gradient"),
            flops,
            &mut dweight,
            |dweight| {
                d.weight_gradient(&x, &dy, dweight, Some(&mut vec![0.0; c_out]));
            },
        );
    }
}

fn transposed_convolutions(c: &mut Criterion) {
    let n = batch();
    for (layer, c_in, c_out, side) in [
        ("deconv3", 256, 128, 4),
        ("deconv2", 128, 64, 8),
        ("deconv1", 64, 3, 16),
    ] {
        let d = ConvTranspose2x2 {
            n,
            h: side,
            w: side,
            c_in,
            c_out,
        };
        let flops = Throughput::Elements(2 * 4 * (n * side * side * c_in * c_out) as u64);
        let (x, dy) = (numbers(d.input_len()), numbers(d.output_len()));
        let (weight, bias) = (numbers(d.weight_len()), numbers(c_out));
        let (mut y, mut dx) = (dy.clone(), x.clone());
        let mut dweight = weight.clone();
        let name = |pass: &str| format!("{layer}/{pass}/{n}x{side}x{side}x{c_in}-{c_out}");
        pass(c, &name("forward"), flops.clone(), &mut y, |y| {
            d.forward(&x, &weight, Some(&bias), false, y);
        });
        pass(c, &name("input_gradient"), flops.clone(), &mut dx, |dx| {
            d.input_gradient(&dy, &weight, dx);
        });
        pass(
            c,
            &name("weight_gradient"),
            flops,
            &mut dweight,
            |dweight| {
                d.weight_gradient(&x, &dy, dweight, Some(&mut vec![0.0; c_out]));
            },
        );
    }
}

fn fully_connected(c: &mut Criterion) {
    let rows = batch();
    for (layer, inputs, outputs) in [("fc4", 4096, 1024), ("fc5", 1024, 1024)] {
        let d = Linear {
            rows,
            inputs,
            outputs,
        };
        let flops = Throughput::Elements(2 * (rows * inputs * outputs) as u64);
        let (x, dy) = (numbers(rows * inputs), numbers(rows * outputs));
        let (weight, bias) = (numbers(inputs * outputs), numbers(outputs));
        let (mut y, mut dx) = (dy.clone(), x.clone());
        let mut dweight = weight.clone();
        let name = |pass: &str| format!("{layer}/{pass}/{rows}x{inputs}-{outputs}");
        pass(c, &name("forward"), flops.clone(), &mut y, |y| {
            d.forward(&x, &weight, Some(&bias), y);
        });
        pass(c, &name("input_gradient"), flops.clone(), &mut dx, |dx| {
            d.input_gradient(&dy, &weight, dx);
        });
        pass(
            c,
            &name("weight_gradient"),
            flops,
            &mut dweight,
            |dweight| {
                d.weight_gradient(&x, &dy, dweight, Some(&mut vec![0.0; outputs]));
            },
        );
    }
}

fn normalisation_and_pooling(c: &mut Criterion) {
    let n = batch();
    for (stage, ch, side) in [(1, 64, 32), (2, 128, 16), (3, 256, 8)] {
        let norm = BatchNorm {
            pixels: n * side * side,
            channels: ch,
            relu: true,
        };
        let pooled = PooledBatchNorm {
            n,
            h: side,
            w: side,
            c: ch,
        };
        let pool = MaxPool2x2 {
            n,
            h: side,
            w: side,
            c: ch,
        };
        let (x, dy) = (numbers(pool.input_len()), numbers(pool.input_len()));
        let small = &dy[..pool.output_len()];
        let (gamma, beta) = (vec![1.0; ch], vec![0.1; ch]);
        let stats = norm.statistics(&x, 1e-5);
        let (mean, inverse) = (&stats.mean, &stats.inverse_std);
        let bytes = Throughput::Bytes(4 * x.len() as u64);
        let small_bytes = Throughput::Bytes(x.len() as u64);
        let (mut y, mut small_y) = (x.clone(), small.to_vec());
        let places: Vec<u8> = (0..small.len()).map(|i| (i % 5) as u8).collect();
        let name = |what: &str| format!("stage{stage}/{what}/{n}x{side}x{side}x{ch}");
        pass(c, &name("batch_norm"), bytes.clone(), &mut y, |y| {
            norm.forward_training(&x, &gamma, &beta, 1e-5, y);
        });
        pass(
            c,
            &name("batch_norm_backward"),
            bytes.clone(),
            &mut y,
            |dx| {
                let (mut dgamma, mut dbeta) = (vec![0.0; ch], vec![0.0; ch]);
                norm.backward(
                    &x,
                    &dy,
                    &gamma,
                    &beta,
                    mean,
                    inverse,
                    dx,
                    &mut dgamma,
                    &mut dbeta,
                );
            },
        );
        pass(
            c,
            &name("pooled_batch_norm"),
            bytes.clone(),
            &mut small_y,
            |y| {
                pooled.forward_training(&x, &stats, &gamma, &beta, y, &mut places.clone());
            },
        );
        pass(
            c,
            &name("pooled_batch_norm_backward"),
            bytes.clone(),
            &mut y,
            |dx| {
                let (mut dgamma, mut dbeta) = (vec![0.0; ch], vec![0.0; ch]);
                pooled.backward(
                    &x,
                    small,
                    &places,
                    &gamma,
                    mean,
                    inverse,
                    dx,
                    &mut dgamma,
                    &mut dbeta,
                );
            },
        );
        pass(c, &name("max_pool"), bytes.clone(), &mut small_y, |y| {
            pool.forward(&x, y, &mut places.clone());
        });
        pass(c, &name("dropout"), small_bytes, &mut small_y, |y| {
            Dropout::new(0.25, 1, 2, 3).apply(small, y);
        });
    }
}

fn optimiser(c: &mut Criterion) {
    let len = 7_900_000;
    let gradient = numbers(len);
    let mut state = [numbers(len), numbers(len)].concat();
    let bytes = Throughput::Bytes(4 * len as u64);
    pass(c, "sgd/step/7900000", bytes, &mut state, |state| {
        let (parameter, velocity) = state.split_at_mut(len);
        let step = SgdStep {
            gradient_scale: 1.0,
            learning_rate: 1e-6,
            momentum: 0.9,
            weight_decay: 5e-4,
            first: false,
        };
        sgd_step(step, parameter, &gradient, velocity);
    });
}

criterion_group!(
    benches,
    convolutions,
    transposed_convolutions,
    fully_connected,
    normalisation_and_pooling,
    optimiser
);
criterion_main!(benches);
