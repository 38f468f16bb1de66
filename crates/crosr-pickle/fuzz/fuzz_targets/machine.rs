//! The pickle machine: plain data alone, and with names, calls, references and states.
#![no_main]

mod dialect;
mod writer;

use std::fmt::Debug;

use crosr_pickle::{Dialect, Object, Pickle, PickleError, PlainData};
use dialect::Loose;
use libfuzzer_sys::fuzz_target;

/// Values held by all objects together.
fn n_values<D: Dialect>(pickle: &Pickle<'_, D>) -> usize {
    let held = pickle.objects.iter().map(|object| match object {
        Object::Tuple(items) | Object::List(items) | Object::Set(items) => items.len(),
        Object::Dict(entries) => 2 * entries.len(),
        Object::Made(_) => 1,
    });
    held.sum()
}

/// Everything that was read, as text: values are compared with NaNs equal.
fn shown<D: Dialect>(pickle: &Pickle<'_, D>) -> String {
    let parts: (&dyn Debug, &dyn Debug) = (&pickle.root, &pickle.objects);
    format!("{parts:?}")
}

/// Reads it, and again in the middle of a longer file; gives back what it says and where it ends.
fn read<D: Dialect>(data: &[u8]) -> Option<(String, usize)> {
    let pickle = Pickle::<D>::read(data, 0).ok()?;
    assert!(pickle.end <= data.len());
    // Every byte costs a bounded amount of memory.
    assert!(pickle.objects.len() <= data.len());
    assert!(n_values(&pickle) <= 4 * data.len());
    let shown = shown(&pickle);
    let longer = [b"NN(", data, b"]."].concat();
    let again = Pickle::<D>::read(&longer, 3).expect("read before");
    assert_eq!(again.end, pickle.end + 3);
    assert_eq!(self::shown(&again), shown);
    Some((shown, pickle.end))
}

fuzz_target!(|data: &[u8]| {
    let loose = read::<Loose>(data);
    let Some(plain) = read::<PlainData>(data) else {
        return;
    };
    // What needs no names means the same to whoever knows some.
    assert_eq!(loose, Some(plain));
    let Some(written) = Pickle::<PlainData>::read(data, 0)
        .ok()
        .and_then(|pickle| writer::write(&pickle))
    else {
        return;
    };
    // What is written out of what was read reads the same; only the nesting is counted anew.
    match Pickle::<PlainData>::read(&written, 0) {
        Ok(again) => {
            assert_eq!(again.end, written.len());
            assert_eq!(writer::write(&again), Some(written));
        }
        Err(error) => assert!(matches!(error, PickleError::Limit { .. }), "{error}"),
    }
});
