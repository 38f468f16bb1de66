//! One test per rule, naming the exact error, and behaviour at the edges.
#![allow(missing_docs)]

use crosr_libmr::{
    FitError, ParamError, TailSide, TextError, Weibull, WeibullParams, WeibullParts, fit_high,
    fit_low,
};

const SCORES: [f64; 8] = [0.3, 2.5, 1.7, 9.1, 4.4, 3.2, 0.9, 6.0];

const PARTS: WeibullParts = WeibullParts {
    scale: 2.0,
    shape: 1.5,
    small_score: 4.0,
    translate: 1.0,
    side: TailSide::High,
    tail_size: 5,
};

/// A test that an expression is this error, and that its message is one clear line.
macro_rules! rule {
    ($name:ident: $result:expr => $pattern:pat $(if $guard:expr)?, says $words:expr) => {
        #[test]
        fn $name() {
            let error = $result.expect_err("must be refused");
            assert!(matches!(error, $pattern $(if $guard)?), "{error:?}");
            let message = error.to_string();
            assert!(!message.ends_with('.') && !message.contains('\n'), "{message}");
            for word in $words {
                assert!(message.contains(word), "{message:?} does not say {word:?}");
            }
        }
    };
}

rule!(tail_size_0: WeibullParams::new(0).check()
    => ParamError::TailSize { given: 0 }, says ["tail size 0"]);
rule!(tail_size_1: WeibullParams::new(1).check()
    => ParamError::TailSize { given: 1 }, says ["tail size 1", "at least 2"]);
rule!(translate_0: WeibullParams::new(5).translate(0.0).check()
    => ParamError::Translate { given: 0.0 }, says ["translate is 0"]);
rule!(translate_negative: WeibullParams::new(5).translate(-2.5).check()
    => ParamError::Translate { given: -2.5 }, says ["-2.5"]);
rule!(translate_nan: WeibullParams::new(5).translate(f64::NAN).check()
    => ParamError::Translate { given } if given.is_nan(), says ["NaN"]);
rule!(translate_infinite: WeibullParams::new(5).translate(f64::INFINITY).check()
    => ParamError::Translate { given: f64::INFINITY }, says ["inf"]);
rule!(max_iterations_0: WeibullParams::new(5).max_iterations(0).check()
    => ParamError::MaxIterations, says ["max_iterations"]);

rule!(parts_scale_0: Weibull::from_parts(WeibullParts { scale: 0.0, ..PARTS })
    => ParamError::Scale { given: 0.0 }, says ["scale is 0"]);
rule!(parts_scale_nan: Weibull::from_parts(WeibullParts { scale: f64::NAN, ..PARTS })
    => ParamError::Scale { .. }, says ["scale is NaN"]);
rule!(parts_shape_negative: Weibull::from_parts(WeibullParts { shape: -1.0, ..PARTS })
    => ParamError::Shape { given: -1.0 }, says ["shape is -1"]);
rule!(parts_shape_infinite: Weibull::from_parts(WeibullParts { shape: f64::INFINITY, ..PARTS })
    => ParamError::Shape { .. }, says ["shape is inf"]);
rule!(parts_small_score: Weibull::from_parts(WeibullParts { small_score: f64::NAN, ..PARTS })
    => ParamError::SmallScore { .. }, says ["small_score is NaN"]);
rule!(parts_translate: Weibull::from_parts(WeibullParts { translate: -1.0, ..PARTS })
    => ParamError::Translate { given: -1.0 }, says ["translate is -1"]);
rule!(parts_tail_size: Weibull::from_parts(WeibullParts { tail_size: 1, ..PARTS })
    => ParamError::TailSize { given: 1 }, says ["tail size 1"]);

rule!(level_0: report().confidence(0.0)
    => ParamError::Level { given: 0.0 }, says ["level is 0"]);
rule!(level_1: report().confidence(1.0)
    => ParamError::Level { given: 1.0 }, says ["level is 1"]);
rule!(level_nan: report().confidence(f64::NAN)
    => ParamError::Level { .. }, says ["NaN"]);

rule!(fit_high_checks_parameters: fit_high(&SCORES, 1)
    => FitError::Param(ParamError::TailSize { given: 1 }), says ["tail size 1"]);
rule!(fit_low_checks_parameters: fit_low(&SCORES, 0)
    => FitError::Param(ParamError::TailSize { given: 0 }), says ["tail size 0"]);
rule!(tail_larger_than_the_list: fit_high(&SCORES, 9)
    => FitError::TooFewScores { tail_size: 9, given: 8 }, says ["9", "8 scores"]);
rule!(empty_list: fit_high(&[], 2)
    => FitError::TooFewScores { tail_size: 2, given: 0 }, says ["2", "0 scores"]);
rule!(nan_in_the_scores: fit_high(&[1.0, 5.0, f64::NAN, 2.0], 2)
    => FitError::NonFinite { index: 2, value } if value.is_nan(), says ["index 2", "NaN"]);
rule!(infinity_in_the_tail: fit_high(&[1.0, f64::INFINITY, 2.0], 2)
    => FitError::NonFinite { index: 1, value: f64::INFINITY }, says ["index 1", "inf"]);
rule!(negative_infinity_outside_the_tail: fit_high(&[1.0, 2.0, 3.5, f64::NEG_INFINITY], 3)
    => FitError::NonFinite { index: 3, value: f64::NEG_INFINITY }, says ["index 3", "-inf"]);
rule!(constant_tail: fit_low(&[4.0, 2.5, 2.5, 2.5, 7.0], 3)
    => FitError::NoSpread { tail_size: 3, value: 2.5 }, says ["all 3", "2.5"]);
rule!(zeros_of_both_signs: fit_high(&[0.0, -0.0, 0.0], 3)
    => FitError::NoSpread { tail_size: 3, value: 0.0 }, says ["all 3"]);
rule!(spread_below_rounding: fit_low(&[1e-300, 2e-300], 2)
    => FitError::SpreadLost { least_extreme: 2e-300, most_extreme: 1e-300, translate: 1.0 },
    says ["lost in rounding"]);
rule!(translate_below_rounding: fit_low(&[-1e300, 1e300], 2)
    => FitError::TranslateLost { score: 1e300, translate: 1.0 }, says ["translate 1", "100000"]);
rule!(range_above_the_largest_double: fit_high(&[-1.7e308, 1.7e308], 2)
    => FitError::RangeOverflow { least_extreme: -1.7e308, most_extreme: 1.7e308, .. },
    says ["exceeds"]);
rule!(one_iteration_is_not_enough:
    WeibullParams::new(8).max_iterations(1).check().unwrap().fit(&SCORES)
    => FitError::NotConverged { iterations: 1, .. }, says ["after 1 iterations", "allow more"]);

const LINE: &str = "2.5 1.5  2 3 1 2  -1 5.0 1 20 1 -0.25 0\n";
rule!(text_empty: Weibull::from_text("")
    => TextError::FieldCount { expected: 13, found: 0 }, says ["13", "0 fields"]);
rule!(text_two_lines: Weibull::from_text(&LINE.repeat(2))
    => TextError::FieldCount { expected: 13, found: 26 }, says ["26 fields"]);
rule!(text_truncated: Weibull::from_text("2.5 1.5  2 3")
    => TextError::FieldCount { found: 4, .. }, says ["4 fields"]);
rule!(text_word: Weibull::from_text(&LINE.replace("1.5", "one"))
    => TextError::Field { position: 2, name: "shape", .. }, says ["field 2", "shape", "one"]);
rule!(text_bound: Weibull::from_text(&LINE.replace("2 3 1 2", "2 x 1 2"))
    => TextError::Field { position: 4, .. }, says ["field 4", "\"x\"", "number"]);
rule!(text_sign: Weibull::from_text(&LINE.replace("-1 5.0", "0 5.0"))
    => TextError::Field { position: 7, name: "sign", .. }, says ["field 7", "1 or -1"]);
rule!(text_tail_size: Weibull::from_text(&LINE.replace(" 20 ", " -3 "))
    => TextError::Field { position: 10, .. }, says ["field 10", "-3", "whole number"]);
rule!(text_impossible_model: Weibull::from_text(&LINE.replace("1.5", "-1.5"))
    => TextError::Param(ParamError::Shape { given: -1.5 }), says ["shape is -1.5"]);

fn report() -> crosr_libmr::FitReport {
    WeibullParams::new(5)
        .check()
        .unwrap()
        .fit(&SCORES)
        .unwrap()
        .1
}

#[test]
fn defaults_are_the_documented_ones() {
    let params = WeibullParams::new(20).check().unwrap();
    assert_eq!(params.tail_size(), 20);
    assert_eq!(params.side(), TailSide::High);
    assert_eq!(params.translate(), 1.0);
    assert_eq!(params.max_iterations(), 200);
}

#[test]
fn a_line_of_text_becomes_the_model_it_describes() {
    let expected = WeibullParts {
        scale: 2.5,
        shape: 1.5,
        small_score: -0.25,
        translate: 1.0,
        side: TailSide::Low,
        tail_size: 20,
    };
    assert_eq!(Weibull::from_text(LINE).unwrap().parts(), expected);
}

#[test]
fn the_error_source_is_kept() {
    use std::error::Error;
    // Transparent errors pass on both message and source of what they wrap.
    let error = fit_high(&SCORES, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        ParamError::TailSize { given: 1 }.to_string()
    );
    assert!(error.source().is_none());
}

#[test]
fn density_at_the_origin_is_its_limit() {
    let at_origin = |shape| {
        let parts = WeibullParts {
            shape,
            small_score: 1.0,
            ..PARTS
        };
        Weibull::from_parts(parts).unwrap().pdf(0.0)
    };
    assert_eq!(at_origin(0.5), f64::INFINITY);
    assert!((at_origin(1.0) - 0.5).abs() < 1e-15);
    assert_eq!(at_origin(1.5), 0.0);
}

#[test]
fn queries_never_make_a_nan_of_their_own() {
    let extremes = [
        0.0,
        -0.0,
        5e-324,
        1e-300,
        1e-10,
        1.0,
        3.0,
        1e10,
        1e300,
        f64::MAX,
        f64::INFINITY,
    ];
    for shape in [1e-300, 1e-3, 0.5, 1.0, 2.0, 1e6, 3.8e12, 1e300] {
        for scale in [1e-300, 1.0, 1e300] {
            for translate in [1e-300, 1.0, 1e300] {
                for side in [TailSide::High, TailSide::Low] {
                    let parts = WeibullParts {
                        scale,
                        shape,
                        translate,
                        side,
                        ..PARTS
                    };
                    let weibull = Weibull::from_parts(parts).unwrap();
                    for x in extremes.iter().flat_map(|x| [*x, -x]) {
                        let (w, pdf) = (weibull.w_score(x), weibull.pdf(x));
                        assert!((0.0..=1.0).contains(&w), "{parts:?} w({x}) = {w}");
                        assert!(pdf >= 0.0, "{parts:?} pdf({x}) = {pdf}");
                        assert!(!weibull.log_likelihood(&[x, 4.5]).is_nan(), "{parts:?} {x}");
                    }
                    for p in [0.0, 5e-324, 1e-300, 0.5, 1.0 - 1e-16, 1.0] {
                        assert!(!weibull.inv(p).is_nan(), "{parts:?} inv({p})");
                    }
                }
            }
        }
    }
}

#[test]
fn a_nan_stays_a_nan_and_a_probability_is_in_0_1() {
    let weibull = Weibull::from_parts(PARTS).unwrap();
    assert!(weibull.w_score(f64::NAN).is_nan());
    assert!(weibull.pdf(f64::NAN).is_nan());
    assert!(weibull.log_likelihood(&[5.0, f64::NAN]).is_nan());
    for p in [f64::NAN, -1e-9, 1.0 + 1e-9] {
        assert!(weibull.inv(p).is_nan());
    }
    assert_eq!(weibull.inv(0.0), 3.0);
    assert_eq!(weibull.inv(1.0), f64::INFINITY);
    let low = Weibull::from_parts(WeibullParts {
        side: TailSide::Low,
        ..PARTS
    })
    .unwrap();
    assert_eq!(low.inv(1.0), f64::NEG_INFINITY);
    assert_eq!(weibull.log_likelihood(&[]), 0.0);
    assert_eq!(weibull.log_likelihood(&[5.0, 2.0]), f64::NEG_INFINITY);
}

#[test]
fn any_magnitude_is_fitted_or_refused_without_a_panic() {
    let mut fitted = 0;
    for exponent in -300..=300 {
        let unit = 10f64.powi(exponent);
        let scores = SCORES.map(|score| score * unit);
        for translate in [1e-300, 1.0, unit, 1e300] {
            for side in [TailSide::High, TailSide::Low] {
                let params = WeibullParams::new(6)
                    .side(side)
                    .translate(translate)
                    .check();
                match params.unwrap().fit(&scores) {
                    Ok((weibull, report)) => {
                        fitted += 1;
                        assert!(report.residual < 1e-11, "{unit:e} {translate:e}");
                        assert!((0.0..=1.0).contains(&weibull.w_score(unit)));
                        assert_eq!(
                            Weibull::from_text(&weibull.to_text(&report)).unwrap(),
                            weibull
                        );
                    }
                    Err(
                        FitError::SpreadLost { .. }
                        | FitError::TranslateLost { .. }
                        | FitError::RangeOverflow { .. },
                    ) => {}
                    Err(other) => panic!("{unit:e} {translate:e}: {other}"),
                }
            }
        }
    }
    // Every one with its own unit as translate, and those with 1 near 1.
    assert!(fitted >= 601 * 2 + 2 * 20, "{fitted}");
}
