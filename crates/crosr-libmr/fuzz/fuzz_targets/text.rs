//! Any text is a model that answers without NaN, or an error.
#![no_main]

use crosr_libmr::Weibull;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(weibull) = Weibull::from_text(text) {
        assert!((0.0..=1.0).contains(&weibull.w_score(1.0)));
        assert!(!weibull.inv(0.5).is_nan());
        assert_eq!(Weibull::from_parts(weibull.parts()), Ok(weibull));
    }
});
