//! Two files in one: what comes apart goes together again, and the other way round.
#![no_main]

include!("house.rs");

use std::path::Path;

use formats::bundle::{bundle, unbundle};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::change_safetensors(data, size, max_size, seed)
});

fn contains(data: &[u8], text: &[u8]) -> bool {
    data.windows(text.len()).any(|window| window == text)
}

fuzz_target!(|data: &[u8]| {
    let path = Path::new("both");
    if let Ok((weights, openset)) = unbundle(data, path) {
        let both = bundle(&weights, &openset, path).expect("both were written");
        let again = unbundle(&both, path).expect("just bundled");
        assert_eq!(again, (weights, openset));
    } else if let Ok(both) = bundle(data, data, path) {
        // Names with the prefix of the other half, escaped ones too, can take each other's place.
        let ambiguous = contains(data, b"openset") || contains(data, b"\\");
        if let Ok((first, second)) = unbundle(&both, path)
            && !ambiguous
        {
            assert_eq!(first, second);
            assert_eq!(bundle(&first, &second, path).expect("as before"), both);
        }
    }
});
