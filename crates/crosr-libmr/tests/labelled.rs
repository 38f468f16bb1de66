//! Fits to labelled scores: the selection, the reading and the errors.
#![allow(missing_docs)]

use crosr_libmr::{
    FitError, FitType, LabelScores, LabelledError, TailSide, WeibullParams, fit_high, fit_low,
    fit_svm, fit_svm_with,
};

/// Label 1 around 1, label 2 around -1, label 3 around -2, overlapping.
fn labelled() -> Vec<(f64, i32)> {
    (0..60)
        .map(|i| {
            let label = i % 3 + 1;
            let centre = [1.0, -1.0, -2.0][(label - 1) as usize];
            (centre + 0.9 * (f64::from(i) * 2.399_963).sin(), label)
        })
        .collect()
}

fn scores(keep: impl Fn(i32) -> bool) -> Vec<f64> {
    labelled()
        .into_iter()
        .filter(|&(_, label)| keep(label))
        .map(|(score, _)| score)
        .collect()
}

#[test]
fn each_type_fits_what_libmr_fits() {
    let data = labelled();
    let others = fit_high(&scores(|l| l != 1), 9).unwrap();
    let own = fit_low(&scores(|l| l == 1), 9).unwrap();
    for fit_type in FitType::ALL {
        let fit = fit_svm(&data, &1, 9, fit_type).unwrap();
        let expected = if fit_type.fits_others() {
            &others
        } else {
            &own
        };
        assert_eq!(fit.weibull(), expected, "{fit_type}");
        assert_eq!(fit.report().tail_size, 9);
        for i in -40..=40 {
            let x = f64::from(i) / 10.0;
            let w = fit.w_score(x);
            let direct = expected.w_score(x);
            let direct = if fit_type.fits_others() {
                direct
            } else {
                1.0 - direct
            };
            assert!(
                (w - direct).abs() < 1e-15,
                "{fit_type} at {x}: {w} {direct}"
            );
        }
    }
}

#[test]
fn w_scores_rise_towards_the_label() {
    let data = labelled();
    let mirrored: Vec<(f64, i32)> = data.iter().map(|&(score, label)| (-score, label)).collect();
    for fit_type in FitType::ALL {
        let larger = fit_svm(&data, &1, 12, fit_type).unwrap();
        let params = WeibullParams::new(12).check().unwrap();
        let smaller = fit_svm_with(&mirrored, &1, LabelScores::Smaller, fit_type, params).unwrap();
        let mut before = 0.0;
        for i in -60..=60 {
            let x = f64::from(i) / 10.0;
            let w = larger.w_score(x);
            assert!(w >= before && w <= 1.0, "{fit_type} at {x}");
            assert_eq!(w, smaller.w_score(-x));
            before = w;
        }
        assert!(larger.w_score(-6.0) < 1e-6 && larger.w_score(6.0) > 1.0 - 1e-6);
        assert!(larger.w_score(f64::NAN).is_nan());
        for p in [0.01, 0.3, 0.99] {
            assert!(
                (larger.w_score(larger.inv(p)) - p).abs() < 1e-12,
                "{fit_type} {p}"
            );
        }
    }
}

// Far from the label 1 - F would be 0 long before the probability is.
#[test]
fn small_probabilities_keep_their_digits() {
    let fit = fit_svm(&labelled(), &1, 9, FitType::PositiveModel).unwrap();
    let parts = fit.weibull().parts();
    assert_eq!(parts.side, TailSide::Low);
    let mut seen = 0;
    for i in 0..100 {
        let x = -f64::from(i) / 20.0;
        let t = (-x + parts.translate) - parts.small_score;
        let expected = (-(t / parts.scale).powf(parts.shape)).exp();
        if expected > 1e-200 && expected < 1e-20 {
            seen += 1;
            assert!((fit.w_score(x) / expected - 1.0).abs() < 1e-10);
        }
    }
    assert!(seen > 3);
}

#[test]
fn labels_may_be_of_any_type() {
    let data: Vec<(f64, bool)> = labelled().into_iter().map(|(s, l)| (s, l == 1)).collect();
    let by_bool = fit_svm(&data, &true, 9, FitType::default()).unwrap();
    assert_eq!(
        by_bool,
        fit_svm(&labelled(), &1, 9, FitType::ComplementReject).unwrap()
    );
}

#[test]
fn wrong_input_is_named() {
    let data = labelled();
    let error =
        |label: i32, tail: usize, fit_type| fit_svm(&data, &label, tail, fit_type).unwrap_err();
    let reject = FitType::ComplementReject;
    let model = FitType::ComplementModel;
    assert!(matches!(
        error(7, 5, reject),
        LabelledError::LabelAbsent { given: 60 }
    ));
    assert!(matches!(
        error(7, 5, model),
        LabelledError::LabelAbsent { given: 60 }
    ));
    assert!(matches!(
        error(1, 41, reject),
        LabelledError::TooFewOthers {
            tail_size: 41,
            given: 40
        }
    ));
    assert!(matches!(
        error(1, 21, model),
        LabelledError::TooFewOfLabel {
            tail_size: 21,
            given: 20
        }
    ));
    assert!(matches!(
        error(1, 1, model),
        LabelledError::Fit(FitError::Param(_))
    ));
    assert!(matches!(
        fit_svm(&[(1.0, 1), (2.0, 1)], &1, 2, reject).unwrap_err(),
        LabelledError::OthersAbsent { given: 2 }
    ));
    assert!(matches!(
        fit_svm(
            &[(1.0, 1), (f64::NAN, 1), (2.0, 2), (3.0, 2)],
            &1,
            2,
            reject
        )
        .unwrap_err(),
        LabelledError::NonFinite { index: 1, .. }
    ));
    assert!(matches!(
        fit_svm(&[(1.0, 1), (2.0, 2), (2.0, 2)], &1, 2, reject).unwrap_err(),
        LabelledError::Fit(FitError::NoSpread { .. })
    ));
}

#[test]
fn names_and_codes_go_both_ways() {
    for (code, fit_type) in (1..).zip(FitType::ALL) {
        assert_eq!(FitType::from_code(code), Some(fit_type));
        assert_eq!(fit_type.code(), code);
        assert_eq!(fit_type.to_string().parse(), Ok(fit_type));
    }
    assert_eq!(FitType::from_code(0), None);
    assert!("reject".parse::<FitType>().is_err());
}
