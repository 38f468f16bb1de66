//! Columns of numbers out of any text.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../src/formats/column.rs"]
mod column;

use column::{Column, ColumnError, parse};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // A table's lines may end in a carriage return alone.
    let lines = 1 + text.matches(['\n', '\r']).count();
    for column in [
        Column::Only,
        Column::At(1),
        Column::At(3),
        Column::Named("b"),
    ] {
        if let Ok(numbers) = parse(text, column) {
            assert!(
                numbers.len() <= lines,
                "{} numbers in {lines} lines",
                numbers.len()
            );
        }
    }
    // What is written a number a line reads back as it was.
    if let Ok(numbers) = parse(text, Column::Only) {
        let written: String = numbers.iter().map(|n| format!("{n}\n")).collect();
        let again = parse(&written, Column::Only).unwrap();
        assert!(
            numbers
                .iter()
                .zip(&again)
                .all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan())
        );
        let table = parse(&written, Column::At(1)).map(|numbers| numbers.len());
        if numbers.is_empty() {
            assert_eq!(table, Err(ColumnError::Empty));
        } else {
            assert_eq!(table, Ok(numbers.len()));
        }
    }
});
