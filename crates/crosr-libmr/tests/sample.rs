//! Weighted and censored samples.
#![allow(missing_docs)]

use crosr_libmr::{FitError, FitReport, Sample, TailSide, Weibull, WeibullParams};
use proptest::prelude::*;

const SCORES: [f64; 8] = [0.3, 2.5, 1.7, 9.1, 4.4, 3.2, 0.9, 6.0];
const WEIGHTS: [f64; 8] = [1.0, 2.0, 3.0, 1.0, 4.0, 2.0, 1.0, 2.0];

fn params(tail_size: usize, side: TailSide) -> crosr_libmr::CheckedParams {
    WeibullParams::new(tail_size).side(side).check().unwrap()
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs())
}

fn assert_same(a: &(Weibull, FitReport), b: &(Weibull, FitReport)) {
    assert!(close(a.0.scale(), b.0.scale(), 1e-13), "{a:?} {b:?}");
    assert!(close(a.0.shape(), b.0.shape(), 1e-12), "{a:?} {b:?}");
    assert!(close(a.1.log_likelihood, b.1.log_likelihood, 1e-11));
    for (a, b) in
        a.1.covariance
            .iter()
            .flatten()
            .zip(b.1.covariance.iter().flatten())
    {
        assert!(close(*a, *b, 1e-10), "{a} {b}");
    }
}

/// `sum(w d ln f(t)) + sum(w (1 - d) ln(1 - F(t)))`, straight from the definition.
fn log_likelihood(weibull: &Weibull, scores: &[f64], weights: &[f64], censored: &[bool]) -> f64 {
    let rows = scores.iter().zip(weights).zip(censored);
    rows.map(|((&x, &w), &censored)| {
        if censored {
            w * (1.0 - weibull.cdf(x)).ln()
        } else {
            w * weibull.log_likelihood(&[x])
        }
    })
    .sum()
}

#[test]
fn weights_of_one_change_nothing() {
    for side in [TailSide::High, TailSide::Low] {
        let plain = params(6, side).fit(&SCORES).unwrap();
        let weighted = params(6, side).fit_weighted(&SCORES, &[1.0; 8]).unwrap();
        assert_same(&plain, &weighted);
        let sample = Sample::new(&SCORES).censored(&[false; 8]);
        assert_same(&plain, &params(6, side).fit_sample(&sample).unwrap());
    }
}

#[test]
fn whole_weights_are_repetitions() {
    let repeated: Vec<f64> = SCORES
        .iter()
        .zip(WEIGHTS)
        .flat_map(|(x, w)| vec![*x; w as usize])
        .collect();
    for side in [TailSide::High, TailSide::Low] {
        let plain = params(repeated.len(), side).fit(&repeated).unwrap();
        let weighted = params(8, side).fit_weighted(&SCORES, &WEIGHTS).unwrap();
        assert_same(&plain, &weighted);
    }
}

#[test]
fn the_unit_of_the_weights_scales_the_information() {
    let fit = |unit: f64| {
        let weights = WEIGHTS.map(|w| w * unit);
        params(8, TailSide::High)
            .fit_weighted(&SCORES, &weights)
            .unwrap()
    };
    let (one, many) = (fit(1.0), fit(1e200));
    assert!(close(one.0.shape(), many.0.shape(), 1e-14));
    assert!(close(
        one.1.log_likelihood * 1e200,
        many.1.log_likelihood,
        1e-14
    ));
    assert!(close(
        one.1.covariance[1][1],
        many.1.covariance[1][1] * 1e200,
        1e-13
    ));
}

#[test]
fn a_weight_of_zero_is_no_score() {
    let weights = [1.0, 2.0, 0.0, 1.0, 0.0, 2.0, 1.0, 2.0];
    let (mut scores, mut left) = (vec![], vec![]);
    for (x, w) in SCORES.iter().zip(weights).filter(|(_, w)| *w > 0.0) {
        scores.push(*x);
        left.push(w);
    }
    let params = params(5, TailSide::High);
    assert_eq!(
        params.fit_weighted(&SCORES, &weights).unwrap(),
        params.fit_weighted(&scores, &left).unwrap()
    );
}

// The reference is the definition itself: the likelihood's slopes are 0 at the estimate, and
// its curvature is the inverse of the covariance.
#[test]
fn slopes_vanish_and_the_curvature_is_the_information() {
    let censored = [false, false, true, true, false, false, false, true];
    for (side, weights) in [(TailSide::High, WEIGHTS), (TailSide::Low, [1.0; 8])] {
        let sample = Sample::new(&SCORES).weights(&weights).censored(&censored);
        let (weibull, report) = params(8, side).fit_sample(&sample).unwrap();
        let at = |scale: f64, shape: f64| {
            let mut parts = weibull.parts();
            parts.scale *= scale.exp();
            parts.shape *= shape.exp();
            let moved = Weibull::from_parts(parts).unwrap();
            log_likelihood(&moved, &SCORES, &weights, &censored)
        };
        let best = at(0.0, 0.0);
        assert!(close(best, report.log_likelihood, 1e-12));
        let h = 1e-5;
        assert!(((at(h, 0.0) - at(-h, 0.0)) / (2.0 * h)).abs() < 1e-6);
        assert!(((at(0.0, h) - at(0.0, -h)) / (2.0 * h)).abs() < 1e-6);
        let h = 1e-3;
        let a = -(at(h, 0.0) - 2.0 * best + at(-h, 0.0)) / (h * h);
        let d = -(at(0.0, h) - 2.0 * best + at(0.0, -h)) / (h * h);
        let b = -(at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4.0 * h * h);
        let determinant = a * d - b * b;
        let [[v, c], [_, w]] = report.covariance;
        assert!(close(v, d / determinant, 1e-4), "{v} {}", d / determinant);
        assert!(close(c, -b / determinant, 1e-3), "{c} {}", -b / determinant);
        assert!(close(w, a / determinant, 1e-4), "{w} {}", a / determinant);
    }
}

#[test]
fn what_cannot_be_fitted_says_why() {
    let fit = |sample: Sample<'_>| params(4, TailSide::High).fit_sample(&sample).unwrap_err();
    let scores = &SCORES[..4];
    let plain = Sample::new(scores);
    let lengths = fit(plain.weights(&[1.0; 3]));
    assert!(matches!(
        lengths,
        FitError::Lengths {
            what: "weights",
            given: 3,
            scores: 4
        }
    ));
    assert_eq!(
        lengths.to_string(),
        "3 weights for 4 scores, there must be one for each"
    );
    let flags = fit(plain.censored(&[true; 5]));
    assert!(matches!(
        flags,
        FitError::Lengths {
            what: "censoring flags",
            given: 5,
            ..
        }
    ));
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let error = fit(plain.weights(&[1.0, bad, 1.0, 1.0]));
        assert!(
            matches!(error, FitError::Weight { index: 1, .. }),
            "{error}"
        );
    }
    for weights in [[1.0, 1e-310, 1.0, 1.0], [1e308; 4]] {
        let error = fit(plain.weights(&weights));
        assert!(matches!(error, FitError::WeightRange { .. }), "{error}");
    }
    let error = fit(plain.weights(&[1.0, 0.0, 1.0, 1.0]));
    assert!(matches!(
        error,
        FitError::TooFewScores {
            tail_size: 4,
            given: 3
        }
    ));
    let error = fit(Sample::new(&[1.0, 2.0, f64::NAN, 3.0]));
    assert!(matches!(error, FitError::NonFinite { index: 2, .. }));
    for censored in [[true; 4], [true, true, true, false]] {
        let error = fit(plain.censored(&censored));
        assert!(
            matches!(error, FitError::NotIdentified { value: 9.1 }),
            "{error}"
        );
        assert!(error.to_string().contains("9.1"), "{error}");
    }
}

/// The rows of the tail, translated: datum, weight, whether censored.
fn tail_of(
    scores: &[f64],
    weights: &[f64],
    censored: &[bool],
    tail_size: usize,
) -> Vec<(f64, f64, bool)> {
    let rows = scores.iter().zip(weights).zip(censored);
    let mut rows: Vec<_> = rows.map(|((&x, &w), &c)| (x, w, c)).collect();
    rows.retain(|row| row.1 > 0.0);
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let mut tail = rows.split_off(rows.len() - tail_size);
    let small_score = tail[0].0;
    tail.iter_mut().for_each(|row| row.0 += 1.0 - small_score);
    tail
}

/// Of the profile log-likelihood, by its definition, up to a positive factor.
fn slope_of(tail: &[(f64, f64, bool)], shape: f64) -> f64 {
    let largest = tail.iter().map(|row| row.0).fold(0.0, f64::max);
    let (mut events, mut logs, mut powers, mut power_logs) = (0.0, 0.0, 0.0, 0.0);
    for &(t, w, censored) in tail {
        let ln = (t / largest).ln();
        if !censored {
            events += w;
            logs += w * ln;
        }
        powers += w * (shape * ln).exp();
        power_logs += w * ln * (shape * ln).exp();
    }
    1.0 / shape + logs / events - power_logs / powers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_weights_and_flags_are_fitted_or_refused(
        rows in prop::collection::vec((0..400i32, 0..5u8, -40..40i32, any::<bool>()), 3..60),
        keep in 0.0..1.0f64,
    ) {
        let scores: Vec<f64> = rows.iter().map(|r| f64::from(r.0) / 8.0).collect();
        let weights: Vec<f64> =
            rows.iter().map(|r| f64::from(r.1) * 10f64.powi(r.2)).collect();
        let censored: Vec<bool> = rows.iter().map(|r| r.3).collect();
        let tail_size = 2 + (keep * (rows.len() - 2) as f64) as usize;
        let sample = Sample::new(&scores).weights(&weights).censored(&censored);
        let fitted = params(tail_size, TailSide::High).fit_sample(&sample);
        if let Ok((weibull, report)) = &fitted {
            // Weights of very different size make the equation so steep that neighbouring
            // doubles leave more: then the root lies between neighbours in the twelfth digit.
            let tail = tail_of(&scores, &weights, &censored, tail_size);
            let solved = report.residual < 1e-11
                || slope_of(&tail, report.shape * (1.0 - 1e-12)) > 0.0
                    && slope_of(&tail, report.shape * (1.0 + 1e-12)) < 0.0;
            prop_assert!(solved, "{}", report.residual);
            prop_assert!(weibull.scale() > 0.0);
        } else {
            let refused = matches!(
                fitted,
                Err(FitError::TooFewScores { .. } | FitError::NoSpread { .. }
                    | FitError::NotIdentified { .. })
            );
            prop_assert!(refused, "{:?}", fitted);
        }

        // The order of the rows does not matter, to the last bit.
        let reversed = |list: &[f64]| -> Vec<f64> { list.iter().rev().copied().collect() };
        let (scores, weights) = (reversed(&scores), reversed(&weights));
        let censored: Vec<bool> = censored.into_iter().rev().collect();
        let sample = Sample::new(&scores).weights(&weights).censored(&censored);
        let again = params(tail_size, TailSide::High).fit_sample(&sample);
        prop_assert_eq!(fitted.ok(), again.ok());
    }
}
