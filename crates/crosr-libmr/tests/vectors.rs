//! w-scores of vectors, collectors of tails, `f32` scores and many fits at once.
#![allow(missing_docs)]

use crosr_libmr::{
    FitError, ParamError, TailCollector, TailSide, Weibull, WeibullParams, WeibullParts,
};

/// Uniform numbers in (0, 1), from a multiplicative sequence.
fn uniform(n: usize) -> Vec<f64> {
    (1..=n as u64)
        .map(|i| {
            let bits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
            (bits as f64 + 0.5) / (1u64 << 53) as f64
        })
        .collect()
}

const SIDES: [TailSide; 2] = [TailSide::High, TailSide::Low];

#[test]
fn w_scores_are_the_w_score_of_each() {
    let mut worst = [0.0f64; 2];
    for shape in [0.01, 0.5, 1.0, 2.5, 40.0, 1e4] {
        for (scale, translate) in [(1.5, 1.0), (1e-200, 1e-200), (3e150, 1e150), (1e300, 1.0)] {
            for side in SIDES {
                let parts = WeibullParts {
                    scale,
                    shape,
                    small_score: 0.25 * scale,
                    translate,
                    side,
                    tail_size: 20,
                };
                let weibull = Weibull::from_parts(parts).unwrap();
                let unit = scale * side.sign();
                let mut xs: Vec<f64> = uniform(1000)
                    .iter()
                    .map(|u| unit * (0.5 + (1.0 + 2.0 / shape) * (u - 0.2)))
                    .collect();
                xs.extend([
                    0.0,
                    unit,
                    unit * 1e-5,
                    unit * 1e4,
                    f64::INFINITY,
                    f64::MIN,
                    1e-310,
                ]);
                for n in [0, 1, 15, 16, 17, xs.len()] {
                    let mut out = vec![f64::NAN; n];
                    weibull.w_scores(&xs[..n], &mut out).unwrap();
                    for (x, w) in xs.iter().zip(&out) {
                        let error = (w - weibull.w_score(*x)).abs();
                        assert!(error <= 1e-12, "{parts:?} {x} {error:e}");
                        worst[0] = worst[0].max(error);
                    }
                }
                let singles: Vec<f32> = xs.iter().map(|x| *x as f32).collect();
                let mut out = vec![f32::NAN; singles.len()];
                weibull.w_scores(&singles, &mut out).unwrap();
                for (x, w) in singles.iter().zip(&out) {
                    let error = (f64::from(*w) - weibull.w_score(f64::from(*x))).abs();
                    assert!(error <= 1e-6, "{parts:?} {x} {error:e}");
                    worst[1] = worst[1].max(error);
                }
            }
        }
    }
    assert!(
        worst[0] > 0.0 && worst[1] > 0.0,
        "nothing was compared: {worst:?}"
    );
}

#[test]
fn w_scores_of_nan_are_nan_and_lengths_must_agree() {
    let weibull = WeibullParams::new(20)
        .check()
        .unwrap()
        .fit(&uniform(50))
        .unwrap()
        .0;
    let mut out = [0.0; 3];
    weibull.w_scores(&[0.9, f64::NAN, 2.0], &mut out).unwrap();
    assert!(out[1].is_nan() && out[0] < out[2]);
    let error = weibull.w_scores(&[0.9f32; 4], &mut [0.0; 3]).unwrap_err();
    assert!(matches!(
        error,
        ParamError::Lengths {
            given: 3,
            scores: 4,
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        "3 results for 4 scores, there must be one for each"
    );
}

#[test]
fn densities_are_the_pdf_of_each() {
    let params = WeibullParams::new(20).side(TailSide::Low);
    let weibull = params.check().unwrap().fit(&uniform(50)).unwrap().0;
    let xs: Vec<f64> = (-50..50).map(|i| f64::from(i) / 8.0).collect();
    let mut out = vec![f64::NAN; xs.len()];
    weibull.pdfs(&xs, &mut out).unwrap();
    assert!(xs.iter().zip(&out).all(|(x, f)| weibull.pdf(*x) == *f));
    assert!(out.iter().any(|f| *f > 0.1) && out.contains(&0.0));
    let singles: Vec<f32> = xs.iter().map(|x| *x as f32).collect();
    let mut out_singles = vec![f32::NAN; xs.len()];
    weibull.pdfs(&singles, &mut out_singles).unwrap();
    let rounded = out.iter().map(|f| *f as f32);
    assert!(rounded.zip(&out_singles).all(|(a, b)| a == *b));
    let error = weibull.pdfs(&xs, &mut out[1..]).unwrap_err();
    assert!(matches!(error, ParamError::Lengths { given: 99, .. }));
}

#[test]
fn w_scores_rise() {
    let weibull = WeibullParams::new(100)
        .check()
        .unwrap()
        .fit(&uniform(1000))
        .unwrap()
        .0;
    let xs: Vec<f64> = (0..100_000).map(|i| -1.0 + f64::from(i) * 5e-5).collect();
    let mut w = vec![0.0; xs.len()];
    weibull.w_scores(&xs, &mut w).unwrap();
    // exp and ln are within a unit in the last place, not strictly monotone.
    assert!(w.windows(2).all(|w| w[1] >= w[0] - 1e-15));
    assert!(w[0] == 0.0 && w[w.len() - 1] > 0.999);
}

/// The collected scores by sorting everything.
fn by_sorting(scores: &[f64], tail_size: usize, side: TailSide) -> Vec<f64> {
    let mut scores = scores.to_vec();
    scores.sort_by(|a, b| (side.sign() * b).total_cmp(&(side.sign() * a)));
    scores.truncate(tail_size);
    scores
}

#[test]
fn the_collector_finds_what_sorting_finds() {
    let random = uniform(30_000);
    let ascending: Vec<f64> = (0..5000).map(f64::from).collect();
    let descending: Vec<f64> = ascending.iter().rev().copied().collect();
    let ties: Vec<f64> = (0..9000).map(|i| f64::from(i * 7 % 11)).collect();
    for scores in [&random, &ascending, &descending, &ties] {
        for tail_size in [2, 20, 100, 1999, 5000] {
            for side in SIDES {
                let expected = by_sorting(scores, tail_size, side);
                for chunk in [1, 127, 1000, scores.len()] {
                    let mut collector = TailCollector::new(tail_size, side).unwrap();
                    for part in scores.chunks(chunk) {
                        collector.extend_from_slice(part).unwrap();
                    }
                    assert_eq!(collector.seen(), scores.len() as u64);
                    assert_eq!(
                        collector.into_scores(),
                        expected,
                        "{tail_size} {side:?} {chunk}"
                    );
                }
                let mut collector = TailCollector::new(tail_size, side).unwrap();
                scores.iter().for_each(|x| collector.push(*x).unwrap());
                let (front, back) = scores.split_at(scores.len() / 3);
                let mut merged = TailCollector::new(tail_size, side).unwrap();
                merged.extend_from_slice(back).unwrap();
                let mut other = TailCollector::new(tail_size, side).unwrap();
                other.extend_from_slice(front).unwrap();
                merged.merge(&other).unwrap();
                assert_eq!(merged.seen(), collector.seen());
                assert_eq!(merged.into_scores(), collector.into_scores());
            }
        }
    }
}

#[test]
fn the_collector_names_the_index_of_what_it_refuses() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        // Inside and outside the tail, before and after it is full, in chunks and rests.
        for index in [0, 3, 70, 500, 2047, 2999] {
            for side in SIDES {
                let mut scores = uniform(3000);
                scores[index] = bad;
                let mut collector = TailCollector::new(10, side).unwrap();
                let error = collector.extend_from_slice(&scores).unwrap_err();
                let named = matches!(error, FitError::NonFinite { index: i, .. } if i == index);
                assert!(named, "{index}: {error}");
                assert_eq!(collector.seen(), index as u64);
                let singles: Vec<f32> = scores.iter().map(|x| *x as f32).collect();
                let fit = WeibullParams::new(10)
                    .side(side)
                    .check()
                    .unwrap()
                    .fit_f32(&singles);
                let error = fit.unwrap_err();
                let named = matches!(error, FitError::NonFinite { index: i, .. } if i == index);
                assert!(named, "{index}: {error}");
            }
        }
    }
    assert!(matches!(
        TailCollector::new(1, TailSide::High),
        Err(ParamError::TailSize { .. })
    ));
    let mut collector = TailCollector::new(5, TailSide::High).unwrap();
    let other = TailCollector::new(5, TailSide::Low).unwrap();
    let error = collector.merge(&other).unwrap_err();
    assert!(
        matches!(error, ParamError::Merge { tail_size: 5, .. }),
        "{error}"
    );
}

#[test]
fn singles_are_fitted_at_their_exact_values() {
    let singles: Vec<f32> = uniform(500).iter().map(|x| *x as f32).collect();
    let doubles: Vec<f64> = singles.iter().map(|x| f64::from(*x)).collect();
    for side in SIDES {
        let params = WeibullParams::new(60).side(side).check().unwrap();
        assert_eq!(
            params.fit_f32(&singles).unwrap(),
            params.fit(&doubles).unwrap()
        );
    }
}

#[test]
fn many_fits_are_the_fits_one_by_one() {
    let scores = uniform(20_000);
    let lists: Vec<&[f64]> = scores.chunks(37).collect();
    let params = WeibullParams::new(20).check().unwrap();
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let fits = pool.install(|| params.fit_many(&lists));
        assert_eq!(fits.len(), lists.len());
        for (fit, list) in fits.into_iter().zip(&lists) {
            assert_eq!(fit.ok(), params.fit(list).ok());
        }
    }
}

// The sums change their number of levels above 8192 data.
#[test]
fn large_tails_do_not_depend_on_the_order_either() {
    for n in [8192, 8193, 100_000] {
        let mut scores: Vec<f64> = uniform(n).iter().map(|u| -u.ln()).collect();
        let params = WeibullParams::new(n).check().unwrap();
        let fit = params.fit(&scores).unwrap();
        assert!(fit.1.residual < 1e-13, "{:?}", fit.1);
        scores.reverse();
        scores.rotate_left(n / 3);
        assert_eq!(params.fit(&scores).unwrap(), fit);
        scores.sort_by(f64::total_cmp);
        assert_eq!(params.fit(&scores).unwrap(), fit);
    }
}

#[test]
fn predictions_are_those_of_the_boundary() {
    let high = WeibullParams::new(20)
        .check()
        .unwrap()
        .fit(&uniform(100))
        .unwrap()
        .0;
    let boundary = high.inv(0.9);
    assert!(high.predict_match(boundary * 1.001, 0.9) && !high.predict_match(boundary, 0.9));
    let low = WeibullParams::new(20).side(TailSide::Low).check().unwrap();
    let low = low.fit(&uniform(100)).unwrap().0;
    let boundary = low.inv(0.9);
    assert!(low.predict_match(boundary - 1e-3, 0.9) && !low.predict_match(boundary, 0.9));
    for (x, threshold) in [(f64::NAN, 0.9), (5.0, 1.5), (5.0, f64::NAN)] {
        assert!(!high.predict_match(x, threshold));
    }
}
