//! libMR's text and binary forms of the fits to labelled scores, against what libMR wrote.
#![allow(missing_docs)]

use crosr_libmr::{
    BinaryError, FitType, LabelledFit, LabelledModel, ParamError, TextError, Weibull, fit_svm,
};

/// What the C++ of libMR 0.1.9 writes after `FitSVM` of [`labelled`], label 1, tail 9: the text but
/// for the fitting type, the bytes, and `W_score` at [`XS`].
struct Theirs {
    text: [&'static str; 2],
    hex: [&'static str; 2],
    w_scores: [f64; 5],
}

const XS: [f64; 5] = [-3.0, -1.0, 0.5, 2.0, 4.0];

/// Types 1 and 2.
const REJECT: Theirs = Theirs {
    text: [
        "2.004091578721185040735e+00 3.804112142933556928170e+00  3.185286195138822051831e+00 \
         1.260917484284682421602e+00 1.457049803979547242250e+01 9.931897424844423616364e-01  1 \
         5.000000000000000000000e+00 ",
        " 9 1 1.250000000000000000000e+00 0\n",
    ],
    hex: [
        "3b5f662a6108004095bae158d26e0e40102c2454777b09401f51dfcfb72cf43f13b5ae5118242d40\
         db2fd6da35c8ef3f010000000000000000001440",
        "0000000900000001000000000000000000f43f00000000",
    ],
    w_scores: [
        0.0,
        0.0,
        0.00036398958476280274,
        0.4495707790614456,
        0.9999804598591383,
    ],
};

/// Types 3 and 4, whose w-score is turned round.
const MODEL: Theirs = Theirs {
    text: [
        "3.094050826575411416997e+00 2.877798081633006876956e+00  5.696853341169296314206e+00 \
         1.680427763209201286188e+00 1.136695136959421148504e+01 7.285789768401432775491e-01  -1 \
         5.000000000000000000000e+00 ",
        " 9 1 -1.250000000000000000000e+00 0\n",
    ],
    hex: [
        "df6c42b89dc00840a9d72800bb050740cab819ec93c916401b62e43808e3fa3f5442c70ce1bb2640\
         1d9cc2db8450e73fffffffff0000000000001440",
        "0000000900000001000000000000000000f4bf00000000",
    ],
    w_scores: [
        0.010258287402990174,
        0.3159994859332762,
        0.8236675570305861,
        0.9992828694795247,
        1.0,
    ],
};

fn theirs(fit_type: FitType) -> (String, Vec<u8>, [f64; 5]) {
    let theirs = if fit_type.fits_others() {
        REJECT
    } else {
        MODEL
    };
    let code = fit_type.code();
    let text = format!("{}{code}{}", theirs.text[0], theirs.text[1]);
    let hex = format!("{}{code:02x}{}", theirs.hex[0], theirs.hex[1]);
    let bytes = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    (text, bytes, theirs.w_scores)
}

fn labelled() -> Vec<(f64, i32)> {
    (0..60)
        .map(|i| {
            let label = i % 3 + 1;
            let offset = if label == 1 { 2.0 } else { 5.0 };
            (f64::from(i * 37 % 64) / 8.0 - offset, label)
        })
        .collect()
}

fn fit(fit_type: FitType) -> LabelledFit {
    fit_svm(&labelled(), &1, 9, fit_type).unwrap()
}

#[test]
fn what_libmr_wrote_loads_and_answers_like_libmr() {
    for fit_type in FitType::ALL {
        let (text, bytes, w_scores) = theirs(fit_type);
        let model = LabelledModel::from_text(&text).unwrap();
        assert_eq!(LabelledModel::from_bytes(&bytes).as_ref(), Ok(&model));
        assert_eq!(model.fit_type(), fit_type);
        let ours = fit(fit_type);
        for (x, expected) in XS.into_iter().zip(w_scores) {
            let w = model.w_score(x);
            assert!((w - expected).abs() < 1e-14, "{fit_type} at {x}: {w}");
            // libMR's own fit is that far from the optimum: it stops its search early.
            let w = ours.w_score(x);
            assert!((w - expected).abs() < 1e-5, "{fit_type} at {x}: {w}");
        }
    }
}

#[test]
fn what_is_written_is_libmrs_but_for_the_bounds() {
    for fit_type in FitType::ALL {
        let (text, bytes, _) = theirs(fit_type);
        let model = LabelledModel::from_text(&text).unwrap();
        let report = *fit(fit_type).report();
        let written = model.to_text(&report);
        let fields = written.split(' ').zip(text.split(' '));
        for (i, (ours, theirs)) in fields.enumerate() {
            assert!(
                ours == theirs || (3..=6).contains(&i) || i == 9,
                "{fit_type}, field {i}: {ours} {theirs}"
            );
        }
        let written = model.to_bytes(&report).unwrap();
        for (i, (ours, theirs)) in written.iter().zip(bytes).enumerate() {
            let free = (16..48).contains(&i) || (52..60).contains(&i);
            assert!(free || *ours == theirs, "{fit_type}, byte {i}");
        }
    }
}

#[test]
fn fits_come_back_from_both_forms_to_the_bit() {
    for fit_type in FitType::ALL {
        let fit = fit(fit_type);
        let model = fit.model();
        let text = model.to_text(fit.report());
        assert_eq!(LabelledModel::from_text(&text).as_ref(), Ok(model));
        let bytes = model.to_bytes(fit.report()).unwrap();
        assert_eq!(LabelledModel::from_bytes(&bytes).as_ref(), Ok(model));
        // A plain tail takes what it need not turn round.
        let plain = Weibull::from_text(&text);
        let plain_bytes = Weibull::from_bytes(&bytes);
        if fit_type.fits_others() {
            assert_eq!(plain.as_ref(), Ok(model.weibull()));
            assert_eq!(plain_bytes.as_ref(), Ok(model.weibull()));
        } else {
            let fitting_type = fit_type.code().into();
            assert_eq!(plain, Err(TextError::Complemented { fitting_type }));
            let fitting_type = fit_type.code().into();
            assert_eq!(plain_bytes, Err(BinaryError::Complemented { fitting_type }));
        }
    }
}

#[test]
fn other_fitting_types_are_refused() {
    let (text, bytes, _) = theirs(FitType::ComplementReject);
    for code in ["0", "5", "-1", "257", "1.0"] {
        let line = text.replace(" 1 9 1 ", &format!(" {code} 9 1 "));
        let error = LabelledModel::from_text(&line).unwrap_err();
        assert!(
            matches!(error, TextError::Field { position: 9, .. }),
            "{code}"
        );
    }
    for code in [0, 5, -1, 257] {
        let mut damaged = bytes.clone();
        damaged[60..64].copy_from_slice(&i32::to_le_bytes(code));
        let expected = BinaryError::FittingType { given: code };
        assert_eq!(LabelledModel::from_bytes(&damaged), Err(expected));
    }
}

#[test]
fn matches_lie_on_the_side_of_the_label() {
    for fit_type in FitType::ALL {
        let model = fit(fit_type).model().clone();
        for threshold in [0.1, 0.5, 0.9] {
            let boundary = model.inv(threshold);
            assert!(model.predict_match(boundary + 1e-9, threshold));
            assert!(!model.predict_match(boundary - 1e-9, threshold));
            assert!((model.w_score(boundary) - threshold).abs() < 1e-12);
        }
        assert!(!model.predict_match(f64::NAN, 0.5) && !model.predict_match(9.0, 1.5));
    }
}

// Of p, not of 1 - p.
#[test]
fn the_inverse_of_a_small_probability_keeps_its_digits() {
    let model = fit(FitType::PositiveModel).model().clone();
    for exponent in [10, 30, 100, 300] {
        let p = 10f64.powi(-exponent);
        let w = model.w_score(model.inv(p));
        assert!((w / p - 1.0).abs() < 1e-9, "{p}: {w}");
    }
    assert_eq!(model.inv(0.0), f64::NEG_INFINITY);
    let parts = model.weibull().parts();
    assert_eq!(model.inv(1.0), parts.translate - parts.small_score);
}

#[test]
fn vectors_are_the_w_score_of_each() {
    for fit_type in FitType::ALL {
        let model = fit(fit_type).model().clone();
        let xs: Vec<f64> = (-100..100).map(|i| f64::from(i) / 10.0).collect();
        let mut out = vec![0.0; xs.len()];
        model.w_scores(&xs, &mut out).unwrap();
        for (x, w) in xs.iter().zip(&out) {
            assert!((w - model.w_score(*x)).abs() < 1e-12, "{fit_type} at {x}");
        }
        let error = model.w_scores(&xs, &mut out[1..]).unwrap_err();
        assert!(matches!(error, ParamError::Lengths { given: 199, .. }));
    }
}
