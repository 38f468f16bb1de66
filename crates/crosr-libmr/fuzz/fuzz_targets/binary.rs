//! Any bytes are a model that answers without NaN and comes back from what it is written as, or an
//! error.
#![no_main]

use std::sync::LazyLock;

use crosr_libmr::{FitReport, LabelledModel, Weibull, WeibullParams};

/// The report of some fit: bounds are written from it.
static REPORT: LazyLock<FitReport> = LazyLock::new(|| {
    let params = WeibullParams::new(4).check().expect("a valid tail size");
    params
        .fit(&[1.0, 2.5, 4.0, 4.5, 7.0])
        .expect("scores with spread")
        .1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let model = LabelledModel::from_bytes(bytes);
    // A plain model is one that need not be turned round; nothing else is refused.
    match (&model, Weibull::from_bytes(bytes)) {
        (Ok(model), Ok(plain)) => assert_eq!(model.weibull(), &plain),
        (Ok(model), Err(_)) => assert!(!model.fit_type().fits_others()),
        // Not compared: an error may carry a NaN.
        (Err(_), plain) => assert!(plain.is_err()),
    }
    if let Ok(model) = model {
        for x in [-1e300, -1.0, 0.0, 1.0, 1e300] {
            assert!((0.0..=1.0).contains(&model.w_score(x)), "{model:?} {x}");
            assert!(model.weibull().pdf(x) >= 0.0, "{model:?} {x}");
        }
        assert!(!model.inv(0.5).is_nan());
        assert_eq!(
            Weibull::from_parts(model.weibull().parts()).as_ref(),
            Ok(model.weibull())
        );
        let again = model
            .to_bytes(&REPORT)
            .expect("what the form held fits into it");
        assert_eq!(LabelledModel::from_bytes(&again).as_ref(), Ok(&model));
        let line = model.to_text(&REPORT);
        assert_eq!(
            LabelledModel::from_text(&line).as_ref(),
            Ok(&model),
            "{line}"
        );
    }
});
