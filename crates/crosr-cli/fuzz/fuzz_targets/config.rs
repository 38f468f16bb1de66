//! Config files: any text, and tables of known keys; recorded in a run folder, and read again.
#![no_main]

include!("house.rs");

use std::fs;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use run_folder::{RunFolder, with_config};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Values that some key or other takes.
const VALUES: [&str; 24] = [
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "0.5",
    "-0.0",
    "1e300",
    "1e-46",
    "inf",
    "nan",
    "true",
    "''",
    "'cpu'",
    "'cifar10'",
    "'one-cycle'",
    "'relu'",
    "'max'",
    "'shifted'",
    "\"\\u0000\\n\"",
    "[]",
    "['a', '']",
    "[1]",
    "1979-05-27T07:32:00Z",
    "{ a = 1 }",
];

/// A table of such keys as the arguments have, and sometimes another.
fn drawn<T: Default + Serialize>(table: &str, data: &[u8]) -> String {
    let defaults = serde_json::to_value(T::default()).expect("plain values");
    let keys: Vec<&String> = defaults.as_object().expect("a struct").keys().collect();
    let mut text = format!("[{table}]\n");
    let mut used = Vec::new();
    for pair in data.as_chunks::<2>().0 {
        let key = usize::from(pair[0]) % (keys.len() + 1);
        if !used.contains(&key) {
            used.push(key);
            let name = keys.get(key).map_or("other", |key| key.as_str());
            let value = VALUES[usize::from(pair[1]) % VALUES.len()];
            text.push_str(&format!("{name} = {value}\n"));
        }
    }
    text
}

fn check<T: Default + Serialize + DeserializeOwned>(table: &str, path: &Path) {
    match with_config(&T::default(), Some(path), table) {
        Ok(choices) => {
            let run = RunFolder::new(&folder().join("run"));
            run.record::<T>(table, &choices).expect("what was read");
            let again: T = run.recorded(table).expect("just recorded");
            let value = |choices: &T| serde_json::to_value(choices).expect("plain values");
            assert_eq!(value(&again), value(&choices));
        }
        Err(error) => assert_eq!(error.one_line().lines().count(), 1),
    }
}

fuzz_target!(|data: &[u8]| {
    let path = folder().join("config.toml");
    let place = |text: &[u8]| fs::write(&path, text).expect("writable");
    match data.split_first() {
        // No text begins with such a character.
        Some((0, pairs)) => {
            place(drawn::<args::TrainArgs>("train", pairs).as_bytes());
            check::<args::TrainArgs>("train", &path);
            place(drawn::<args::FitArgs>("fit", pairs).as_bytes());
            check::<args::FitArgs>("fit", &path);
            place(drawn::<args::EvalArgs>("eval", pairs).as_bytes());
            check::<args::EvalArgs>("eval", &path);
        }
        _ => {
            place(data);
            check::<args::TrainArgs>("train", &path);
            check::<args::FitArgs>("fit", &path);
            check::<args::EvalArgs>("eval", &path);
        }
    }
});
