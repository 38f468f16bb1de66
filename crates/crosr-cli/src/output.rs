//! Standard output: JSON lines and text, with a closed pipe as an ordinary end. Standard error:
//! lines that nobody need read.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::error::{CliError, Result};

/// Prints one JSON value and a newline.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<()> {
    bytes(&line_of(value)?)
}

fn line_of<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)
        .map_err(|e| CliError::Output(std::io::Error::new(ErrorKind::InvalidData, e)))?;
    line.push(b'\n');
    Ok(line)
}

/// Prints text as it is.
pub(crate) fn text(text: &str) -> Result<()> {
    bytes(text.as_bytes())
}

/// Prints bytes as they are.
pub(crate) fn bytes(content: &[u8]) -> Result<()> {
    match written(content) {
        // Whoever read this had enough, as `head` does.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        other => other.map_err(CliError::Output),
    }
}

/// Prints a line of the log of work that is not done yet: that nobody reads it any longer is an
/// error here, for it would end the work.
pub(crate) fn log(text: &str) -> Result<()> {
    written(text.as_bytes()).map_err(CliError::Output)
}

/// Prints a line of such a log as JSON.
pub(crate) fn log_json<T: Serialize>(value: &T) -> Result<()> {
    written(&line_of(value)?).map_err(CliError::Output)
}

fn written(content: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(content)?;
    out.flush()
}

/// A line on standard error, for whoever is there.
pub(crate) fn aside(line: &str) {
    // `eprintln!` would panic where nobody is.
    writeln!(std::io::stderr().lock(), "{line}").ok();
}
