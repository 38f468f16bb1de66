//! What holds for every list of scores, whatever the family.
#![allow(missing_docs)]

use crosr_libmr::{
    Border, CheckedParams, Family, FamilyError, FitError, GeneralisedPareto, Gev, TailDistribution,
    TailSide, Weibull3, WeibullParams, anderson_darling, compare, fit_family, kolmogorov_smirnov,
};
use proptest::prelude::*;

prop_compose! {
    /// Scores on a grid of 1/64, with ties, bent to be light- or heavy-tailed.
    fn fittable()(
        grid in prop::collection::vec(-300i32..300, 6..60),
        bend in 0.3..4.0f64,
        share in 0.0..1.0f64,
        low in any::<bool>(),
    ) -> (Vec<f64>, CheckedParams) {
        let scores: Vec<f64> = grid
            .into_iter()
            .map(|x| {
                let x = f64::from(x) / 64.0;
                x.signum() * x.abs().powf(bend)
            })
            .collect();
        let tail_size = 3 + (share * (scores.len() - 3) as f64) as usize;
        let side = if low { TailSide::Low } else { TailSide::High };
        (scores, WeibullParams::new(tail_size).side(side).check().unwrap())
    }
}

/// The fit, or `None` for the one legitimate reason: a tail of equal scores.
fn fit(family: Family, scores: &[f64], params: CheckedParams) -> Option<Box<dyn TailDistribution>> {
    match fit_family(family, scores, params) {
        Ok(fitted) => Some(fitted),
        Err(FamilyError::Tail(FitError::NoSpread { .. })) => None,
        Err(other) => panic!("{family}: {other}, {scores:?} {params:?}"),
    }
}

/// The tail, most extreme score first.
fn tail(scores: &[f64], params: &CheckedParams) -> Vec<f64> {
    let sign = params.side().sign();
    let mut tail = scores.to_vec();
    tail.sort_by(|a, b| (b * sign).total_cmp(&(a * sign)));
    tail.truncate(params.tail_size());
    tail
}

fn log_likelihood(distribution: &dyn TailDistribution, data: &[f64]) -> f64 {
    data.iter().map(|&x| distribution.log_pdf(x)).sum()
}

/// A distribution near `fitted` that still lies in the domain of the fit.
fn neighbour(
    fitted: &dyn TailDistribution,
    [shift, stretch, bend]: [f64; 3],
) -> Option<Box<dyn TailDistribution>> {
    let side = fitted.side();
    let values: Vec<f64> = fitted.parameters().into_iter().map(|(_, v)| v).collect();
    let [position, scale, shape] = [values[0], values[1], values[2]];
    let moved = position + shift * scale;
    match fitted.family() {
        Family::GeneralisedPareto if shape + bend >= -1.0 => Some(Box::new(
            GeneralisedPareto::new(position, scale * stretch, shape + bend, side).unwrap(),
        )),
        Family::Gev if shape + bend >= -1.0 => Some(Box::new(
            Gev::new(moved, scale * stretch, shape + bend, side).unwrap(),
        )),
        Family::Weibull3 if shape + bend >= 1.0 => Some(Box::new(
            Weibull3::new(moved, scale * stretch, shape + bend, side).unwrap(),
        )),
        _ => None,
    }
}

const NEW: [Family; 3] = [Family::Weibull3, Family::GeneralisedPareto, Family::Gev];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn order_does_not_matter(
        ((scores, params), shuffled) in fittable().prop_flat_map(|(scores, params)| {
            (Just((scores.clone(), params)), Just(scores).prop_shuffle())
        }),
    ) {
        for family in Family::ALL {
            let of = |scores: &[f64]| fit(family, scores, params).map(|fitted| fitted.parameters());
            prop_assert_eq!(of(&scores), of(&shuffled));
        }
    }

    #[test]
    fn no_neighbour_is_more_likely(
        (scores, params) in fittable(), size in 1e-4..0.3f64, seed in 0..8u32,
    ) {
        let direction = |bit: u32| if seed >> bit & 1 == 1 { size } else { -size };
        let step = [direction(0), 1.0 + direction(1), direction(2)];
        for family in NEW {
            let Some(fitted) = fit(family, &scores, params) else { continue };
            if fitted.border() == Some(Border::Location) {
                continue;
            }
            let mut data = tail(&scores, &params);
            if family == Family::GeneralisedPareto {
                // Scores on the threshold are no data.
                data.retain(|&x| fitted.cdf(x) > 0.0);
            }
            let best = log_likelihood(&*fitted, &data);
            prop_assert!(best.is_finite());
            for axes in [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]] {
                let step = [
                    step[0] * f64::from(axes[0]),
                    step[1].powi(axes[1]),
                    step[2] * f64::from(axes[2]),
                ];
                if let Some(other) = neighbour(&*fitted, step) {
                    let there = log_likelihood(&*other, &data);
                    prop_assert!(
                        there <= best + 1e-8 * best.abs().max(1.0),
                        "{:?}: {} is more than {}, {:?}", other, there, best, fitted
                    );
                }
            }
        }
    }

    #[test]
    fn cdf_undoes_inv((scores, params) in fittable(), p in 1e-6..0.999_999f64) {
        for family in NEW {
            let Some(fitted) = fit(family, &scores, params) else { continue };
            let x = fitted.inv(p);
            // Rounding x moves the probability by the density.
            let size = fitted.parameters().iter().fold(x.abs(), |size, (_, v)| size.max(v.abs()));
            let density = [0.999, 1.0, 1.001].map(|q| fitted.pdf(fitted.inv((p * q).min(1.0))));
            let density = density.into_iter().fold(0.0, f64::max);
            let tolerance = 1e-11 + 16.0 * f64::EPSILON * size * density;
            prop_assert!((fitted.cdf(x) - p).abs() <= tolerance, "{fitted:?} {p} {}", fitted.cdf(x));
        }
    }

    #[test]
    fn pdf_is_the_slope_of_the_cdf((scores, params) in fittable(), p in 0.05..0.95f64) {
        for family in NEW {
            let Some(fitted) = fit(family, &scores, params) else { continue };
            let x = fitted.inv(p);
            let h = 1e-4 * (fitted.inv(p + 0.01) - x).abs();
            let sign = fitted.side().sign();
            let slope = sign * (fitted.cdf(x + h) - fitted.cdf(x - h)) / (2.0 * h);
            let pdf = fitted.pdf(x);
            prop_assert!((slope / pdf - 1.0).abs() < 1e-3, "{fitted:?} {x}: {slope} {pdf}");
        }
    }

    #[test]
    fn a_comparison_says_what_the_fits_say((scores, params) in fittable()) {
        let Ok(comparison) = compare(&scores, params, &Family::ALL) else {
            return Ok(());
        };
        prop_assert_eq!(comparison.families.len(), 4);
        let data = tail(&scores, &params);
        let mut before = f64::NEG_INFINITY;
        for compared in &comparison.families {
            let found = compared.result.as_ref().unwrap();
            prop_assert!(found.aic >= before);
            before = found.aic;
            let again = fit(compared.family, &scores, params).unwrap();
            prop_assert_eq!(again.parameters(), found.distribution.parameters());
            let sum = log_likelihood(&*again, &data);
            prop_assert!((sum - found.log_likelihood).abs() <= 1e-9 * sum.abs().max(1.0));
            let mut cdf: Vec<f64> = data.iter().map(|&x| again.cdf(x)).collect();
            cdf.sort_by(f64::total_cmp);
            prop_assert_eq!(kolmogorov_smirnov(&cdf).unwrap(), found.kolmogorov_smirnov);
            prop_assert_eq!(anderson_darling(&cdf).unwrap(), found.anderson_darling);
        }
    }
}

// Where scores are large beside their spread, the parameters are rounded: a fit that this
// spoils is an error, never a NaN.
#[test]
fn large_scores_fit_or_say_why() {
    let mut fitted = 0;
    for exponent in 0..60 {
        let offset = 2f64.powi(exponent);
        let scores: Vec<f64> = (1..=50)
            .map(|i| offset + (f64::from(i) / 51.0).powf(0.3))
            .collect();
        for family in NEW {
            match fit_family(family, &scores, WeibullParams::new(40).check().unwrap()) {
                Ok(tail) => {
                    fitted += 1;
                    assert!(log_likelihood(&*tail, &scores[10..]).is_finite());
                }
                Err(FamilyError::PrecisionLost { .. } | FamilyError::Tail(_)) => {}
                Err(other) => panic!("{family} at {offset}: {other}"),
            }
        }
    }
    assert!(fitted > 120, "{fitted}");
}

#[test]
fn tiny_and_huge_units_fit_or_say_why() {
    let mut fitted = 0;
    for exponent in (-1020..=1017).step_by(3) {
        let unit = 2f64.powi(exponent);
        let scores: Vec<f64> = (1..=50)
            .map(|i| unit * (f64::from(i) / 13.0).powf(1.7))
            .collect();
        for family in NEW {
            match fit_family(family, &scores, WeibullParams::new(40).check().unwrap()) {
                Ok(tail) => {
                    fitted += 1;
                    assert!(log_likelihood(&*tail, &scores[10..]).is_finite());
                    assert!(tail.cdf(scores[49]) > 0.9, "{tail:?}");
                }
                Err(FamilyError::PrecisionLost { .. }) => {}
                Err(other) => panic!("{family} in {unit}: {other}"),
            }
        }
    }
    // Neither end costs more than a few digits of the data.
    assert_eq!(fitted, 3 * 680);
}
