//! A column of numbers: one a line, blank lines and lines that begin with # left out.

use std::io::Read;
use std::path::Path;

use crate::error::{CliError, Result};
use crate::run_folder::read_text;

/// Reads a column; `-` is standard input.
pub(crate) fn read_numbers(path: &Path) -> Result<Vec<f64>> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(CliError::io(Path::new("standard input"), "read"))?;
        text
    } else {
        read_text(path)?
    };
    parse_numbers(&text, path)
}

fn parse_numbers(text: &str, path: &Path) -> Result<Vec<f64>> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            line.parse().map_err(|_| {
                CliError::file(path, format!("line {number}: {line:?} is not a number"))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_left_out() {
        let numbers = parse_numbers("# distances\n1\n\n -2.5e3 \n", Path::new("x"));
        assert!(matches!(numbers.as_deref(), Ok([1.0, -2500.0])));
    }

    #[test]
    fn the_offending_line_is_named() {
        let error = parse_numbers("1\n\ntwo\n", Path::new("x.txt")).map_err(|e| e.one_line());
        assert_eq!(
            error,
            Err("x.txt: line 3: \"two\" is not a number".to_owned())
        );
    }
}
