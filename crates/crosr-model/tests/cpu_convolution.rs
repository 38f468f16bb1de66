//! Convolutions and the fully connected layer against plain double-precision
//! sums, on every path of the machine, and the same bits for 1, 2 and 4 threads.

mod cpu_support;

use cpu_support::{assert_close, on_every_path, random, same_bits_for_all_thread_counts};
use crosr_model::cpu::{Conv3x3, ConvTranspose2x2, Linear, MaxPool2x2};

const FORWARD: f64 = 1e-5;
const GRADIENT: f64 = 1e-4;

/// Shapes (n, h, w, c_in, c_out): odd sizes, batch 1, one channel, channels
/// that fill no vector, and sizes of the network.
const CONVOLUTIONS: &[(usize, usize, usize, usize, usize)] = &[
    (1, 1, 1, 1, 1),
    (1, 1, 2, 1, 3),
    (2, 3, 5, 1, 4),
    (1, 5, 3, 3, 7),
    (3, 7, 9, 5, 33),
    (2, 2, 2, 16, 16),
    (1, 4, 4, 16, 17),
    (2, 9, 6, 19, 48),
    (3, 5, 13, 32, 31),
    (5, 8, 8, 32, 64),
    (2, 11, 10, 64, 40),
    (1, 32, 32, 3, 64),
    (17, 6, 7, 3, 20),
    (2, 16, 16, 64, 128),
    (3, 32, 32, 64, 64),
    (1, 8, 8, 256, 256),
    (7, 4, 4, 256, 32),
    (33, 4, 4, 32, 256),
    (1, 1, 40, 20, 24),
    (1, 37, 1, 24, 20),
];

struct Reference {
    y: Vec<f64>,
    dx: Vec<f64>,
    dweight: Vec<f64>,
    dbias: Vec<f64>,
}

fn plain_convolution(
    d: &Conv3x3,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    dy: &[f32],
) -> Reference {
    let Conv3x3 {
        n,
        h,
        w,
        c_in,
        c_out,
    } = *d;
    let mut y = vec![0.0; d.output_len()];
    let mut dx = vec![0.0; d.input_len()];
    let mut dweight = vec![0.0; weight.len()];
    let mut dbias = vec![0.0; c_out];
    // Channels of the output innermost, so that the loop is not hopelessly slow.
    let turned: Vec<f64> = (0..weight.len())
        .map(|i| f64::from(weight[((i % c_out) * c_in + i / c_out % c_in) * 9 + i / c_out / c_in]))
        .collect();
    let mut dturned = vec![0.0; weight.len()];
    for p in 0..n * h * w {
        let (image, row, col) = (p / (h * w), p / w % h, p % w);
        let dy: Vec<f64> = dy[p * c_out..(p + 1) * c_out]
            .iter()
            .map(|&v| f64::from(v))
            .collect();
        let y = &mut y[p * c_out..(p + 1) * c_out];
        for co in 0..c_out {
            y[co] += f64::from(bias[co]);
            dbias[co] += dy[co];
        }
        for tap in 0..9 {
            let (r, c) = (row + tap / 3, col + tap % 3);
            if r < 1 || r > h || c < 1 || c > w {
                continue;
            }
            let q = (image * h + r - 1) * w + c - 1;
            for ci in 0..c_in {
                let v = f64::from(x[q * c_in + ci]);
                let at = (tap * c_in + ci) * c_out;
                let mut back = 0.0;
                for co in 0..c_out {
                    y[co] += v * turned[at + co];
                    back += dy[co] * turned[at + co];
                    dturned[at + co] += v * dy[co];
                }
                dx[q * c_in + ci] += back;
            }
        }
    }
    for (i, v) in dturned.iter().enumerate() {
        dweight[((i % c_out) * c_in + i / c_out % c_in) * 9 + i / c_out / c_in] = *v;
    }
    Reference {
        y,
        dx,
        dweight,
        dbias,
    }
}

fn convolution_outputs(d: &Conv3x3, seed: u64, relu: bool) -> [Vec<f32>; 4] {
    let x = random(seed, d.input_len());
    let weight = random(seed + 1, d.weight_len());
    let bias = random(seed + 2, d.c_out);
    let dy = random(seed + 3, d.output_len());
    // Garbage in the outputs: nothing may be left of it.
    let mut y = vec![f32::NAN; d.output_len()];
    let mut dx = vec![f32::NAN; d.input_len()];
    let mut dweight = vec![f32::NAN; d.weight_len()];
    let mut dbias = vec![f32::NAN; d.c_out];
    d.forward(&x, &weight, Some(&bias), relu, &mut y);
    d.input_gradient(&dy, &weight, &mut dx);
    d.weight_gradient(&x, &dy, &mut dweight, Some(&mut dbias));
    [y, dx, dweight, dbias]
}

#[test]
fn convolution_matches_double_precision() {
    for (i, &(n, h, w, c_in, c_out)) in CONVOLUTIONS.iter().enumerate() {
        check_convolution(
            Conv3x3 {
                n,
                h,
                w,
                c_in,
                c_out,
            },
            10 * i as u64,
        );
    }
}

#[test]
fn convolution_matches_double_precision_on_random_shapes() {
    for case in 0..40 {
        let draw = random(5_000 + case, 5);
        let within = |i: usize, most: f32| 1 + ((draw[i] + 1.0) / 2.0 * most) as usize;
        // Half of the cases have enough channels for Winograd's algorithm.
        let least = if case % 2 == 0 { 0 } else { 15 };
        let (c_in, c_out) = (least + within(3, 50.0), least + within(4, 50.0));
        let d = Conv3x3 {
            n: within(0, 4.0),
            h: within(1, 14.0),
            w: within(2, 14.0),
            c_in,
            c_out,
        };
        check_convolution(d, 7_000 + case);
    }
}

fn check_convolution(d: Conv3x3, seed: u64) {
    let x = random(seed, d.input_len());
    let weight = random(seed + 1, d.weight_len());
    let bias = random(seed + 2, d.c_out);
    let dy = random(seed + 3, d.output_len());
    let want = plain_convolution(&d, &x, &weight, &bias, &dy);
    on_every_path(|path| {
        let name = format!("{d:?} {path:?}");
        let [y, dx, dweight, dbias] = convolution_outputs(&d, seed, false);
        assert_close(&format!("{name} y"), &y, &want.y, FORWARD);
        assert_close(&format!("{name} dx"), &dx, &want.dx, GRADIENT);
        assert_close(
            &format!("{name} dweight"),
            &dweight,
            &want.dweight,
            GRADIENT,
        );
        assert_close(&format!("{name} dbias"), &dbias, &want.dbias, GRADIENT);
        let [relu, ..] = convolution_outputs(&d, seed, true);
        let clipped: Vec<f32> = y.iter().map(|v| v.max(0.0)).collect();
        assert_eq!(relu, clipped, "{name} relu");
    });
}

#[test]
fn pooled_convolution_equals_its_parts() {
    for (n, h, w, c_in, c_out) in [
        (2, 2, 2, 3, 5),
        (3, 8, 8, 16, 20),
        (2, 6, 10, 32, 16),
        (1, 32, 32, 64, 64),
        (2, 4, 6, 4, 40),
    ] {
        let d = Conv3x3 {
            n,
            h,
            w,
            c_in,
            c_out,
        };
        let x = random(1, d.input_len());
        let weight = random(2, d.weight_len());
        let bias = random(3, c_out);
        on_every_path(|path| {
            let mut full = vec![f32::NAN; d.output_len()];
            d.forward(&x, &weight, Some(&bias), true, &mut full);
            let (mut want, mut places) = (vec![0.0; full.len() / 4], vec![0; full.len() / 4]);
            MaxPool2x2 { n, h, w, c: c_out }.forward(&full, &mut want, &mut places);
            let mut y = vec![f32::NAN; want.len()];
            d.forward_pooled(&x, &weight, Some(&bias), &mut y);
            assert_eq!(y, want, "{d:?} {path:?}");
        });
    }
}

#[test]
fn convolution_without_bias_and_with_nan() {
    on_every_path(|_| {
        let d = Conv3x3 {
            n: 1,
            h: 8,
            w: 8,
            c_in: 16,
            c_out: 16,
        };
        let mut x = vec![0.0; d.input_len()];
        let weight = random(1, d.weight_len());
        let mut y = vec![1.0; d.output_len()];
        d.forward(&x, &weight, None, false, &mut y);
        assert!(y.iter().all(|&v| v == 0.0));
        x[0] = f32::NAN;
        d.forward(&x, &weight, None, true, &mut y);
        assert!(y[0].is_nan(), "a NaN is not hidden by the ReLU");
    });
}

#[test]
fn convolution_has_the_same_bits_for_all_thread_counts() {
    for (n, h, w, c_in, c_out) in [
        (16, 16, 16, 16, 32),
        (5, 9, 7, 20, 33),
        (20, 8, 8, 64, 64),
        (18, 4, 4, 128, 96),
        (9, 32, 32, 3, 64),
    ] {
        let d = Conv3x3 {
            n,
            h,
            w,
            c_in,
            c_out,
        };
        same_bits_for_all_thread_counts(|| convolution_outputs(&d, 5, true).concat());
    }
}

const TRANSPOSED: &[(usize, usize, usize, usize, usize)] = &[
    (1, 1, 1, 1, 1),
    (2, 3, 5, 4, 3),
    (1, 16, 16, 64, 3),
    (3, 8, 8, 40, 64),
    (2, 4, 4, 256, 128),
    (9, 5, 7, 17, 9),
];

fn plain_transposed(
    d: &ConvTranspose2x2,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    dy: &[f32],
) -> Reference {
    let ConvTranspose2x2 {
        n,
        h,
        w,
        c_in,
        c_out,
    } = *d;
    let mut y: Vec<f64> = (0..d.output_len())
        .map(|i| f64::from(bias[i % c_out]))
        .collect();
    let mut dx = vec![0.0; d.input_len()];
    let mut dweight = vec![0.0; weight.len()];
    let mut dbias = vec![0.0; c_out];
    for p in 0..n * h * w {
        let (line, col) = (p / w, p % w);
        for ij in 0..4 {
            let q = (2 * line + ij / 2) * 2 * w + 2 * col + ij % 2;
            for co in 0..c_out {
                let g = f64::from(dy[q * c_out + co]);
                dbias[co] += g;
                for ci in 0..c_in {
                    let v = f64::from(x[p * c_in + ci]);
                    let at = (ci * c_out + co) * 4 + ij;
                    y[q * c_out + co] += v * f64::from(weight[at]);
                    dx[p * c_in + ci] += g * f64::from(weight[at]);
                    dweight[at] += g * v;
                }
            }
        }
    }
    Reference {
        y,
        dx,
        dweight,
        dbias,
    }
}

fn transposed_outputs(d: &ConvTranspose2x2, seed: u64, relu: bool) -> [Vec<f32>; 4] {
    let x = random(seed, d.input_len());
    let weight = random(seed + 1, d.weight_len());
    let bias = random(seed + 2, d.c_out);
    let dy = random(seed + 3, d.output_len());
    let mut y = vec![f32::NAN; d.output_len()];
    let mut dx = vec![f32::NAN; d.input_len()];
    let mut dweight = vec![f32::NAN; d.weight_len()];
    let mut dbias = vec![f32::NAN; d.c_out];
    d.forward(&x, &weight, Some(&bias), relu, &mut y);
    d.input_gradient(&dy, &weight, &mut dx);
    d.weight_gradient(&x, &dy, &mut dweight, Some(&mut dbias));
    [y, dx, dweight, dbias]
}

#[test]
fn transposed_convolution_matches_double_precision() {
    for (i, &(n, h, w, c_in, c_out)) in TRANSPOSED.iter().enumerate() {
        let d = ConvTranspose2x2 {
            n,
            h,
            w,
            c_in,
            c_out,
        };
        let seed = 1_000 + 10 * i as u64;
        let x = random(seed, d.input_len());
        let weight = random(seed + 1, d.weight_len());
        let bias = random(seed + 2, c_out);
        let dy = random(seed + 3, d.output_len());
        let want = plain_transposed(&d, &x, &weight, &bias, &dy);
        on_every_path(|path| {
            let name = format!("{d:?} {path:?}");
            let [y, dx, dweight, dbias] = transposed_outputs(&d, seed, false);
            assert_close(&format!("{name} y"), &y, &want.y, FORWARD);
            assert_close(&format!("{name} dx"), &dx, &want.dx, GRADIENT);
            assert_close(
                &format!("{name} dweight"),
                &dweight,
                &want.dweight,
                GRADIENT,
            );
            assert_close(&format!("{name} dbias"), &dbias, &want.dbias, GRADIENT);
            let [relu, ..] = transposed_outputs(&d, seed, true);
            assert_eq!(
                relu,
                y.iter().map(|v| v.max(0.0)).collect::<Vec<_>>(),
                "{name} relu"
            );
        });
    }
}

#[test]
fn transposed_convolution_has_the_same_bits_for_all_thread_counts() {
    for (n, h, w, c_in, c_out) in [(16, 4, 4, 64, 32), (3, 7, 5, 20, 9), (32, 16, 16, 64, 3)] {
        let d = ConvTranspose2x2 {
            n,
            h,
            w,
            c_in,
            c_out,
        };
        same_bits_for_all_thread_counts(|| transposed_outputs(&d, 5, false).concat());
    }
}

fn linear_outputs(d: &Linear, seed: u64) -> [Vec<f32>; 4] {
    let x = random(seed, d.rows * d.inputs);
    let weight = random(seed + 1, d.outputs * d.inputs);
    let bias = random(seed + 2, d.outputs);
    let dy = random(seed + 3, d.rows * d.outputs);
    let mut y = vec![f32::NAN; dy.len()];
    let mut dx = vec![f32::NAN; x.len()];
    let mut dweight = vec![f32::NAN; weight.len()];
    let mut dbias = vec![f32::NAN; d.outputs];
    d.forward(&x, &weight, Some(&bias), &mut y);
    d.input_gradient(&dy, &weight, &mut dx);
    d.weight_gradient(&x, &dy, &mut dweight, Some(&mut dbias));
    [y, dx, dweight, dbias]
}

#[test]
fn linear_matches_double_precision() {
    for (i, (rows, inputs, outputs)) in [
        (1, 1, 1),
        (1, 300, 10),
        (3, 7, 5),
        (128, 64, 10),
        (5, 513, 129),
        (33, 600, 97),
        (16, 1024, 256),
    ]
    .into_iter()
    .enumerate()
    {
        let d = Linear {
            rows,
            inputs,
            outputs,
        };
        let seed = 2_000 + 10 * i as u64;
        let x = random(seed, rows * inputs);
        let weight = random(seed + 1, outputs * inputs);
        let bias = random(seed + 2, outputs);
        let dy = random(seed + 3, rows * outputs);
        let mut y = vec![0.0; rows * outputs];
        let mut dx = vec![0.0; rows * inputs];
        let mut dweight = vec![0.0; outputs * inputs];
        let mut dbias = vec![0.0; outputs];
        for r in 0..rows {
            for o in 0..outputs {
                let g = f64::from(dy[r * outputs + o]);
                let mut sum = f64::from(bias[o]);
                for k in 0..inputs {
                    let (v, u) = (
                        f64::from(x[r * inputs + k]),
                        f64::from(weight[o * inputs + k]),
                    );
                    sum += v * u;
                    dx[r * inputs + k] += g * u;
                    dweight[o * inputs + k] += g * v;
                }
                y[r * outputs + o] = sum;
                dbias[o] += g;
            }
        }
        on_every_path(|path| {
            let name = format!("{d:?} {path:?}");
            let got = linear_outputs(&d, seed);
            assert_close(&format!("{name} y"), &got[0], &y, FORWARD);
            assert_close(&format!("{name} dx"), &got[1], &dx, GRADIENT);
            assert_close(&format!("{name} dweight"), &got[2], &dweight, GRADIENT);
            assert_close(&format!("{name} dbias"), &got[3], &dbias, GRADIENT);
        });
        same_bits_for_all_thread_counts(|| linear_outputs(&d, seed).concat());
    }
}
