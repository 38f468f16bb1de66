//! Reading the reference figures.

use std::{fs, path::PathBuf};

use crosr_libmr::TailSide;
use serde_json::Value;

/// The cases of a reference file: always the selection in `tests/data`, and the whole file
/// where the developers' folder of golden figures lies beside the checkout.
pub(crate) fn case_files(name: &str) -> Vec<Vec<Value>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let selection = root.join("tests/data").join(name);
    let whole = root.join("../../../shared/golden").join(name);
    let mut files = vec![read_cases(&selection)];
    if whole.exists() {
        files.push(read_cases(&whole));
    } else {
        eprintln!(
            "skipped: {} is not there, only the selection was tested",
            whole.display()
        );
    }
    files
}

fn read_cases(path: &PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let cases: Vec<Value> = serde_json::from_value(document["cases"].take()).unwrap();
    assert!(!cases.is_empty(), "{} holds no case", path.display());
    cases
}

/// A number, or the string of a non-finite one.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        other => other
            .as_f64()
            .unwrap_or_else(|| panic!("no number: {other}")),
    }
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

pub(crate) fn side(case: &Value) -> TailSide {
    match case["direction"].as_str().unwrap() {
        "high" => TailSide::High,
        "low" => TailSide::Low,
        other => panic!("direction {other}"),
    }
}
