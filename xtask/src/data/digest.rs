//! Checksums.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use md5::Md5;
use sha2::{Digest, Sha256};

/// What a file must be. At least one sum is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) md5: Option<String>,
    pub(crate) sha256: Option<String>,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) md5: String,
    pub(crate) sha256: String,
    pub(crate) size: u64,
}

/// A sum that is not the one it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) kind: &'static str,
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Expected {
    /// Compares every sum that is known, the stronger first.
    pub(crate) fn check(&self, found: &Digests) -> Result<(), Mismatch> {
        let pairs = [
            ("SHA-256", &self.sha256, &found.sha256),
            ("MD5", &self.md5, &found.md5),
        ];
        for (kind, expected, found) in pairs {
            match expected {
                Some(expected) if expected != found => {
                    return Err(Mismatch {
                        kind,
                        expected: expected.clone(),
                        found: found.clone(),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Both sums and the length of a file.
pub(crate) fn of_file(path: &Path) -> io::Result<Digests> {
    let mut file = File::open(path)?;
    let (mut md5, mut sha256, mut size) = (Md5::new(), Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        md5.update(&buffer[..count]);
        sha256.update(&buffer[..count]);
        size += count as u64;
    }
    Ok(Digests {
        md5: hex(&md5.finalize()),
        sha256: hex(&sha256.finalize()),
        size,
    })
}

/// The SHA-256 of a file.
pub(crate) fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut sink = Hashing::new(io::sink());
    io::copy(&mut File::open(path)?, &mut sink)?;
    Ok(sink.finish().1)
}

/// A writer that takes the SHA-256 of what passes through it.
pub(crate) struct Hashing<W> {
    inner: W,
    sha256: Sha256,
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            sha256: Sha256::new(),
        }
    }

    /// The writer again, and the sum in hexadecimal.
    pub(crate) fn finish(self) -> (W, String) {
        (self.inner, hex(&self.sha256.finalize()))
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
