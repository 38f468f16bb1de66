//! Queries take no memory from the heap, and a fit a fixed number of times.
#![allow(missing_docs)]

use std::hint::black_box;

use allocation_counter::measure;
use crosr_libmr::{
    Family, FitType, LabelledModel, TailCollector, TailSide, WeibullParams, fit_family, fit_high,
};

/// Exponential scores from a fixed multiplicative sequence.
fn scores(n: usize) -> Vec<f64> {
    (1..=n as u64)
        .map(|i| {
            let bits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
            -((bits as f64 + 0.5) / (1u64 << 53) as f64).ln()
        })
        .collect()
}

/// Allocations of `run`, resizes included.
fn allocations<R>(run: impl FnOnce() -> R) -> u64 {
    measure(|| {
        black_box(run());
    })
    .count_total
}

/// Numbers inside the tail, outside it and at the ends of the doubles.
const XS: [f64; 9] = [
    -3.0,
    0.0,
    1.0,
    2.5,
    7.0,
    1e300,
    1e-310,
    f64::INFINITY,
    f64::NAN,
];

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| vec![1.0f64; 100]), 1);
    assert_eq!(allocations(|| black_box(1.0f64).exp()), 0);
}

#[test]
fn queries_do_not_allocate() {
    let scores = scores(5000);
    let singles: Vec<f32> = scores.iter().map(|x| *x as f32).collect();
    let (mut out, mut out_singles) = (vec![0.0f64; 5000], vec![0.0f32; 5000]);
    for side in [TailSide::High, TailSide::Low] {
        let params = WeibullParams::new(100).side(side).check().unwrap();
        let (weibull, report) = params.fit(&scores).unwrap();
        for x in XS {
            let count = allocations(|| {
                (
                    (weibull.w_score(x), weibull.cdf(x), weibull.pdf(x)),
                    (weibull.inv(x), weibull.predict_match(x, 0.99)),
                    weibull.log_likelihood(&XS),
                    (report.confidence(0.9), report.aic()),
                )
            });
            assert_eq!(count, 0, "{side:?} {x}");
            for fit_type in FitType::ALL {
                let model = LabelledModel::new(weibull.clone(), fit_type);
                let count = allocations(|| {
                    (
                        model.w_score(x),
                        model.inv(x),
                        model.predict_match(x, 0.99),
                        model.w_scores(&scores[..100], &mut out[..100]),
                    )
                });
                assert_eq!(count, 0, "{side:?} {fit_type} {x}");
            }
        }
        // Whole blocks, what is left of them, and those that are done again one by one.
        for n in [0, 1, 31, 32, 33, 256, 300, 5000] {
            let count = allocations(|| {
                (
                    weibull.w_scores(&scores[..n], &mut out[..n]),
                    weibull.w_scores(&singles[..n], &mut out_singles[..n]),
                    weibull.pdfs(&scores[..n], &mut out[..n]),
                )
            });
            assert_eq!(count, 0, "{side:?} {n}");
        }
        let count = allocations(|| weibull.w_scores(&XS, &mut out[..XS.len()]));
        assert_eq!(count, 0, "{side:?}");
        for family in Family::ALL {
            let tail = fit_family(family, &scores, params).unwrap();
            for x in XS {
                let count = allocations(|| {
                    (
                        (tail.cdf(x), tail.pdf(x), tail.log_pdf(x)),
                        (tail.inv(x), tail.border()),
                    )
                });
                assert_eq!(count, 0, "{family} {side:?} {x}");
            }
        }
    }
}

// The tail, and the flag by which argmin could be interrupted; the equation takes no more.
#[test]
fn a_fit_allocates_its_tail() {
    for n in [2, 20, 100, 1000, 5000] {
        let scores = scores(n);
        assert_eq!(allocations(|| fit_high(&scores, n)), 2, "whole list of {n}");
    }
    // Twice the tail is held while the list passes.
    let scores = scores(5000);
    for tail_size in [2, 20, 100, 1000] {
        let count = allocations(|| fit_high(&scores, tail_size));
        assert!(count <= 3, "{tail_size} of 5000: {count}");
    }
}

#[test]
fn a_full_collector_takes_no_more_memory() {
    let scores = scores(5000);
    let mut collector = TailCollector::new(100, TailSide::High).unwrap();
    collector.extend_from_slice(&scores).unwrap();
    let count = allocations(|| {
        for part in scores.chunks(700) {
            collector.extend_from_slice(part).unwrap();
        }
        scores.iter().for_each(|x| collector.push(*x).unwrap());
    });
    assert_eq!(count, 0);
}
