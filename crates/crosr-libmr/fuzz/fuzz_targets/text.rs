//! Any text is a model that answers without NaN and comes back from what it is written as, or an
//! error.
#![no_main]

mod common;

use crosr_libmr::{LabelledModel, Weibull};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let read = (LabelledModel::from_text(text), Weibull::from_text(text));
    if let Some(model) = common::checked(read.0, read.1)
        && let Ok(bytes) = model.to_bytes(&common::REPORT)
    {
        assert_eq!(LabelledModel::from_bytes(&bytes).as_ref(), Ok(&model));
    }
});
