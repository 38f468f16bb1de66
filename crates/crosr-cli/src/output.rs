//! Standard output: JSON lines and text, with a closed pipe as an ordinary end.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::error::{CliError, Result};

/// Prints one JSON value and a newline.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<()> {
    let mut line = serde_json::to_vec(value)
        .map_err(|e| CliError::Output(std::io::Error::new(ErrorKind::InvalidData, e)))?;
    line.push(b'\n');
    bytes(&line)
}

/// Prints text as it is.
pub(crate) fn text(text: &str) -> Result<()> {
    bytes(text.as_bytes())
}

/// Prints bytes as they are.
pub(crate) fn bytes(content: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(content).and_then(|()| out.flush()) {
        // Whoever read this had enough, as `head` does.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        other => other.map_err(CliError::Output),
    }
}
