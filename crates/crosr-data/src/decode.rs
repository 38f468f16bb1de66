//! PNG and JPEG files.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use image::{DynamicImage, ImageDecoder, ImageReader, Limits, metadata::Orientation};

use crate::error::{DataError, Result};
use crate::image::{Image, PixelFormat};

/// Most pixels of a picture that is decoded.
const MAX_PIXELS: u64 = 256_000_000;
/// Longest file, and most memory that decoding one picture may take.
pub(crate) const MAX_BYTES: u64 = 1 << 30;
/// Pixels, and bytes of a file, above which pictures are decoded one at a time: many threads with
/// one of these each would need more memory than there is.
const LARGE_PIXELS: u64 = 1 << 25;
const LARGE_BYTES: u64 = 1 << 26;
/// Held while a large picture is in memory.
static LARGE: Mutex<()> = Mutex::new(());

impl Image {
    /// Decodes a PNG or JPEG file; which of the two it is follows from its content.
    ///
    /// Any bit depth becomes 8 bits. Transparent parts count as their colour. A photograph that
    /// its EXIF data call turned is turned upright.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Io`], [`DataError::Picture`] for what is no such file
    /// or a damaged one, [`DataError::CutOff`] for a JPEG file that ends too early,
    /// [`DataError::TooLarge`] above 256 megapixels or 1 GiB. JPEG has no check sums: a wrong byte
    /// amid its pixels may go unnoticed.
    pub fn open(path: &Path) -> Result<Self> {
        open_and(path, |image| image)
    }
}

/// Decodes a picture as [`Image::open`] does and hands it on; large ones wait until no other one
/// is being decoded or used.
pub(crate) fn open_and<T>(path: &Path, then: impl FnOnce(Image) -> T) -> Result<T> {
    let unreadable = |source| DataError::unreadable(path, source);
    let about = fs::metadata(path).map_err(unreadable)?;
    let size = about.len();
    // Devices and pipes may have no end.
    if !about.is_file() {
        let what = io::Error::new(io::ErrorKind::InvalidInput, "not a file");
        return Err(unreadable(what));
    }
    if size > MAX_BYTES {
        return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
    }
    let guard = (size > LARGE_BYTES).then(alone);
    let bytes = fs::read(path).map_err(unreadable)?;
    decode_and(bytes, path, guard, then)
}

/// Decodes a picture in memory as [`Image::open`] does; `path` is named in errors.
pub(crate) fn decode(bytes: Vec<u8>, path: &Path) -> Result<Image> {
    let guard = (bytes.len() as u64 > LARGE_BYTES).then(alone);
    decode_and(bytes, path, guard, |image| image)
}

/// Waits until no other large picture is being decoded.
fn alone() -> MutexGuard<'static, ()> {
    // Whoever panicked with this in hand has left nothing behind.
    LARGE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn decode_and<T>(
    bytes: Vec<u8>,
    path: &Path,
    mut guard: Option<MutexGuard<'static, ()>>,
    then: impl FnOnce(Image) -> T,
) -> Result<T> {
    let unreadable = |source| DataError::unreadable(path, source);
    let undecodable = |source| DataError::Picture {
        path: path.to_owned(),
        source,
    };
    let size = bytes.len() as u64;
    if bytes.starts_with(&[0xFF, 0xD8]) && !jpeg_ends(&bytes) {
        return Err(DataError::CutOff {
            path: path.to_owned(),
            size,
        });
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(unreadable)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    // The header alone: a small file may claim to unpack to anything.
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS || decoder.total_bytes() > MAX_BYTES {
        return Err(DataError::TooLarge {
            path: path.to_owned(),
            width,
            height,
        });
    }
    if guard.is_none() && pixels > LARGE_PIXELS {
        guard = Some(alone());
    }
    // Damaged EXIF data do not make the pixels unreadable.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    decoded.apply_orientation(orientation);
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    let (format, pixels) = if decoded.color().has_color() {
        (PixelFormat::Rgb, decoded.into_rgb8().into_raw())
    } else {
        (PixelFormat::Grey, decoded.into_luma8().into_raw())
    };
    let result = Image::new(width, height, format, pixels).map(then);
    drop(guard);
    result
}

/// Whether JPEG data reach their end marker (ITU-T T.81, Annex B): the decoder fills up what is
/// missing without a word.
fn jpeg_ends(bytes: &[u8]) -> bool {
    // Past the start marker; an end marker inside a segment, as of a thumbnail, does not count.
    let mut at = 2;
    loop {
        // A marker is FF and a byte other than 00 and FF; FF before it is padding. Between
        // segments nothing else occurs, within pixels FF 00 and the restart markers D0..=D7 do.
        let Some(found) = bytes[at..].iter().position(|&byte| byte == 0xFF) else {
            return false;
        };
        at += found + 1;
        match bytes.get(at) {
            None => return false,
            Some(0xFF) => {}
            Some(0xD9) => return true,
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(_) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else {
                    return false;
                };
                at += 1 + usize::from(u16::from_be_bytes([high, low]));
                if at > bytes.len() {
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::jpeg_ends;

    #[test]
    fn an_end_marker_counts_outside_segments_only() {
        let start: &[u8] = &[0xFF, 0xD8];
        let thumbnail: &[u8] = &[0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        let scan: &[u8] = &[0xFF, 0xDA, 0, 3, 9, 7, 0xFF, 0, 0xFF, 0xD3, 5];
        let end: &[u8] = &[0xFF, 0xFF, 0xD9];
        let cases: [(&[&[u8]], bool); 8] = [
            (&[start], false),
            (&[start, end], true),
            (&[start, thumbnail], false),
            (&[start, thumbnail, scan], false),
            (&[start, thumbnail, scan, end], true),
            (&[start, scan, thumbnail, scan, end, &[1, 2]], true),
            (&[start, &thumbnail[..5]], false),
            (&[start, &[0xFF, 0xE1, 0]], false),
        ];
        for (parts, expected) in cases {
            assert_eq!(jpeg_ends(&parts.concat()), expected, "{parts:?}");
        }
        // A length of zero leads nowhere but on.
        assert!(!jpeg_ends(&[0xFF, 0xD8, 0xFF, 0xE1, 0, 0]));
    }
}
