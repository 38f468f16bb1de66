//! Any bytes are a model that answers without NaN and comes back from what it is written as, or an
//! error.
#![no_main]

mod common;

use crosr_libmr::{LabelledModel, Weibull};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = (LabelledModel::from_bytes(bytes), Weibull::from_bytes(bytes));
    if let Some(model) = common::checked(read.0, read.1) {
        let again = model
            .to_bytes(&common::REPORT)
            .expect("what the form held fits into it");
        assert_eq!(LabelledModel::from_bytes(&again).as_ref(), Ok(&model));
    }
});
