//! Any doubles are fitted to the required accuracy, or refused: plain, in another order, as
//! `f32`, and with weights and censoring.
#![no_main]

use crosr_libmr::{CheckedParams, FitError, FitReport, Sample, TailSide, Weibull, WeibullParams};

type Fit = Result<(Weibull, FitReport), FitError>;

/// A fit answers without NaN; what is refused has a reason in the input.
fn check(fit: &Fit, scores: &[f64]) {
    match fit {
        Ok((weibull, report)) => {
            assert!(report.residual < 1e-9, "{report:?}");
            assert!(report.log_likelihood.is_finite(), "{report:?}");
            assert!(!weibull.inv(0.5).is_nan(), "{weibull:?}");
            let extreme = weibull.side().sign() * f64::MAX;
            assert!(weibull.w_score(extreme) >= weibull.w_score(-extreme));
            for x in scores {
                assert!(
                    (0.0..=1.0).contains(&weibull.w_score(*x)),
                    "{weibull:?} {x}"
                );
                assert!(weibull.pdf(*x) >= 0.0, "{weibull:?} {x}");
            }
        }
        Err(error) => assert!(
            !matches!(
                error,
                FitError::Solver { .. } | FitError::NotConverged { .. }
            ),
            "{error}"
        ),
    }
}

fn fits(params: CheckedParams, scores: &[f64], rest: &[u8]) {
    let fit = params.fit(scores);
    check(&fit, scores);
    let reversed: Vec<f64> = scores.iter().rev().copied().collect();
    assert_eq!(fit.as_ref().ok(), params.fit(&reversed).as_ref().ok());
    let singles: Vec<f32> = scores.iter().map(|x| *x as f32).collect();
    check(&params.fit_f32(&singles), scores);

    // The last bytes, over and over, say what a score weighs and whether it is censored.
    let bytes = || rest.iter().cycle().zip(scores).map(|(byte, _)| *byte);
    let weights: Vec<f64> = bytes().map(|byte| f64::from(byte & 0x7f)).collect();
    let censored: Vec<bool> = bytes().map(|byte| byte & 0x80 != 0).collect();
    if weights.len() == scores.len() {
        let sample = Sample::new(scores).weights(&weights).censored(&censored);
        check(&params.fit_sample(&sample), scores);
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (doubles, rest) = bytes.as_chunks::<8>();
    let scores: Vec<f64> = doubles.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let tail_size = 2 + usize::from(rest.first().copied().unwrap_or(0));
    let side = [TailSide::High, TailSide::Low][rest.len() % 2];
    let translate = scores.first().map_or(1.0, |x| x.abs());
    for translate in [1.0, translate] {
        let params = WeibullParams::new(tail_size)
            .side(side)
            .translate(translate);
        if let Ok(params) = params.check() {
            fits(params, &scores, rest);
        }
    }
});
