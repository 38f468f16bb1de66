//! The `serde` feature: what is read is checked.
#![cfg(feature = "serde")]
#![allow(missing_docs)]

use crosr_libmr::{
    CheckedParams, FitReport, FitType, LabelledFit, TailSide, Weibull, WeibullParams, fit_svm,
};

const SCORES: [f64; 8] = [0.3, 2.5, 1.7, 9.1, 4.4, 3.2, 0.9, 6.0];

#[test]
fn models_reports_and_parameters_come_back() {
    let params = WeibullParams::new(6).side(TailSide::Low).check().unwrap();
    let (weibull, report) = params.fit(&SCORES).unwrap();
    let text = serde_json::to_string(&(&weibull, &report, &params)).unwrap();
    let back: (Weibull, FitReport, CheckedParams) = serde_json::from_str(&text).unwrap();
    assert_eq!(back, (weibull, report, params));
    assert!(text.contains(r#""side":"low""#), "{text}");
}

#[test]
fn impossible_models_and_parameters_are_refused() {
    let model = r#"{"scale":2.0,"shape":1.5,"small_score":4.0,"translate":1.0,"side":"high","tail_size":5}"#;
    let weibull: Weibull = serde_json::from_str(model).unwrap();
    assert_eq!(weibull.shape(), 1.5);
    for (from, to, says) in [
        ("2.0", "-2.0", "Weibull scale is -2"),
        ("1.5", "0", "Weibull shape is 0"),
        (":1.0", ":-1.0", "translate is -1"),
        (":5", ":1", "tail size 1"),
        ("high", "top", "unknown variant"),
    ] {
        let error = serde_json::from_str::<Weibull>(&model.replace(from, to)).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let params = r#"{"tail_size":1,"side":"high","translate":1.0,"max_iterations":200}"#;
    let error = serde_json::from_str::<CheckedParams>(params).unwrap_err();
    assert!(error.to_string().contains("tail size 1"), "{error}");
}

#[test]
fn fits_to_labelled_scores_come_back() {
    let labelled: Vec<(f64, bool)> = SCORES.iter().map(|x| (*x, *x > 3.0)).collect();
    for fit_type in FitType::ALL {
        let fit = fit_svm(&labelled, &true, 3, fit_type).unwrap();
        let text = serde_json::to_string(&fit).unwrap();
        assert!(
            text.contains(&format!(r#""fit_type":"{fit_type}""#)),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<LabelledFit>(&text).unwrap(), fit);
        let impossible = text.replace(r#""tail_size":3"#, r#""tail_size":1"#);
        let error = serde_json::from_str::<LabelledFit>(&impossible).unwrap_err();
        assert!(error.to_string().contains("tail size 1"), "{error}");
    }
}
