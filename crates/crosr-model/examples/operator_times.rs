//! Milliseconds of each operator at the shapes of the full-width network, batch 128.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use crosr_model::cpu::{BatchNorm, Conv3x3, ConvTranspose2x2, Linear, MaxPool2x2};

/// Least milliseconds of five runs.
fn best(mut f: impl FnMut()) -> f64 {
    let time = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64() * 1e3
    };
    f();
    (0..5).map(|_| time(&mut f)).fold(f64::INFINITY, f64::min)
}

fn values(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| ((i * 7919 % 1009) as f32 / 504.5) - 1.0)
        .collect()
}

fn line(name: &str, gflop: f64, times: [f64; 3]) {
    let rate = |ms: f64| gflop / (ms * 1e-3);
    let [f, i, w] = times;
    println!(
        "{name:24} forward {f:7.2} ms {:5.0} GF/s  input {i:7.2} ms {:5.0}  weight {w:7.2} ms {:5.0}",
        rate(f),
        rate(i),
        rate(w)
    );
}

fn main() {
    let n = 128;
    let mut total = [0.0; 3];
    for (name, c_in, c_out, s) in [
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
        let shape = Conv3x3 {
            n,
            h: s,
            w: s,
            c_in,
            c_out,
        };
        let (x, w, dy) = (
            values(shape.input_len()),
            values(shape.weight_len()),
            values(shape.output_len()),
        );
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let bias = values(c_out);
        let mut db = bias.clone();
        let times = [
            best(|| shape.forward(&x, &w, Some(&bias), false, &mut y)),
            best(|| shape.input_gradient(&dy, &w, &mut dx)),
            best(|| shape.weight_gradient(&x, &dy, &mut dw, Some(&mut db))),
        ];
        (0..3).for_each(|k| total[k] += times[k]);
        line(name, 18.0 * (n * s * s * c_in * c_out) as f64 * 1e-9, times);
    }
    for (name, c_in, c_out, s) in [
        ("deconv3", 256, 128, 4),
        ("deconv2", 128, 64, 8),
        ("deconv1", 64, 3, 16),
    ] {
        let shape = ConvTranspose2x2 {
            n,
            h: s,
            w: s,
            c_in,
            c_out,
        };
        let (x, w, dy) = (
            values(shape.input_len()),
            values(shape.weight_len()),
            values(shape.output_len()),
        );
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let bias = values(c_out);
        let mut db = bias.clone();
        let times = [
            best(|| shape.forward(&x, &w, Some(&bias), false, &mut y)),
            best(|| shape.input_gradient(&dy, &w, &mut dx)),
            best(|| shape.weight_gradient(&x, &dy, &mut dw, Some(&mut db))),
        ];
        (0..3).for_each(|k| total[k] += times[k]);
        line(name, 8.0 * (n * s * s * c_in * c_out) as f64 * 1e-9, times);
    }
    for (name, inputs, outputs) in [("fc4", 4096, 1024), ("fc5", 1024, 1024), ("fc6", 1024, 10)] {
        let shape = Linear {
            rows: n,
            inputs,
            outputs,
        };
        let (x, w, dy) = (
            values(n * inputs),
            values(inputs * outputs),
            values(n * outputs),
        );
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let bias = values(outputs);
        let mut db = bias.clone();
        let times = [
            best(|| shape.forward(&x, &w, Some(&bias), &mut y)),
            best(|| shape.input_gradient(&dy, &w, &mut dx)),
            best(|| shape.weight_gradient(&x, &dy, &mut dw, Some(&mut db))),
        ];
        (0..3).for_each(|k| total[k] += times[k]);
        line(name, 2.0 * (n * inputs * outputs) as f64 * 1e-9, times);
    }
    println!(
        "products: {:.1} + {:.1} + {:.1} ms",
        total[0], total[1], total[2]
    );
    for (name, c, s, count) in [
        ("bn 64@32", 64, 32, 2),
        ("bn 128@16", 128, 16, 2),
        ("bn 256@8", 256, 8, 3),
    ] {
        let norm = BatchNorm {
            pixels: n * s * s,
            channels: c,
            relu: true,
        };
        let (x, dy, gamma, beta) = (
            values(n * s * s * c),
            values(n * s * s * c),
            values(c),
            values(c),
        );
        let (mut y, mut dx, mut dg, mut db) = (x.clone(), x.clone(), gamma.clone(), beta.clone());
        let mut statistics = norm.statistics(&x, 1e-5);
        let f = best(|| statistics = norm.forward_training(&x, &gamma, &beta, 1e-5, &mut y));
        let b = best(|| {
            norm.backward(
                &x,
                &dy,
                &gamma,
                &beta,
                &statistics.mean,
                &statistics.inverse_std,
                &mut dx,
                &mut dg,
                &mut db,
            );
        });
        let pool = MaxPool2x2 { n, h: s, w: s, c };
        let (mut p, mut at) = (vec![0.0; pool.output_len()], vec![0; pool.output_len()]);
        let pf = best(|| pool.forward(&x, &mut p, &mut at));
        let pb = best(|| pool.backward(&p, &at, &mut dx));
        println!("{name:12} x{count} forward {f:.2} backward {b:.2} ms; pool {pf:.2} {pb:.2} ms");
    }
}
