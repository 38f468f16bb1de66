//! What the targets of libMR's forms share.

use std::sync::LazyLock;

use crosr_libmr::{FitReport, LabelledModel, Weibull, WeibullParams};

/// The report of some fit: bounds are written from it.
pub static REPORT: LazyLock<FitReport> = LazyLock::new(|| {
    let params = WeibullParams::new(4).check().expect("a valid tail size");
    params
        .fit(&[1.0, 2.5, 4.0, 4.5, 7.0])
        .expect("scores with spread")
        .1
});

/// Checks what was read as a labelled and as a plain model against each other; gives back a model
/// that answers without NaN, if there is one.
pub fn checked<A, B>(
    model: Result<LabelledModel, A>,
    plain: Result<Weibull, B>,
) -> Option<LabelledModel> {
    // A plain model is one that need not be turned round; nothing else is refused.
    match (&model, plain) {
        (Ok(model), Ok(plain)) => assert_eq!(model.weibull(), &plain),
        (Ok(model), Err(_)) => assert!(!model.fit_type().fits_others()),
        // Not compared: an error may carry a NaN.
        (Err(_), plain) => assert!(plain.is_err()),
    }
    let model = model.ok()?;
    for x in [-1e300, -1.0, 0.0, 1.0, 1e300] {
        assert!((0.0..=1.0).contains(&model.w_score(x)), "{model:?} {x}");
        assert!(model.weibull().pdf(x) >= 0.0, "{model:?} {x}");
    }
    assert!(!model.inv(0.5).is_nan());
    assert_eq!(
        Weibull::from_parts(model.weibull().parts()).as_ref(),
        Ok(model.weibull())
    );
    let line = model.to_text(&REPORT);
    assert_eq!(
        LabelledModel::from_text(&line).as_ref(),
        Ok(&model),
        "{line}"
    );
    Some(model)
}
