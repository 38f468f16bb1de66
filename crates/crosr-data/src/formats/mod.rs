//! Readers of file formats: bytes of any origin in, plain arrays or an error out.

pub(crate) mod idx;
pub(crate) mod mat;
pub(crate) mod numpy;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::error::{DataError, Result};

/// Most bytes of one array: a few times the largest published one (SVHN's extra digits, 1.6 GB).
pub(crate) const MAX_BYTES: u64 = 8 << 30;

/// Opens a file for reading from its start.
pub(crate) fn open(path: &Path) -> Result<BufReader<File>> {
    let unreadable = |source| DataError::unreadable(path, source);
    let file = File::open(path).map_err(unreadable)?;
    // Devices and pipes may have no end.
    if !file.metadata().map_err(unreadable)?.is_file() {
        let what = io::Error::new(io::ErrorKind::InvalidInput, "not a file");
        return Err(unreadable(what));
    }
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// Whether what comes next is gzipped.
pub(crate) fn is_gzipped(reader: &mut impl BufRead, path: &Path) -> Result<bool> {
    let start = reader.fill_buf().map_err(|source| damaged(path, source))?;
    Ok(start.starts_with(&[0x1F, 0x8B]))
}

/// A file of text.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData => malformed(path, "no text"),
        _ => DataError::unreadable(path, source),
    })
}

/// Names that stand a line each.
pub(crate) fn names(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What is wrong with the content of a file.
pub(crate) fn malformed(path: &Path, what: impl Into<String>) -> DataError {
    DataError::Malformed {
        path: path.to_owned(),
        what: what.into(),
    }
}

/// Exactly `len` bytes, taking memory only as they come: a header may claim anything.
pub(crate) fn read_exactly(
    reader: &mut impl Read,
    len: u64,
    path: &Path,
    what: &str,
) -> Result<Vec<u8>> {
    if len > MAX_BYTES {
        return Err(malformed(
            path,
            format!("{what}: {len} bytes are claimed, more than {MAX_BYTES} are not read"),
        ));
    }
    let mut bytes = Vec::with_capacity(len.min(1 << 20) as usize);
    let read = reader.take(len).read_to_end(&mut bytes);
    read.map_err(|source| damaged(path, source))?;
    if bytes.len() as u64 != len {
        let found = bytes.len();
        return Err(malformed(
            path,
            format!("{what}: cut off after {found} of {len} bytes"),
        ));
    }
    Ok(bytes)
}

/// A failure to read on: damaged compressed data, or the system's.
pub(crate) fn damaged(path: &Path, source: io::Error) -> DataError {
    match source.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            malformed(path, format!("damaged compressed data ({source})"))
        }
        io::ErrorKind::UnexpectedEof => malformed(path, "cut off"),
        _ => DataError::unreadable(path, source),
    }
}
