//! Elementwise operators, dropout, losses, the optimiser step and layouts against plain
//! double-precision sums, on every path of the machine.

mod cpu_support;

use cpu_support::{assert_close, on_every_path, random, same_bits_for_all_thread_counts};
use crosr_model::cpu::{
    Dropout, SgdStep, accumulate, add, add_relu, global_max, global_mean, mean_squared_error,
    mean_squared_error_gradient, multiply_adds, nchw_to_nhwc, nhwc_to_nchw, relu, relu_backward,
    sgd_step, softmax_cross_entropy, sum_of_squares,
};

fn wide(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&v| f64::from(v)).collect()
}

#[test]
fn elementwise_operators() {
    for len in [1, 15, 16, 17, 40_000] {
        let (a, b) = (random(1, len), random(2, len));
        on_every_path(|_| {
            let mut y = vec![f32::NAN; len];
            relu(&a, &mut y);
            assert!(y.iter().zip(&a).all(|(y, a)| *y == a.max(0.0)));
            add(&a, &b, &mut y);
            assert!((0..len).all(|i| y[i] == a[i] + b[i]));
            add_relu(&a, &b, &mut y);
            assert!((0..len).all(|i| y[i] == (a[i] + b[i]).max(0.0)));
            let mut dx = b.clone();
            relu_backward(&y, &mut dx);
            assert!((0..len).all(|i| dx[i] == if y[i] > 0.0 { b[i] } else { 0.0 }));
            accumulate(&mut dx, &a);
            relu_backward(&vec![1.0; len], &mut dx);
            assert!((0..len).all(|i| dx[i] == a[i] + if y[i] > 0.0 { b[i] } else { 0.0 }));
        });
    }
    let mut y = [0.0];
    relu(&[f32::NAN], &mut y);
    assert!(y[0].is_nan());
}

#[test]
fn the_peak_is_measured_by_real_arithmetic() {
    on_every_path(|_| {
        // x -> x / 2 + 1 ends at 2, whatever it began with, in each lane of each of 12 chains.
        let (operations, result) = multiply_adds(100);
        let lanes = operations / (2.0 * 12.0 * 100.0);
        assert_eq!(f64::from(result), 2.0 * 12.0 * lanes);
    });
}

#[test]
fn dropout_depends_on_key_and_position_alone() {
    let len = 200_019;
    let x = random(3, len);
    for p in [0.0, 0.25, 0.5, 0.9] {
        let layer = Dropout::new(p, 7, 2, 5);
        let mut want = vec![0.0; len];
        layer.apply(&x, &mut want);
        let scale = (1.0 / (1.0 - p)) as f32;
        let dropped = (0..len).filter(|&i| layer.drops(i as u64)).count();
        let deviation = (len as f64 * p * (1.0 - p)).sqrt();
        assert!(
            (dropped as f64 - len as f64 * p).abs() <= 4.0 * deviation,
            "{dropped} at {p}"
        );
        for i in 0..len {
            assert_eq!(
                want[i],
                if layer.drops(i as u64) {
                    0.0
                } else {
                    x[i] * scale
                }
            );
        }
        on_every_path(|_| {
            let mut y = vec![f32::NAN; len];
            layer.apply(&x, &mut y);
            assert_eq!(y, want);
        });
    }
    // Neighbouring layers, steps, seeds and positions are as good as independent.
    let reference = Dropout::new(0.5, 7, 2, 5);
    for other in [
        Dropout::new(0.5, 8, 2, 5),
        Dropout::new(0.5, 7, 3, 5),
        Dropout::new(0.5, 7, 2, 6),
    ] {
        let equal = (0..len as u64)
            .filter(|&i| reference.drops(i) == other.drops(i))
            .count();
        assert!(
            (equal as f64 / len as f64 - 0.5).abs() < 0.005,
            "{equal} of {len} equal"
        );
    }
    for lag in [1, 2, 16, 64, 1024, 1 << 20] {
        let equal = (0..len as u64)
            .filter(|&i| reference.drops(i) == reference.drops(i + lag))
            .count();
        assert!(
            (equal as f64 / len as f64 - 0.5).abs() < 0.005,
            "lag {lag}: {equal} of {len}"
        );
    }
}

#[test]
fn losses_match_double_precision() {
    for len in [1, 17, 50_000] {
        let (a, b) = (random(1, len), random(2, len));
        let (wa, wb) = (wide(&a), wide(&b));
        let want = wa
            .iter()
            .zip(&wb)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            / len as f64;
        let slopes: Vec<f64> = wa
            .iter()
            .zip(&wb)
            .map(|(a, b)| 0.5 * 2.0 * (a - b) / len as f64)
            .collect();
        on_every_path(|_| {
            assert!((mean_squared_error(&a, &b) - want).abs() < 1e-12);
            let mut da = vec![f32::NAN; len];
            mean_squared_error_gradient(&a, &b, 0.5, &mut da);
            assert_close("mse gradient", &da, &slopes, 1e-6);
        });
        same_bits_for_all_thread_counts(|| {
            let v = mean_squared_error(&a, &b).to_bits();
            vec![f32::from_bits(v as u32), f32::from_bits((v >> 32) as u32)]
        });
    }
}

#[test]
fn cross_entropy_is_stable_and_its_gradient_is_right() {
    // Logits of 1000 would overflow without subtracting the maximum.
    let logits = [1000.0, 999.0, -1000.0, 0.0, 0.0, 0.0];
    let mut gradient = [f32::NAN; 6];
    let loss = softmax_cross_entropy(&logits, &[1, 2], 3, 0.0, 1.0, Some(&mut gradient));
    let want = ((1.0 + 1f64.exp()).ln() + 3f64.ln()) / 2.0;
    assert!((loss - want).abs() < 1e-12, "{loss} should be {want}");
    let p = 1.0 / (1.0 + 1f64.exp());
    let third = 1.0 / 3.0;
    let slopes = [1.0 - p, p - 1.0, 0.0, third, third, third - 1.0].map(|v| v / 2.0);
    assert_close("cross-entropy gradient", &gradient, &slopes, 1e-6);
}

#[test]
fn smoothed_targets_have_the_gradient_of_their_loss() {
    let logits = random(1, 5 * 7);
    let labels = [0, 3, 6, 2, 3];
    let loss = |logits: &[f32]| softmax_cross_entropy(logits, &labels, 7, 0.1, 1.0, None);
    let mut gradient = vec![f32::NAN; logits.len()];
    softmax_cross_entropy(&logits, &labels, 7, 0.1, 1.0, Some(&mut gradient));
    let step = 1.0 / 64.0;
    let slopes: Vec<f64> = (0..logits.len())
        .map(|i| {
            let moved = |by: f32| {
                let mut logits = logits.clone();
                logits[i] += by;
                loss(&logits)
            };
            (moved(step) - moved(-step)) / f64::from(2.0 * step)
        })
        .collect();
    assert_close("smoothed gradient", &gradient, &slopes, 1e-4);
    // One part in ten of the loss is that against even targets.
    let even: f64 = (0..7)
        .map(|k| softmax_cross_entropy(&logits, &[k; 5], 7, 0.0, 1.0, None) / 7.0)
        .sum();
    let hard = softmax_cross_entropy(&logits, &labels, 7, 0.0, 1.0, None);
    assert!((loss(&logits) - (0.9 * hard + 0.1 * even)).abs() < 1e-12);
}

#[test]
fn sgd_step_follows_pytorch() {
    let len = 20_001;
    let (start, g1, g2) = (random(1, len), random(2, len), random(3, len));
    on_every_path(|_| {
        let (mut p, mut v) = (start.clone(), vec![f32::NAN; len]);
        let step = SgdStep {
            gradient_scale: 1.0,
            learning_rate: 0.1,
            momentum: 0.9,
            weight_decay: 5e-4,
            first: true,
        };
        sgd_step(step, &mut p, &g1, &mut v);
        sgd_step(
            SgdStep {
                first: false,
                ..step
            },
            &mut p,
            &g2,
            &mut v,
        );
        let want: Vec<f64> = (0..len)
            .map(|i| {
                let (p0, g1, g2) = (f64::from(start[i]), f64::from(g1[i]), f64::from(g2[i]));
                let v1 = g1 + 5e-4 * p0;
                let p1 = p0 - 0.1 * v1;
                p1 - 0.1 * (0.9 * v1 + g2 + 5e-4 * p1)
            })
            .collect();
        assert_close("parameter after two steps", &p, &want, 1e-6);
    });
}

/// A factor of 1 is none: the update has the bits of the formula without it.
#[test]
fn a_gradient_counts_once_or_as_often_as_asked() {
    let len = 20_001;
    let (start, g) = (random(1, len), random(2, len));
    on_every_path(|_| {
        let step = SgdStep {
            gradient_scale: 1.0,
            learning_rate: 0.1,
            momentum: 0.9,
            weight_decay: 5e-4,
            first: false,
        };
        let (mut p, mut v) = (start.clone(), g.clone());
        sgd_step(step, &mut p, &g, &mut v);
        for (i, &p) in p.iter().enumerate() {
            let velocity = 0.9f32 * g[i] + (g[i] + 5e-4f32 * start[i]);
            let wanted = start[i] - 0.1f32 * velocity;
            assert_eq!(p.to_bits(), wanted.to_bits(), "{i}");
        }
        let quartered: Vec<f32> = g.iter().map(|g| 0.25 * g).collect();
        let (mut small, mut scaled) = ((start.clone(), g.clone()), (start.clone(), g.clone()));
        sgd_step(step, &mut small.0, &quartered, &mut small.1);
        let quarter = SgdStep {
            gradient_scale: 0.25,
            ..step
        };
        sgd_step(quarter, &mut scaled.0, &g, &mut scaled.1);
        assert_eq!(small, scaled);
    });
}

#[test]
fn sums_of_squares_on_any_number_of_threads() {
    for len in [0, 1, 31, 32, 33, 16_384, 100_003] {
        let x = random(7, len);
        let wanted: f64 = x.iter().map(|&v| f64::from(v).powi(2)).sum();
        let pool = |threads: usize| {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
            builder.build().expect("threads")
        };
        on_every_path(|path| {
            let here = || crosr_model::cpu::with_path(path, || sum_of_squares(&x));
            let one = pool(1).install(here);
            assert!((one - wanted).abs() <= 1e-12 * wanted, "{one}, {wanted}");
            assert_eq!(one.to_bits(), pool(3).install(here).to_bits());
        });
    }
    let mut x = random(7, 100_003);
    for bad in [f32::NAN, f32::INFINITY] {
        x[70_000] = bad;
        assert!(!sum_of_squares(&x).is_finite());
    }
    x[70_000] = f32::MAX;
    assert!(sum_of_squares(&x).is_finite());
}

#[test]
fn layouts_and_global_pooling() {
    for (n, c, pixels) in [(1, 1, 1), (2, 3, 35), (3, 40, 17), (2, 256, 16)] {
        let x = random(1, n * c * pixels);
        let mut nhwc = vec![f32::NAN; x.len()];
        nchw_to_nhwc(&x, c, pixels, &mut nhwc);
        for (i, &v) in x.iter().enumerate() {
            let (image, ch, p) = (i / (c * pixels), i / pixels % c, i % pixels);
            assert_eq!(nhwc[(image * pixels + p) * c + ch], v);
        }
        let mut back = vec![f32::NAN; x.len()];
        nhwc_to_nchw(&nhwc, c, pixels, &mut back);
        assert_eq!(back, x);

        let (mut largest, mut mean) = (vec![0.0; n * c], vec![0.0; n * c]);
        global_max(&nhwc, pixels, c, &mut largest);
        global_mean(&nhwc, pixels, c, &mut mean);
        for (i, channel) in x.chunks_exact(pixels).enumerate() {
            assert_eq!(
                largest[i],
                channel.iter().copied().fold(f32::NEG_INFINITY, f32::max)
            );
            assert!((mean[i] - channel.iter().sum::<f32>() / pixels as f32).abs() < 1e-5);
        }
    }
}
