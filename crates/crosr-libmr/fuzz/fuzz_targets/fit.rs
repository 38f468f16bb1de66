//! Any doubles are fitted to the required accuracy, or refused.
#![no_main]

use crosr_libmr::{FitError, TailSide, WeibullParams};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (doubles, rest) = bytes.as_chunks::<8>();
    let scores: Vec<f64> = doubles.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let tail_size = 2 + usize::from(rest.first().copied().unwrap_or(0));
    let side = [TailSide::High, TailSide::Low][rest.len() % 2];
    let translate = doubles.first().map_or(1.0, |b| f64::from_le_bytes(*b).abs());
    for translate in [1.0, translate] {
        let params = WeibullParams::new(tail_size).side(side).translate(translate);
        match params.check().map(|params| params.fit(&scores)) {
            Ok(Ok((weibull, report))) => {
                assert!(report.residual.is_finite());
                assert!((0.0..=1.0).contains(&weibull.w_score(scores[0])));
            }
            Ok(Err(error)) => assert!(!matches!(error, FitError::Solver { .. }), "{error}"),
            Err(_) => {}
        }
    }
});
