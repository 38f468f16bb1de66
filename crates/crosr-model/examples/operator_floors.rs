//! Each CPU operator of a full-width training step against what the machine allows: the time its
//! arithmetic takes at the machine's peak of multiply-adds, and the time its bytes take at the
//! speed of a copy. Both speeds are measured first. Prints a Markdown table.
//!
//! `cargo run --release -p crosr-model --example operator_floors`
#![allow(clippy::print_stdout)]

use std::time::Instant;

use crosr_model::cpu::{
    BatchNorm, Conv3x3, ConvTranspose2x2, Dropout, Linear, PooledBatchNorm, SgdStep, multiply_adds,
    sgd_step,
};
use rayon::prelude::*;

/// Pictures in a batch.
const N: usize = 128;

/// Median seconds of some runs after two that warm up.
fn seconds(mut run: impl FnMut()) -> f64 {
    let mut time = || {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    for _ in 0..2 {
        time();
    }
    let mut times: Vec<f64> = (0..9).map(|_| time()).collect();
    times.sort_by(f64::total_cmp);
    times[4]
}

fn values(len: usize) -> Vec<f32> {
    (0..len)
        .map(|i| (i * 7919 % 1009) as f32 / 504.5 - 1.0)
        .collect()
}

/// The machine's two speeds, and the sum of what has been printed.
struct Table {
    flops: f64,
    bytes: f64,
    total: f64,
    floors: f64,
}

impl Table {
    fn measured() -> Self {
        let threads = rayon::current_num_threads();
        let rounds = 20_000_000;
        let mut operations = 0.0;
        let time = seconds(|| {
            let done = rayon::broadcast(|_| multiply_adds(rounds));
            operations = done.iter().map(|(operations, _)| operations).sum();
            assert!(done.iter().all(|(_, result)| result.is_finite()));
        });
        let flops = operations / time;
        let source = values(1 << 26);
        let mut target = source.clone();
        let time = seconds(|| {
            target
                .par_chunks_mut(1 << 16)
                .zip(source.par_chunks(1 << 16))
                .for_each(|(target, source)| target.copy_from_slice(source));
        });
        let bytes = 8.0 * source.len() as f64 / time;
        println!(
            "{threads} threads; multiply-adds in registers: {:.0} GFLOP/s; copy: {:.1} GB/s read and \
             written\n",
            flops * 1e-9,
            bytes * 1e-9
        );
        println!("| operator | ms | arithmetic, ms | bytes, ms | of the larger floor |");
        println!("| --- | ---: | ---: | ---: | ---: |");
        Self {
            flops,
            bytes,
            total: 0.0,
            floors: 0.0,
        }
    }

    /// `values` counts the f32 that are read or written once.
    fn row(&mut self, name: &str, flop: f64, values: usize, run: impl FnMut()) {
        let time = seconds(run);
        let arithmetic = flop / self.flops;
        let bytes = 4.0 * values as f64 / self.bytes;
        let floor = arithmetic.max(bytes);
        self.total += time;
        self.floors += floor;
        println!(
            "| {name} | {:.2} | {:.2} | {:.2} | {:.2} |",
            time * 1e3,
            arithmetic * 1e3,
            bytes * 1e3,
            time / floor
        );
    }
}

fn convolution(table: &mut Table, layer: &str, c_in: usize, c_out: usize, side: usize) {
    let d = Conv3x3 {
        n: N,
        h: side,
        w: side,
        c_in,
        c_out,
    };
    // The products of Winograd's F(4x4, 3x3) where it is used: 36 for 144.
    let share = if c_in.min(c_out) >= 16 { 0.25 } else { 1.0 };
    let flop = 18.0 * (N * side * side * c_in * c_out) as f64 * share;
    let (x, weight, dy) = (
        values(d.input_len()),
        values(d.weight_len()),
        values(d.output_len()),
    );
    let (mut y, mut dx, mut dweight) = (dy.clone(), x.clone(), weight.clone());
    let bias = vec![0.1; c_out];
    let mut dbias = bias.clone();
    let traffic = x.len() + dy.len() + weight.len();
    let normed = layer.starts_with("conv");
    table.row(&format!("{layer} forward"), flop, traffic, || {
        if normed {
            d.forward_statistics(&x, &weight, Some(&bias), 1e-5, &mut y);
        } else {
            d.forward(&x, &weight, Some(&bias), false, &mut y);
        }
    });
    if c_in > 3 {
        table.row(&format!("{layer} input gradient"), flop, traffic, || {
            d.input_gradient(&dy, &weight, &mut dx);
        });
    }
    table.row(&format!("{layer} weight gradient"), flop, traffic, || {
        d.weight_gradient(&x, &dy, &mut dweight, Some(&mut dbias));
    });
}

fn transposed_convolution(table: &mut Table, layer: &str, c_in: usize, c_out: usize, side: usize) {
    let d = ConvTranspose2x2 {
        n: N,
        h: side,
        w: side,
        c_in,
        c_out,
    };
    let flop = 8.0 * (N * side * side * c_in * c_out) as f64;
    let (x, weight, dy) = (
        values(d.input_len()),
        values(4 * c_in * c_out),
        values(d.output_len()),
    );
    let (mut y, mut dx, mut dweight) = (dy.clone(), x.clone(), weight.clone());
    let bias = vec![0.1; c_out];
    let mut dbias = bias.clone();
    let traffic = x.len() + dy.len() + weight.len();
    table.row(&format!("{layer} forward"), flop, traffic, || {
        d.forward(&x, &weight, Some(&bias), true, &mut y);
    });
    table.row(&format!("{layer} input gradient"), flop, traffic, || {
        d.input_gradient(&dy, &weight, &mut dx);
    });
    table.row(&format!("{layer} weight gradient"), flop, traffic, || {
        d.weight_gradient(&x, &dy, &mut dweight, Some(&mut dbias));
    });
}

fn fully_connected(table: &mut Table, layer: &str, inputs: usize, outputs: usize) {
    let d = Linear {
        rows: N,
        inputs,
        outputs,
    };
    let flop = 2.0 * (N * inputs * outputs) as f64;
    let (x, weight, dy) = (
        values(N * inputs),
        values(inputs * outputs),
        values(N * outputs),
    );
    let (mut y, mut dx, mut dweight) = (dy.clone(), x.clone(), weight.clone());
    let traffic = x.len() + dy.len() + weight.len();
    table.row(&format!("{layer} forward"), flop, traffic, || {
        d.forward(&x, &weight, None, &mut y);
    });
    table.row(&format!("{layer} input gradient"), flop, traffic, || {
        d.input_gradient(&dy, &weight, &mut dx);
    });
    table.row(&format!("{layer} weight gradient"), flop, traffic, || {
        d.weight_gradient(&x, &dy, &mut dweight, None);
    });
}

fn normalisation(table: &mut Table, stage: usize, c: usize, side: usize) {
    let pixels = N * side * side;
    let norm = BatchNorm {
        pixels,
        channels: c,
        relu: true,
    };
    let pooled = PooledBatchNorm {
        n: N,
        h: side,
        w: side,
        c,
    };
    let (x, dy) = (values(pixels * c), values(pixels * c));
    let (gamma, beta) = (vec![1.0; c], vec![0.1; c]);
    let stats = norm.statistics(&x, 1e-5);
    let (mut full, mut quarter) = (x.clone(), vec![0.0; x.len() / 4]);
    let mut places = vec![0; quarter.len()];
    let (mut dgamma, mut dbeta) = (vec![0.0; c], vec![0.0; c]);
    table.row(&format!("norm {stage} forward"), 0.0, 2 * x.len(), || {
        norm.normalise(&x, &stats, &gamma, &beta, &mut full);
    });
    // Both inputs are needed whole before the first output is: two passes.
    table.row(&format!("norm {stage} backward"), 0.0, 5 * x.len(), || {
        let (mean, inverse) = (&stats.mean, &stats.inverse_std);
        norm.backward(
            &x,
            &dy,
            &gamma,
            &beta,
            mean,
            inverse,
            &mut full,
            &mut dgamma,
            &mut dbeta,
        );
    });
    let name = format!("norm and pool {stage}");
    let traffic = x.len() + x.len() / 4 + x.len() / 16;
    table.row(&format!("{name} forward"), 0.0, traffic, || {
        pooled.forward_training(&x, &stats, &gamma, &beta, &mut quarter, &mut places);
    });
    let small = &dy[..quarter.len()];
    let traffic = 3 * x.len() + 2 * (x.len() / 4 + x.len() / 16);
    table.row(&format!("{name} backward"), 0.0, traffic, || {
        let (mean, inverse) = (&stats.mean, &stats.inverse_std);
        pooled.backward(
            &x,
            small,
            &places,
            &gamma,
            mean,
            inverse,
            &mut full,
            &mut dgamma,
            &mut dbeta,
        );
    });
    table.row(&format!("dropout {stage}"), 0.0, 2 * small.len(), || {
        Dropout::new(0.25, 1, 2, 3).apply(small, &mut quarter);
    });
}

fn main() {
    let mut table = Table::measured();
    for (layer, c_in, c_out, side) in [
        ("conv1_1", 3, 64, 32),
        ("conv1_2", 64, 64, 32),
        ("conv2_1", 64, 128, 16),
        ("conv2_2", 128, 128, 16),
        ("conv3_1", 128, 256, 8),
        ("conv3_2", 256, 256, 8),
        ("conv3_3", 256, 256, 8),
        ("btl1", 64, 32, 16),
        ("btl2", 128, 32, 8),
        ("btl3", 256, 32, 4),
        ("btlu1", 32, 64, 16),
        ("btlu2", 32, 128, 8),
        ("btlu3", 32, 256, 4),
    ] {
        convolution(&mut table, layer, c_in, c_out, side);
    }
    for (layer, c_in, c_out, side) in [
        ("deconv3", 256, 128, 4),
        ("deconv2", 128, 64, 8),
        ("deconv1", 64, 3, 16),
    ] {
        transposed_convolution(&mut table, layer, c_in, c_out, side);
    }
    for (layer, inputs, outputs) in [("fc4", 4096, 1024), ("fc5", 1024, 1024)] {
        fully_connected(&mut table, layer, inputs, outputs);
    }
    for (stage, c, side) in [(1, 64, 32), (2, 128, 16), (3, 256, 8)] {
        normalisation(&mut table, stage, c, side);
    }
    let len = 7_416_365;
    let (mut parameter, gradient, mut velocity) = (values(len), values(len), values(len));
    let step = SgdStep {
        gradient_scale: 1.0,
        learning_rate: 1e-6,
        momentum: 0.9,
        weight_decay: 5e-4,
        first: false,
    };
    table.row("sgd step", 0.0, 5 * len, || {
        sgd_step(step, &mut parameter, &gradient, &mut velocity);
    });
    println!(
        "| sum | {:.1} | | | {:.2} |",
        table.total * 1e3,
        table.total / table.floors
    );
}
