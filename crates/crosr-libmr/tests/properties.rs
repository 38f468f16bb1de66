//! What holds for every list of scores.
#![allow(missing_docs)]

use crosr_libmr::{CheckedParams, FitReport, TailSide, Weibull, WeibullParams};
use proptest::prelude::*;

fn side() -> impl Strategy<Value = TailSide> {
    prop_oneof![Just(TailSide::High), Just(TailSide::Low)]
}

/// Scores on a grid of 1/1024 (so that shifts by integers are exact), ties allowed.
fn scores() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-20_000i32..20_000, 4..80)
        .prop_map(|v| v.into_iter().map(|x| f64::from(x) / 1024.0).collect())
}

prop_compose! {
    /// Scores with a tail that has spread, and what to fit to them.
    fn fittable()(
        scores in scores(), share in 0.0..1.0f64, side in side(), translate in 0.01..20.0f64,
    ) -> (Vec<f64>, CheckedParams) {
        let tail_size = 2 + (share * (scores.len() - 2) as f64) as usize;
        let params = WeibullParams::new(tail_size).side(side).translate(translate);
        (scores, params.check().unwrap())
    }
}

/// The fit, or `None` for the one legitimate reason: a tail of equal scores.
fn fit(scores: &[f64], params: &CheckedParams) -> Option<(Weibull, FitReport)> {
    match params.fit(scores) {
        Ok(fit) => Some(fit),
        Err(crosr_libmr::FitError::NoSpread { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn order_does_not_matter(
        ((scores, params), shuffled) in fittable().prop_flat_map(|(scores, params)| {
            (Just((scores.clone(), params)), Just(scores).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(fit(&scores, &params), fit(&shuffled, &params));
    }

    #[test]
    fn low_is_high_of_the_negated_scores((scores, params) in fittable()) {
        let negated: Vec<f64> = scores.iter().map(|x| -x).collect();
        let with = |side| {
            WeibullParams::new(params.tail_size())
                .side(side)
                .translate(params.translate())
                .check()
                .unwrap()
        };
        let low = fit(&scores, &with(TailSide::Low));
        let high = fit(&negated, &with(TailSide::High));
        prop_assert_eq!(low.is_some(), high.is_some());
        if let (Some((low, low_report)), Some((high, high_report))) = (low, high) {
            prop_assert_eq!(low_report, high_report);
            prop_assert_eq!(low.small_score(), high.small_score());
            for x in scores {
                prop_assert_eq!(low.w_score(x), high.w_score(-x));
                prop_assert_eq!(low.pdf(x), high.pdf(-x));
            }
        }
    }

    // Scores and translate in another unit: the same shape, the scale in that unit.
    #[test]
    fn equivariant_under_the_unit((scores, params) in fittable(), unit in 1e-6..1e6f64) {
        let scaled: Vec<f64> = scores.iter().map(|x| x * unit).collect();
        let in_unit = WeibullParams::new(params.tail_size())
            .side(params.side())
            .translate(params.translate() * unit)
            .check()
            .unwrap();
        if let Some((weibull, _)) = fit(&scores, &params) {
            let (scaled, _) = in_unit.fit(&scaled).unwrap();
            // Scores of 20 over a smallest datum of 0.01 lose three to four digits in t.
            prop_assert!(close(scaled.shape(), weibull.shape(), 1e-9));
            prop_assert!(close(scaled.scale(), weibull.scale() * unit, 1e-9));
            for x in scores {
                prop_assert!((scaled.w_score(x * unit) - weibull.w_score(x)).abs() < 1e-8);
            }
        }
    }

    // A power of two is exact: every bit of the mantissa stays. From 1e-300 to 1e300.
    #[test]
    fn equivariant_to_the_bit_under_powers_of_two(
        (scores, params) in fittable(), exponent in -996..=996i32,
    ) {
        let unit = 2f64.powi(exponent);
        let scaled: Vec<f64> = scores.iter().map(|x| x * unit).collect();
        let in_unit = WeibullParams::new(params.tail_size())
            .side(params.side())
            .translate(params.translate() * unit)
            .check()
            .unwrap();
        if let Some((weibull, _)) = fit(&scores, &params) {
            let (scaled, _) = in_unit.fit(&scaled).unwrap();
            prop_assert_eq!(scaled.shape(), weibull.shape());
            prop_assert_eq!(scaled.scale(), weibull.scale() * unit);
            prop_assert_eq!(scaled.small_score(), weibull.small_score() * unit);
        }
    }

    #[test]
    fn equivariant_under_shifts((scores, params) in fittable(), shift in -1000..1000i32) {
        let shift = f64::from(shift);
        let shifted: Vec<f64> = scores.iter().map(|x| x + shift).collect();
        if let Some((weibull, _)) = fit(&scores, &params) {
            let (shifted, _) = fit(&shifted, &params).unwrap();
            prop_assert!(close(shifted.shape(), weibull.shape(), 1e-8));
            prop_assert!(close(shifted.scale(), weibull.scale(), 1e-8));
            let moved = weibull.small_score() + shift * weibull.side().sign();
            prop_assert_eq!(shifted.small_score(), moved);
        }
    }

    #[test]
    fn no_neighbour_is_more_likely((scores, params) in fittable()) {
        if let Some((weibull, report)) = fit(&scores, &params) {
            let mut tail = scores;
            let sign = weibull.side().sign();
            tail.sort_by(|a, b| (b * sign).total_cmp(&(a * sign)));
            tail.truncate(weibull.tail_size());
            let best = weibull.log_likelihood(&tail);
            let noise = 1e-9 * best.abs().max(1.0);
            prop_assert!((best - report.log_likelihood).abs() <= noise);
            for (scale, shape) in [(1.001, 1.0), (0.999, 1.0), (1.0, 1.01), (1.0, 0.99)] {
                let mut parts = weibull.parts();
                parts.scale *= scale;
                parts.shape *= shape;
                let other = Weibull::from_parts(parts).unwrap().log_likelihood(&tail);
                prop_assert!(other < best + noise, "{other} {best}");
            }
        }
    }

    #[test]
    fn w_scores_are_monotone((scores, params) in fittable(), steps in 1..60usize) {
        if let Some((weibull, _)) = fit(&scores, &params) {
            let sign = weibull.side().sign();
            let mut before = 0.0;
            for i in 0..=steps {
                let s = -30.0 + 80.0 * i as f64 / steps as f64;
                let w = weibull.w_score(s * sign);
                // exp and ln are within a unit in the last place, not strictly monotone.
                prop_assert!((0.0..=1.0).contains(&w) && w >= before - 1e-15);
                before = w;
            }
        }
    }

    #[test]
    fn cdf_undoes_inv((scores, params) in fittable(), p in 1e-6..0.999_999f64) {
        if let Some((weibull, _)) = fit(&scores, &params) {
            let x = weibull.inv(p);
            // Rounding x moves the probability by the density.
            let magnitude = x.abs().max(weibull.small_score().abs()).max(weibull.translate())
                .max(weibull.scale());
            let tolerance = 1e-12 + 8.0 * f64::EPSILON * magnitude * weibull.pdf(x);
            prop_assert!((weibull.cdf(x) - p).abs() <= tolerance, "{} {p}", weibull.cdf(x));
        }
    }

    #[test]
    fn pdf_is_the_slope_of_the_cdf((scores, params) in fittable(), p in 0.05..0.95f64) {
        if let Some((weibull, _)) = fit(&scores, &params) {
            let x = weibull.inv(p);
            let width = (weibull.inv(0.96) - weibull.inv(0.04)).abs();
            let h = 1e-5 * width;
            let slope = (weibull.cdf(x + h) - weibull.cdf(x - h)) / (2.0 * h);
            let slope = slope * weibull.side().sign();
            prop_assert!(close(slope, weibull.pdf(x), 1e-4), "{slope} {}", weibull.pdf(x));
        }
    }

    #[test]
    fn text_gives_back_the_same_bits((scores, params) in fittable()) {
        if let Some((weibull, report)) = fit(&scores, &params) {
            let back = Weibull::from_text(&weibull.to_text(&report)).unwrap();
            prop_assert_eq!(&back, &weibull);
            prop_assert_eq!(back.scale().to_bits(), weibull.scale().to_bits());
            prop_assert_eq!(back.small_score().to_bits(), weibull.small_score().to_bits());
        }
    }

    #[test]
    fn text_of_any_kind_does_not_panic(text in "[-+0-9a-zA-Z. \n]{0,200}") {
        let _ = Weibull::from_text(&text);
    }
}
