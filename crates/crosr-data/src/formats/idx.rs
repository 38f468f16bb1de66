//! IDX files: arrays of bytes behind a header of big-endian sizes, plain or gzipped (LeCun et al.,
//! "The MNIST database", file formats).

use std::io::Read;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::{MAX_BYTES, damaged, is_gzipped, malformed, open, read_exactly};
use crate::error::Result;

/// The type code of unsigned bytes, the only one that pictures and labels have.
const UNSIGNED_BYTE: u8 = 0x08;

/// Reads an array of bytes with `N` dimensions.
///
/// # Errors
/// Whatever is wrong with the file.
pub(crate) fn read<const N: usize>(path: &Path) -> Result<([usize; N], Vec<u8>)> {
    let mut file = open(path)?;
    if is_gzipped(&mut file, path)? {
        parse(&mut MultiGzDecoder::new(file), path)
    } else {
        parse(&mut file, path)
    }
}

/// [`read`], of bytes that come from anywhere; `path` is for errors.
pub(crate) fn parse<const N: usize>(
    reader: &mut impl Read,
    path: &Path,
) -> Result<([usize; N], Vec<u8>)> {
    let mut magic = [0; 4];
    let whole = reader.read_exact(&mut magic);
    whole.map_err(|source| damaged(path, source))?;
    let [zero, also_zero, kind, dimensions] = magic;
    if (zero, also_zero) != (0, 0) {
        return Err(malformed(
            path,
            format!("no IDX file, it begins with {magic:02x?}"),
        ));
    }
    if kind != UNSIGNED_BYTE || usize::from(dimensions) != N {
        return Err(malformed(
            path,
            format!(
                "{dimensions} dimensions of type 0x{kind:02x}, {N} of unsigned bytes (0x08) are \
                 expected; are pictures and labels mixed up?"
            ),
        ));
    }
    let mut sizes = [0; N];
    let mut total = 1u64;
    for size in &mut sizes {
        let mut bytes = [0; 4];
        let whole = reader.read_exact(&mut bytes);
        whole.map_err(|source| damaged(path, source))?;
        let value = u32::from_be_bytes(bytes);
        total = total.saturating_mul(u64::from(value));
        *size = value as usize;
    }
    if total == 0 || total > MAX_BYTES {
        let sizes = sizes.map(|size| size.to_string()).join(" x ");
        return Err(malformed(path, format!("an array of {sizes} bytes")));
    }
    let values = read_exactly(reader, total, path, "the array")?;
    let mut beyond = [0];
    match reader.read(&mut beyond) {
        Ok(0) => Ok((sizes, values)),
        Ok(_) => Err(malformed(
            path,
            format!("more than the {total} bytes its header states"),
        )),
        Err(source) => Err(damaged(path, source)),
    }
}
