//! Far tails, ends of supports, wrong input, and which family is found in large samples.
#![allow(missing_docs)]

use crosr_libmr::{
    Family, FamilyError, FitError, GeneralisedPareto, Gev, TailDistribution, TailSide,
    ThresholdSource, Weibull3, WeibullParams, compare, fit_family,
};

/// Uniform numbers in (0, 1): SplitMix64 (Steele, Lea and Flood 2014).
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0 + 1e-17
    }

    fn sample(&mut self, distribution: &dyn TailDistribution, n: usize) -> Vec<f64> {
        (0..n).map(|_| distribution.inv(self.next())).collect()
    }
}

fn params(tail_size: usize) -> crosr_libmr::CheckedParams {
    WeibullParams::new(tail_size).check().unwrap()
}

fn grid() -> Vec<Box<dyn TailDistribution>> {
    let mut all: Vec<Box<dyn TailDistribution>> = Vec::new();
    for side in [TailSide::High, TailSide::Low] {
        for position in [0.0, -3.0, 1e300] {
            for scale in [1e-300, 1.0, 1e300] {
                for shape in [
                    -1e10, -2.0, -1.0, -0.3, -1e-300, 0.0, 1e-300, 1e-9, 0.5, 3.0, 1e10,
                ] {
                    all.push(Box::new(
                        GeneralisedPareto::new(position, scale, shape, side).unwrap(),
                    ));
                    all.push(Box::new(Gev::new(position, scale, shape, side).unwrap()));
                    if shape > 0.0 {
                        all.push(Box::new(
                            Weibull3::new(position, scale, shape, side).unwrap(),
                        ));
                    }
                }
            }
        }
    }
    all
}

#[test]
fn no_nan_and_no_step_back_anywhere() {
    let xs = [
        f64::NEG_INFINITY,
        -f64::MAX,
        -1e300,
        -1e10,
        -1.0,
        -1e-10,
        -1e-300,
        -5e-324,
        0.0,
        5e-324,
        1e-300,
        1e-10,
        1.0,
        1e10,
        1e300,
        f64::MAX,
        f64::INFINITY,
    ];
    let ps = [
        0.0,
        5e-324,
        1e-300,
        1e-9,
        0.1,
        0.5,
        0.9,
        1.0 - f64::EPSILON,
        1.0,
    ];
    for distribution in grid() {
        let sign = distribution.side().sign();
        let mut before = 0.0;
        for x in xs {
            let (cdf, pdf) = (distribution.cdf(sign * x), distribution.pdf(sign * x));
            assert!(
                (before..=1.0).contains(&cdf),
                "{distribution:?} {x}: {cdf} after {before}"
            );
            assert!(pdf >= 0.0, "{distribution:?} {x}: {pdf}");
            assert!(
                !distribution.log_pdf(sign * x).is_nan(),
                "{distribution:?} {x}"
            );
            before = cdf;
        }
        let ends = [sign * f64::NEG_INFINITY, sign * f64::INFINITY].map(|x| distribution.cdf(x));
        assert_eq!(ends, [0.0, 1.0], "{distribution:?}");
        let mut before = f64::NEG_INFINITY;
        for p in ps {
            let s = sign * distribution.inv(p);
            assert!(s >= before, "{distribution:?} {p}: {s} after {before}");
            before = s;
        }
        for p in [-1e-9, 1.0 + 1e-9, f64::NAN] {
            assert!(distribution.inv(p).is_nan());
        }
        assert!(distribution.cdf(f64::NAN).is_nan() && distribution.pdf(f64::NAN).is_nan());
    }
}

#[test]
fn small_shapes_go_over_into_shape_zero() {
    for x in [-1.0, 0.1, 2.0, 30.0] {
        for shape in [1e-8, -1e-8] {
            let near = Gev::new(0.5, 2.0, shape, TailSide::High).unwrap();
            let zero = Gev::new(0.5, 2.0, 0.0, TailSide::High).unwrap();
            assert!((near.cdf(x) - zero.cdf(x)).abs() < 1e-7);
            assert!((near.inv(0.99) - zero.inv(0.99)).abs() < 1e-6);
        }
    }
}

#[test]
fn scores_on_the_threshold_are_no_data() {
    // The fifth largest is 2, as is the fourth: three excesses.
    let scores = [1.0, 2.0, 2.0, 3.5, 2.7, 4.1];
    let (fitted, report) = GeneralisedPareto::fit(&scores, params(4)).unwrap();
    assert_eq!((fitted.threshold(), report.n_scores), (2.0, 3));
    let (fitted, report) = GeneralisedPareto::fit(&scores, params(6)).unwrap();
    assert_eq!(fitted.threshold_source(), ThresholdSource::LeastExtreme);
    assert_eq!((fitted.threshold(), report.n_scores), (1.0, 5));
}

#[test]
fn wrong_input_is_named() {
    let fit = |family, scores: &[f64], tail_size| fit_family(family, scores, params(tail_size));
    for family in Family::ALL {
        assert!(matches!(
            fit(family, &[1.0, f64::NAN, 2.0], 2).unwrap_err(),
            FamilyError::Tail(FitError::NonFinite { index: 1, .. })
        ));
        assert!(matches!(
            fit(family, &[1.0, 2.0], 3).unwrap_err(),
            FamilyError::Tail(FitError::TooFewScores {
                tail_size: 3,
                given: 2
            })
        ));
        assert!(matches!(
            fit(family, &[1.0, 2.0, 2.0, 2.0], 3).unwrap_err(),
            FamilyError::Tail(FitError::NoSpread {
                tail_size: 3,
                value: 2.0
            })
        ));
        assert!(matches!(
            fit(family, &[-f64::MAX, 0.0, 1.0, f64::MAX], 4).unwrap_err(),
            FamilyError::RangeOverflow { .. }
        ));
        let few = fit(family, &[1.0, 2.0, 4.0], 2);
        match family.n_parameters() {
            2 => assert!(few.is_ok()),
            _ => assert!(matches!(
                few.unwrap_err(),
                FamilyError::TailTooSmall {
                    tail_size: 2,
                    needed: 3,
                    ..
                }
            )),
        }
    }
    let one_step = WeibullParams::new(30).max_iterations(1).check().unwrap();
    let scores: Vec<f64> = (1..60).map(|i| -(f64::from(i) / 60.0).ln()).collect();
    for family in [Family::GeneralisedPareto, Family::Gev] {
        assert!(matches!(
            fit_family(family, &scores, one_step).unwrap_err(),
            FamilyError::NotConverged { iterations: 1, .. }
        ));
    }
    assert!(matches!(
        Gev::new(0.0, 0.0, 0.1, TailSide::High).unwrap_err(),
        FamilyError::Parameter {
            family: Family::Gev,
            name: "scale",
            ..
        }
    ));
    assert!(matches!(
        Weibull3::new(0.0, 1.0, 0.0, TailSide::High).unwrap_err(),
        FamilyError::Parameter { name: "shape", .. }
    ));
    assert!(matches!(
        GeneralisedPareto::new(f64::NAN, 1.0, 0.0, TailSide::High).unwrap_err(),
        FamilyError::Parameter {
            name: "threshold",
            ..
        }
    ));
    assert_eq!(
        "gumbel".parse::<Family>().unwrap_err().to_string(),
        "unknown family \"gumbel\", expected weibull, weibull3, gpd or gev"
    );
}

#[test]
fn large_samples_give_back_their_parameters() {
    let mut uniform = Uniform(7);
    let n = 20_000;
    for shape in [-0.4, -0.1, 0.0, 0.2, 0.8] {
        let truth = GeneralisedPareto::new(5.0, 2.0, shape, TailSide::High).unwrap();
        let scores = uniform.sample(&truth, n);
        let (fitted, report) = GeneralisedPareto::fit(&scores, params(n)).unwrap();
        assert!((fitted.shape() - shape).abs() < 0.03, "{shape}: {fitted:?}");
        assert!((fitted.scale() - 2.0).abs() < 0.1 && report.border.is_none());

        let truth = Gev::new(5.0, 2.0, shape, TailSide::High).unwrap();
        let scores = uniform.sample(&truth, n);
        let (fitted, _) = Gev::fit(&scores, params(n)).unwrap();
        assert!((fitted.shape() - shape).abs() < 0.03, "{shape}: {fitted:?}");
        assert!((fitted.location() - 5.0).abs() < 0.08 && (fitted.scale() - 2.0).abs() < 0.08);
    }
    for shape in [1.5, 2.5, 6.0] {
        let truth = Weibull3::new(5.0, 2.0, shape, TailSide::Low).unwrap();
        let scores = uniform.sample(&truth, n);
        let low = WeibullParams::new(n).side(TailSide::Low).check().unwrap();
        let (fitted, _) = Weibull3::fit(&scores, low).unwrap();
        assert!(
            (fitted.shape() / shape - 1.0).abs() < 0.1,
            "{shape}: {fitted:?}"
        );
        assert!((fitted.location() - 5.0).abs() < 0.2, "{shape}: {fitted:?}");
    }
}

#[test]
fn the_true_family_has_the_smallest_aic() {
    let mut uniform = Uniform(11);
    let n = 5000;
    let high = TailSide::High;
    let truths: [Box<dyn TailDistribution>; 3] = [
        Box::new(Weibull3::new(3.0, 2.0, 2.5, high).unwrap()),
        Box::new(GeneralisedPareto::new(3.0, 2.0, 0.3, high).unwrap()),
        Box::new(Gev::new(3.0, 2.0, 0.2, high).unwrap()),
    ];
    for truth in truths {
        let scores = uniform.sample(&*truth, n);
        let comparison = compare(&scores, params(n), &Family::ALL).unwrap();
        let (best, fit) = comparison.best().unwrap();
        assert_eq!(best, truth.family(), "{comparison:#?}");
        assert!(fit.kolmogorov_smirnov < 1.2 / (n as f64).sqrt());
    }
    // Weibull data whose support begins 1 below the smallest: what `translate` says.
    let weibull = Weibull3::new(0.0, 1.0, 2.0, high).unwrap();
    let mut scores = uniform.sample(&weibull, n);
    let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
    scores.iter_mut().for_each(|x| *x /= least);
    let comparison = compare(&scores, params(n), &Family::ALL).unwrap();
    assert_eq!(
        comparison.best().unwrap().0,
        Family::Weibull,
        "{comparison:#?}"
    );
}

#[test]
fn comparison_is_sorted_and_lists_what_has_no_fit() {
    let scores = [1.0, 2.0, 4.0, 9.0];
    let comparison = compare(&scores, params(2), &Family::ALL).unwrap();
    let order: Vec<Family> = comparison.families.iter().map(|f| f.family).collect();
    assert!(comparison.families[..2].iter().all(|f| f.result.is_ok()));
    assert_eq!(order[2..], [Family::Weibull3, Family::Gev]);
    assert!(matches!(
        comparison.families[2].result,
        Err(FamilyError::TailTooSmall { .. })
    ));
    let of = |i: usize| comparison.families[i].result.as_ref().unwrap();
    assert!(of(0).aic <= of(1).aic);
    let n_parameters = order[0].n_parameters() as f64;
    assert_eq!(of(0).aic, 2.0 * n_parameters - 2.0 * of(0).log_likelihood);
    assert!(compare(&scores, params(9), &Family::ALL).is_err());
    assert!(compare(&scores, params(2), &[]).unwrap().best().is_none());
}

// Heavy tails: shortly behind the local maximum the profile rises again, without bound.
#[test]
fn a_maximum_next_to_a_minimum_is_found() {
    let quarters = [
        0.5, 3.0, 1.0, -0.25, 9.0, 0.25, -0.25, 4.5, -0.5, 0.0, 4.0, 5.75, -0.25, -0.5, 1.75,
        -0.25, -0.5, -0.5, 3.0, 6.0,
    ];
    let few = [
        1.8927, 0.3138, 1.557, -0.2702, -1.315, 0.1913, 0.698, -0.3174, -0.8965, -0.2912, -0.8474,
        6.8263, -0.4491,
    ];
    for (scores, tail_size, expected) in [(&quarters[..], 15, -33.301_173), (&few, 4, -7.319_27)] {
        let (fitted, report) = Gev::fit(scores, params(tail_size)).unwrap();
        assert_eq!(report.border, None, "{fitted:?}");
        assert!(
            (report.log_likelihood - expected).abs() < 1e-3,
            "{report:?}"
        );
    }
}
