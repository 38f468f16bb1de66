//! A hundred million scores: 1.2 to 2 GB of memory, so behind `CROSR_SLOW_TESTS=1`.
//!
//!     CROSR_SLOW_TESTS=1 cargo test --release -p crosr-libmr --test large -- --nocapture
#![allow(clippy::print_stderr, missing_docs)]

use std::time::Instant;

use crosr_libmr::{FitError, TailCollector, TailSide, Weibull, WeibullParams};

const MANY: usize = 100_000_000;

/// The `i`-th of scores that are Weibull distributed with this shape and scale 1, in an order like
/// a random one: quantiles of `n` equal steps, visited by a multiplier that shares no factor with
/// `n`.
fn score(i: usize, n: usize, shape: f64) -> f64 {
    let place = (i as u64).wrapping_mul(61_803_401) % n as u64;
    let p = (place as f64 + 0.5) / n as f64;
    (-(-p).ln_1p()).powf(1.0 / shape)
}

/// Reports how long something took.
fn timed<R>(what: &str, run: impl FnOnce() -> R) -> R {
    let started = Instant::now();
    let result = run();
    eprintln!("{what}: {:.2} s", started.elapsed().as_secs_f64());
    result
}

/// Checks a fit of the whole list, the smallest score of which is the translate: there the data
/// are the scores themselves, Weibull distributed with scale 1.
fn check(weibull: &Weibull, residual: f64, shape: f64) {
    assert!(residual < 1e-12, "{residual:e}");
    let error = (weibull.shape() / shape - 1.0).abs();
    assert!(error < 1e-4, "shape {} for {shape}", weibull.shape());
    assert!((weibull.scale() - 1.0).abs() < 1e-4, "{}", weibull.scale());
}

fn slow() -> bool {
    let slow = std::env::var_os("CROSR_SLOW_TESTS").is_some();
    if !slow {
        eprintln!("skipped: CROSR_SLOW_TESTS is not set");
    }
    slow
}

#[test]
fn any_number_of_scores_is_fitted() {
    for n in [2, 3, 10, 100, 1000, 10_000, 100_000, 1_000_000] {
        let scores: Vec<f64> = (0..n).map(|i| score(i, n, 1.7)).collect();
        let params = WeibullParams::new(n).translate(score(0, n, 1.7)).check();
        let (weibull, report) = params.unwrap().fit(&scores).unwrap();
        assert!(report.residual < 1e-12, "{n}: {report:?}");
        if n == 1_000_000 {
            check(&weibull, report.residual, 1.7);
        }
    }
}

#[test]
fn a_hundred_million_doubles_are_one_tail() {
    if !slow() {
        return;
    }
    let shape = 1.7;
    let mut scores: Vec<f64> = timed("making 10^8 scores", || {
        (0..MANY).map(|i| score(i, MANY, shape)).collect()
    });
    let params = WeibullParams::new(MANY).translate(score(0, MANY, shape));
    let params = params.check().unwrap();
    let (weibull, report) = timed("a tail of 10^8 doubles", || params.fit(&scores).unwrap());
    eprintln!("{report:?}");
    check(&weibull, report.residual, shape);
    let few = WeibullParams::new(100).check().unwrap();
    let (of_few, report) = timed("the 100 largest of 10^8 doubles", || {
        few.fit(&scores).unwrap()
    });
    assert!(report.residual < 1e-12);
    assert_eq!(of_few.small_score(), score_of_rank(100, shape));

    scores.reverse();
    let (reversed, _) = timed("in another order", || params.fit(&scores).unwrap());
    assert_eq!(reversed, weibull);
    scores[MANY - 7] = f64::NAN;
    let error = params.fit(&scores).unwrap_err();
    assert!(matches!(error, FitError::NonFinite { index, .. } if index == MANY - 7));
}

/// The `rank`-th largest of the hundred million.
fn score_of_rank(rank: usize, shape: f64) -> f64 {
    let p = ((MANY - rank) as f64 + 0.5) / MANY as f64;
    (-(-p).ln_1p()).powf(1.0 / shape)
}

#[test]
fn a_hundred_million_scores_pass_in_parts() {
    if !slow() {
        return;
    }
    let shape = 0.8;
    let mut collector = TailCollector::new(1000, TailSide::High).unwrap();
    timed("10^8 single-precision scores, a million at a time", || {
        for part in 0..100 {
            let scores: Vec<f32> = (0..1_000_000)
                .map(|i| score(part * 1_000_000 + i, MANY, shape) as f32)
                .collect();
            collector.extend_from_slice(&scores).unwrap();
        }
    });
    assert_eq!(collector.seen(), MANY as u64);
    let tail = collector.into_scores();
    assert_eq!(tail[999] as f32, score_of_rank(1000, shape) as f32);
    let params = WeibullParams::new(1000).check().unwrap();
    assert!(params.fit(&tail).unwrap().1.residual < 1e-12);
}
