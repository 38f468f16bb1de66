//! MATLAB's level-5 MAT files: full numeric arrays, compressed or not (MathWorks, "MAT-File
//! Format", chapter 1). Nothing else is in the datasets that come as such files.

use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::ZlibDecoder;

use super::{damaged, malformed, open, read_exactly};
use crate::error::Result;

const HEADER: usize = 128;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
/// Most dimensions of an array, and longest name, that are read.
const MAX_DIMENSIONS: u64 = 32;
const MAX_NAME: u64 = 256;

/// An array of bytes; the first index runs fastest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ByteArray {
    pub(crate) name: String,
    pub(crate) sizes: Vec<usize>,
    pub(crate) values: Vec<u8>,
}

/// Reads the arrays called `names`, in that order.
///
/// # Errors
/// Whatever is wrong with the file, an array that is not there, or one that holds other numbers
/// than 0 to 255.
pub(crate) fn read<const N: usize>(path: &Path, names: [&str; N]) -> Result<[ByteArray; N]> {
    parse(open(path)?, path, names)
}

/// [`read`], of bytes that come from anywhere; `path` is for errors.
pub(crate) fn parse<const N: usize>(
    mut reader: impl Read,
    path: &Path,
    names: [&str; N],
) -> Result<[ByteArray; N]> {
    let header = read_exactly(&mut reader, HEADER as u64, path, "the header")?;
    if header.starts_with(b"MATLAB 7.3") {
        let what = "a MAT file of version 7.3; save it with -v7";
        return Err(malformed(path, what));
    }
    match &header[124..] {
        // Version 0x0100, little-endian.
        [0x00, 0x01, b'I', b'M'] => {}
        [0x01, 0x00, b'M', b'I'] => {
            return Err(malformed(
                path,
                "a big-endian MAT file; save it on another machine",
            ));
        }
        _ => return Err(malformed(path, "no MAT file of level 5")),
    }
    let mut found: [Option<ByteArray>; N] = [const { None }; N];
    while let Some(absent) = found.iter().position(Option::is_none) {
        let Some(tag) = Tag::read(&mut reader, path)? else {
            let name = names[absent];
            return Err(malformed(path, format!("no array called {name:?}")));
        };
        let mut element = (&mut reader).take(u64::from(tag.bytes));
        let array = match tag.kind {
            MATRIX => matrix(&mut element, path, &names)?,
            COMPRESSED => compressed_matrix(&mut element, path, &names)?,
            _ => None,
        };
        if let Some(array) = array
            && let Some(place) = names.iter().position(|&name| name == array.name)
        {
            found[place] = Some(array);
        }
        // What was not asked for, and padding; compressed elements have none.
        let rest = io::copy(&mut element, &mut io::sink());
        rest.map_err(|source| damaged(path, source))?;
        if element.limit() > 0 {
            return Err(malformed(path, "cut off within an array"));
        }
        if tag.kind != COMPRESSED {
            skip(&mut reader, padding(tag.bytes), path)?;
        }
    }
    Ok(found.map(Option::unwrap_or_default))
}

/// A matrix element in a compressed one, if it is one of those wanted.
fn compressed_matrix(
    element: &mut impl Read,
    path: &Path,
    names: &[&str],
) -> Result<Option<ByteArray>> {
    let mut inner = BufReader::new(ZlibDecoder::new(element));
    let bytes = match Tag::read(&mut inner, path)? {
        Some(tag) if tag.kind == MATRIX => tag.bytes,
        _ => return Ok(None),
    };
    let array = matrix(&mut (&mut inner).take(u64::from(bytes)), path, names)?;
    if array.is_some() {
        // To the end, where the check sum is.
        let beyond = io::copy(&mut inner.take(9), &mut io::sink());
        if beyond.map_err(|source| damaged(path, source))? > 8 {
            return Err(malformed(path, "an array that goes on after its end"));
        }
    }
    Ok(array)
}

/// What an element says of itself.
struct Tag {
    kind: u32,
    bytes: u32,
    /// The content of a small element, which shares the tag's eight bytes.
    small: Option<[u8; 4]>,
}

impl Tag {
    /// The next tag; `None` at the end of the file.
    fn read(reader: &mut impl Read, path: &Path) -> Result<Option<Self>> {
        let mut bytes = Vec::with_capacity(8);
        let read = reader.take(8).read_to_end(&mut bytes);
        read.map_err(|source| damaged(path, source))?;
        let &[a, b, c, d, e, f, g, h] = bytes.as_slice() else {
            return match bytes.len() {
                0 => Ok(None),
                _ => Err(malformed(path, "cut off within a tag")),
            };
        };
        let (low, high) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        if high == 0 {
            return Ok(Some(Self {
                kind: u32::from(low),
                bytes: u32::from_le_bytes([e, f, g, h]),
                small: None,
            }));
        }
        if high > 4 {
            return Err(malformed(path, format!("a small element of {high} bytes")));
        }
        Ok(Some(Self {
            kind: u32::from(low),
            bytes: u32::from(high),
            small: Some([e, f, g, h]),
        }))
    }
}

/// Bytes that follow an element of `bytes` bytes, so that the next one begins at a multiple of 8.
fn padding(bytes: u32) -> u64 {
    u64::from(bytes.wrapping_neg() % 8)
}

fn skip(reader: &mut impl Read, len: u64, path: &Path) -> Result<()> {
    let skipped = io::copy(&mut reader.take(len), &mut io::sink());
    skipped.map(|_| ()).map_err(|source| damaged(path, source))
}

/// A matrix element, if it is one of those wanted.
fn matrix(reader: &mut impl Read, path: &Path, names: &[&str]) -> Result<Option<ByteArray>> {
    let (_, flags) = part(reader, path, 8, "array flags")?;
    // The class in the lowest byte; complex numbers have the bit 0x0800.
    let (class, complex) = match flags.as_slice() {
        [class, flags, ..] => (*class, flags & 0x08 != 0),
        _ => return Err(malformed(path, "an array without flags")),
    };
    let (_, dimensions) = part(reader, path, 4 * MAX_DIMENSIONS, "dimensions")?;
    let (_, name) = part(reader, path, MAX_NAME, "a name")?;
    let name = String::from_utf8_lossy(&name).into_owned();
    if !names.contains(&name.as_str()) {
        return Ok(None);
    }
    // Full arrays of numbers: double (6) to 64-bit integers (15).
    if !(6..=15).contains(&class) || complex {
        return Err(malformed(
            path,
            format!("{name}: no full array of real numbers"),
        ));
    }
    let sizes: Vec<usize> = dimensions
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&size| u32::from_le_bytes(size) as usize)
        .collect();
    let count = sizes
        .iter()
        .fold(1u64, |count, &size| count.saturating_mul(size as u64));
    let (kind, values) = part(reader, path, count.saturating_mul(8), &name)?;
    let values = as_bytes(kind, values)
        .ok_or_else(|| malformed(path, format!("{name}: other numbers than 0 to 255")))?;
    if values.len() as u64 != count {
        let found = values.len();
        return Err(malformed(
            path,
            format!("{name}: {found} numbers, its sizes ask for {count}"),
        ));
    }
    Ok(Some(ByteArray {
        name,
        sizes,
        values,
    }))
}

/// An element inside a matrix, of at most `most` bytes, with its padding: type and content.
fn part(reader: &mut impl Read, path: &Path, most: u64, what: &str) -> Result<(u32, Vec<u8>)> {
    let cut_off = || malformed(path, format!("cut off before {what}"));
    let tag = Tag::read(reader, path)?.ok_or_else(cut_off)?;
    if let Some(content) = tag.small {
        return Ok((tag.kind, content[..tag.bytes as usize].to_vec()));
    }
    if u64::from(tag.bytes) > most {
        let bytes = tag.bytes;
        return Err(malformed(
            path,
            format!("{what}: {bytes} bytes, at most {most} make sense"),
        ));
    }
    let content = read_exactly(reader, u64::from(tag.bytes), path, what)?;
    skip(reader, padding(tag.bytes), path)?;
    Ok((tag.kind, content))
}

/// Numbers of a storage type as bytes, where they all are.
fn as_bytes(kind: u32, values: Vec<u8>) -> Option<Vec<u8>> {
    /// Converts numbers of `N` bytes; none may be left over.
    fn each<const N: usize>(
        values: &[u8],
        byte: impl Fn([u8; N]) -> Option<u8>,
    ) -> Option<Vec<u8>> {
        match values.as_chunks::<N>() {
            (numbers, []) => numbers.iter().map(|&number| byte(number)).collect(),
            _ => None,
        }
    }
    let whole = |number: f64| {
        let byte = number as u8;
        (f64::from(byte) == number).then_some(byte)
    };
    match kind {
        1 => each(&values, |n| u8::try_from(i8::from_le_bytes(n)).ok()),
        2 => Some(values),
        3 => each(&values, |n| u8::try_from(i16::from_le_bytes(n)).ok()),
        4 => each(&values, |n| u8::try_from(u16::from_le_bytes(n)).ok()),
        5 => each(&values, |n| u8::try_from(i32::from_le_bytes(n)).ok()),
        6 => each(&values, |n| u8::try_from(u32::from_le_bytes(n)).ok()),
        7 => each(&values, |n| whole(f64::from(f32::from_le_bytes(n)))),
        9 => each(&values, |n| whole(f64::from_le_bytes(n))),
        12 => each(&values, |n| u8::try_from(i64::from_le_bytes(n)).ok()),
        13 => each(&values, |n| u8::try_from(u64::from_le_bytes(n)).ok()),
        _ => None,
    }
}
