//! Columns of numbers from files and standard input.

use std::io::Read;
use std::path::Path;

use super::column::{Column, parse};
use crate::error::{CliError, Result};
use crate::run_folder::read_text;

/// Reads a column; `-` is standard input. `column` is a header or a number counted from 1; without
/// it there is a number a line.
pub(crate) fn read_numbers(path: &Path, column: Option<&str>) -> Result<Vec<f64>> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(CliError::io(Path::new("standard input"), "read"))?;
        text
    } else {
        read_text(path)?
    };
    let column = match column {
        None => Column::Only,
        Some(number) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
            // A number too large for a position is one that no line has.
            Column::At(number.parse().unwrap_or(usize::MAX))
        }
        Some(name) => Column::Named(name),
    };
    parse(&text, column).map_err(|e| CliError::file(path, e.to_string()))
}
