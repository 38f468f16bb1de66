//! Normalisation and pooling against plain double-precision sums, on every path of the machine.

mod cpu_support;

use cpu_support::{assert_close, on_every_path, random, same_bits_for_all_thread_counts};
use crosr_model::cpu::{BatchNorm, Conv3x3, MaxPool2x2, PooledBatchNorm, scale_shift};

const EPS: f64 = 1e-5;

fn wide(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&v| f64::from(v)).collect()
}

/// Forward and backward in double precision; the mask is that of `y`.
fn plain_batch_norm(
    norm: &BatchNorm,
    x: &[f32],
    dy: &[f32],
    gamma: &[f32],
    beta: &[f32],
) -> [Vec<f64>; 6] {
    let BatchNorm {
        pixels,
        channels: c,
        relu,
    } = *norm;
    let n = pixels as f64;
    let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let [mut dgamma, mut dbeta, mut means, mut variances] = [(); 4].map(|()| vec![0.0; c]);
    for i in 0..c {
        let column = |p: usize| f64::from(x[p * c + i]);
        let mean = (0..pixels).map(column).sum::<f64>() / n;
        let variance = (0..pixels).map(|p| (column(p) - mean).powi(2)).sum::<f64>() / n;
        let inverse = 1.0 / (variance + EPS).sqrt();
        let (scale, shift) = (f64::from(gamma[i]), f64::from(beta[i]));
        let mut g = vec![0.0; pixels];
        for p in 0..pixels {
            let out = scale * (column(p) - mean) * inverse + shift;
            y[p * c + i] = if relu { out.max(0.0) } else { out };
            g[p] = if relu && out <= 0.0 {
                0.0
            } else {
                f64::from(dy[p * c + i])
            };
            dbeta[i] += g[p];
            dgamma[i] += g[p] * (column(p) - mean) * inverse;
        }
        for p in 0..pixels {
            let xhat = (column(p) - mean) * inverse;
            dx[p * c + i] = scale * inverse * (g[p] - dbeta[i] / n - xhat * dgamma[i] / n);
        }
        (means[i], variances[i]) = (mean, variance);
    }
    [y, dx, dgamma, dbeta, means, variances]
}

/// The inputs of a case: `x` has a mean far from 0 in some channels.
fn batch_norm_inputs(norm: &BatchNorm) -> [Vec<f32>; 4] {
    let c = norm.channels;
    let len = norm.pixels * c;
    let x = random(1, len)
        .iter()
        .enumerate()
        .map(|(i, v)| v + (i % c % 5) as f32 * 3.0)
        .collect();
    [
        x,
        random(2, len),
        random(3, c).iter().map(|v| v + 1.5).collect(),
        random(4, c),
    ]
}

#[test]
fn batch_norm_matches_double_precision() {
    for (pixels, channels, relu) in [
        (1, 1, false),
        (7, 3, true),
        (40, 64, true),
        (5_000, 17, true),
        (1_500, 64, false),
        (900, 256, true),
        (600, 100, true),
    ] {
        let norm = BatchNorm {
            pixels,
            channels,
            relu,
        };
        let [x, dy, gamma, beta] = batch_norm_inputs(&norm);
        let [y, dx, dgamma, dbeta, means, variances] =
            plain_batch_norm(&norm, &x, &dy, &gamma, &beta);
        on_every_path(|path| {
            let name = |what: &str| format!("{norm:?} {path:?} {what}");
            let mut got = vec![f32::NAN; x.len()];
            let stats = norm.forward_training(&x, &gamma, &beta, EPS, &mut got);
            assert_close(&name("y"), &got, &y, 1e-5);
            assert_close(&name("mean"), &stats.mean, &means, 1e-6);
            assert_close(&name("variance"), &stats.variance, &variances, 1e-6);
            let factor = pixels as f64 / (pixels as f64 - 1.0).max(1.0);
            let unbiased: Vec<f64> = variances.iter().map(|v| v * factor).collect();
            assert_close(&name("unbiased"), &stats.unbiased_variance, &unbiased, 1e-6);

            let mut got_dx = vec![f32::NAN; x.len()];
            let (mut got_dgamma, mut got_dbeta) =
                (vec![f32::NAN; channels], vec![f32::NAN; channels]);
            let (mean, inverse) = (&stats.mean, &stats.inverse_std);
            norm.backward(
                &x,
                &dy,
                &gamma,
                &beta,
                mean,
                inverse,
                &mut got_dx,
                &mut got_dgamma,
                &mut got_dbeta,
            );
            if pixels > 1 {
                assert_close(&name("dx"), &got_dx, &dx, 1e-4);
                assert_close(&name("dgamma"), &got_dgamma, &dgamma, 1e-4);
            }
            assert_close(&name("dbeta"), &got_dbeta, &dbeta, 1e-4);

            let (scale, shift) = scale_shift(&gamma, &beta, &stats.mean, &stats.inverse_std);
            let mut evaluated = vec![f32::NAN; x.len()];
            norm.forward_evaluation(&x, &scale, &shift, &mut evaluated);
            if pixels > 2 {
                assert_close(&name("evaluation form"), &evaluated, &y, 1e-5);
            }
        });
        same_bits_for_all_thread_counts(|| {
            let mut y = vec![0.0; x.len()];
            let stats = norm.forward_training(&x, &gamma, &beta, EPS, &mut y);
            let mut dx = vec![0.0; x.len()];
            let (mut dgamma, mut dbeta) = (vec![0.0; channels], vec![0.0; channels]);
            let (mean, inverse) = (&stats.mean, &stats.inverse_std);
            norm.backward(
                &x,
                &dy,
                &gamma,
                &beta,
                mean,
                inverse,
                &mut dx,
                &mut dgamma,
                &mut dbeta,
            );
            [
                y,
                dx,
                dgamma,
                dbeta,
                stats.mean.clone(),
                stats.variance.clone(),
            ]
            .concat()
        });
    }
}

#[test]
fn convolution_gives_the_statistics_of_its_output() {
    for (n, h, w, c_in, c_out) in [
        (1, 3, 3, 2, 3),
        (9, 16, 16, 32, 48),
        (13, 8, 8, 16, 20),
        (5, 32, 32, 3, 64),
        (3, 10, 9, 16, 16),
        (50, 4, 4, 64, 32),
        (3, 20, 20, 16, 16),
    ] {
        let d = Conv3x3 {
            n,
            h,
            w,
            c_in,
            c_out,
        };
        let (x, weight) = (random(1, d.input_len()), random(2, d.weight_len()));
        let bias: Vec<f32> = random(3, c_out).iter().map(|v| 10.0 * v).collect();
        on_every_path(|path| {
            let (mut plain, mut y) = (
                vec![f32::NAN; d.output_len()],
                vec![f32::NAN; d.output_len()],
            );
            d.forward(&x, &weight, Some(&bias), false, &mut plain);
            let stats = d.forward_statistics(&x, &weight, Some(&bias), EPS, &mut y);
            assert_eq!(y, plain, "{d:?} {path:?}");
            let pixels = (n * h * w) as f64;
            let column = |c: usize| y.iter().skip(c).step_by(c_out).map(|&v| f64::from(v));
            let mean: Vec<f64> = (0..c_out)
                .map(|c| column(c).sum::<f64>() / pixels)
                .collect();
            let squares: Vec<f64> = (0..c_out)
                .map(|c| column(c).map(|v| (v - mean[c]).powi(2)).sum())
                .collect();
            let each = |f: &dyn Fn(f64) -> f64| squares.iter().map(|&v| f(v)).collect::<Vec<_>>();
            let name = format!("{d:?} {path:?} statistics");
            assert_close(&name, &stats.mean, &mean, 2e-7);
            assert_close(&name, &stats.variance, &each(&|v| v / pixels), 1e-6);
            assert_close(
                &name,
                &stats.unbiased_variance,
                &each(&|v| v / (pixels - 1.0)),
                1e-6,
            );
            let inverse = each(&|v| 1.0 / (v / pixels + EPS).sqrt());
            assert_close(&name, &stats.inverse_std, &inverse, 1e-6);
        });
        same_bits_for_all_thread_counts(|| {
            let mut y = vec![0.0; d.output_len()];
            let stats = d.forward_statistics(&x, &weight, Some(&bias), EPS, &mut y);
            [stats.mean, stats.variance].concat()
        });
    }
}

#[test]
fn pooled_batch_norm_equals_its_three_parts() {
    for (n, h, w, c) in [
        (1, 2, 2, 1),
        (2, 4, 6, 3),
        (9, 8, 8, 40),
        (3, 32, 32, 64),
        (5, 8, 8, 256),
    ] {
        let pooled = PooledBatchNorm { n, h, w, c };
        let norm = BatchNorm {
            pixels: n * h * w,
            channels: c,
            relu: true,
        };
        let pool = MaxPool2x2 { n, h, w, c };
        let [x, _, gamma, beta] = batch_norm_inputs(&norm);
        // Also a negative and a zero gamma.
        let gamma: Vec<f32> = gamma
            .iter()
            .enumerate()
            .map(|(i, v)| v * [1.0, -1.0, 0.0][i % 3])
            .collect();
        let dy = random(7, pooled.output_len());
        on_every_path(|path| {
            let name = |what: &str| format!("{pooled:?} {path:?} {what}");
            let mut full = vec![0.0; x.len()];
            let stats = norm.forward_training(&x, &gamma, &beta, EPS, &mut full);
            let (mut want, mut places) = (vec![0.0; dy.len()], vec![0; dy.len()]);
            pool.forward(&full, &mut want, &mut places);
            let mut spread = vec![0.0; x.len()];
            pool.backward(&dy, &places, &mut spread);
            let (mean, inverse) = (&stats.mean, &stats.inverse_std);
            let mut wanted = [vec![0.0; x.len()], vec![0.0; c], vec![0.0; c]];
            let [dx, dgamma, dbeta] = &mut wanted;
            norm.backward(&x, &spread, &gamma, &beta, mean, inverse, dx, dgamma, dbeta);

            let (mut y, mut argmax) = (vec![f32::NAN; dy.len()], vec![9; dy.len()]);
            pooled.forward_training(&x, &stats, &gamma, &beta, &mut y, &mut argmax);
            assert_close(&name("y"), &y, &wide(&want), 1e-6);
            assert!(
                y.iter().zip(&argmax).all(|(&y, &at)| (y > 0.0) == (at < 4)),
                "{}",
                name("places")
            );
            let mut got = [
                vec![f32::NAN; x.len()],
                vec![f32::NAN; c],
                vec![f32::NAN; c],
            ];
            let [dx, dgamma, dbeta] = &mut got;
            pooled.backward(&x, &dy, &argmax, &gamma, mean, inverse, dx, dgamma, dbeta);
            for (what, (got, want)) in ["dx", "dgamma", "dbeta"]
                .iter()
                .zip(got.iter().zip(&wanted))
            {
                assert_close(&name(what), got, &wide(want), 1e-5);
            }
        });
        same_bits_for_all_thread_counts(|| {
            let stats = norm.statistics(&x, EPS);
            let (mut y, mut argmax) = (vec![0.0; dy.len()], vec![0; dy.len()]);
            pooled.forward_training(&x, &stats, &gamma, &beta, &mut y, &mut argmax);
            let (mut dx, mut dgamma, mut dbeta) = (vec![0.0; x.len()], vec![0.0; c], vec![0.0; c]);
            let (mean, inverse) = (&stats.mean, &stats.inverse_std);
            pooled.backward(
                &x,
                &dy,
                &argmax,
                &gamma,
                mean,
                inverse,
                &mut dx,
                &mut dgamma,
                &mut dbeta,
            );
            [y, dx, dgamma, dbeta].concat()
        });
    }
}

#[test]
fn batch_norm_gradient_agrees_with_finite_differences() {
    let norm = BatchNorm {
        pixels: 11,
        channels: 3,
        relu: true,
    };
    let [x, dy, gamma, beta] = batch_norm_inputs(&norm);
    let loss = |x: &[f32]| -> f64 {
        let [y, ..] = plain_batch_norm(&norm, x, &dy, &gamma, &beta);
        y.iter().zip(&dy).map(|(y, &g)| y * f64::from(g)).sum()
    };
    let mut y = vec![0.0; x.len()];
    let stats = norm.forward_training(&x, &gamma, &beta, EPS, &mut y);
    let (mut dx, mut dgamma, mut dbeta) = (vec![0.0; x.len()], vec![0.0; 3], vec![0.0; 3]);
    let (mean, inverse) = (&stats.mean, &stats.inverse_std);
    norm.backward(
        &x,
        &dy,
        &gamma,
        &beta,
        mean,
        inverse,
        &mut dx,
        &mut dgamma,
        &mut dbeta,
    );
    for i in 0..x.len() {
        let moved = |by: f32| {
            let mut x = x.clone();
            x[i] += by;
            loss(&x)
        };
        let slope = (moved(1.0 / 1024.0) - moved(-1.0 / 1024.0)) * 512.0;
        assert!(
            (slope - f64::from(dx[i])).abs() < 2e-3,
            "element {i}: {slope} and {}",
            dx[i]
        );
    }
}

#[test]
fn max_pool_takes_the_first_maximum_and_sends_the_gradient_there() {
    for (n, h, w, c) in [
        (1, 2, 2, 1),
        (2, 5, 7, 3),
        (3, 8, 8, 40),
        (1, 3, 2, 17),
        (2, 32, 32, 64),
        (1, 1, 4, 3),
    ] {
        let pool = MaxPool2x2 { n, h, w, c };
        // Few different values, so that ties are frequent.
        let x: Vec<f32> = random(9, pool.input_len())
            .iter()
            .map(|v| (v * 3.0).round())
            .collect();
        let dy = random(10, pool.output_len());
        let (mut want, mut want_at) = (vec![0.0; dy.len()], vec![0u8; dy.len()]);
        let mut want_dx = vec![0.0; x.len()];
        for i in 0..dy.len() {
            let (ch, col) = (i % c, i / c % (w / 2));
            let (row, image) = (i / c / (w / 2) % (h / 2), i / c / (w / 2) / (h / 2));
            let at = |k: usize| ((image * h + 2 * row + k / 2) * w + 2 * col + k % 2) * c + ch;
            let best = (0..4).map(|k| x[at(k)]).fold(f32::NEG_INFINITY, f32::max);
            let place = (0..4).find(|&k| x[at(k)] == best).unwrap();
            (want[i], want_at[i]) = (best, place as u8);
            want_dx[at(place)] = dy[i];
        }
        on_every_path(|_| {
            let (mut y, mut at) = (vec![f32::NAN; dy.len()], vec![9; dy.len()]);
            pool.forward(&x, &mut y, &mut at);
            assert_eq!((&y, &at), (&want, &want_at), "{pool:?}");
            let mut dx = vec![f32::NAN; x.len()];
            pool.backward(&dy, &at, &mut dx);
            assert_eq!(dx, want_dx, "{pool:?}");
        });
    }
}

#[test]
fn max_pool_keeps_a_nan() {
    let pool = MaxPool2x2 {
        n: 1,
        h: 2,
        w: 2,
        c: 1,
    };
    for place in 0..4 {
        let mut x = [1.0, 2.0, 3.0, 4.0];
        x[place] = f32::NAN;
        let (mut y, mut at) = ([0.0], [9]);
        pool.forward(&x, &mut y, &mut at);
        assert!(y[0].is_nan());
        assert_eq!(at[0] as usize, place);
    }
}
