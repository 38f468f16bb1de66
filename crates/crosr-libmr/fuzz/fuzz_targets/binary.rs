//! Any bytes are a model that answers without NaN, or an error.
#![no_main]

use crosr_libmr::Weibull;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(weibull) = Weibull::from_bytes(bytes) {
        assert!((0.0..=1.0).contains(&weibull.w_score(1.0)));
        assert!(!weibull.inv(0.5).is_nan());
        assert_eq!(Weibull::from_parts(weibull.parts()), Ok(weibull));
    }
});
