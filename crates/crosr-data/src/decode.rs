//! PNG and JPEG files.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits, metadata::Orientation};

use crate::error::{DataError, Result};
use crate::image::{Image, PixelFormat};

/// Most pixels of a picture that is decoded.
const MAX_PIXELS: u64 = 256_000_000;
/// Longest file, and most memory that decoding one picture may take.
const MAX_BYTES: u64 = 1 << 30;

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
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => DataError::Missing {
                path: path.to_owned(),
            },
            _ => DataError::Io {
                path: path.to_owned(),
                source,
            },
        };
        let undecodable = |source| DataError::Picture {
            path: path.to_owned(),
            source,
        };
        let size = fs::metadata(path).map_err(unreadable)?.len();
        if size > MAX_BYTES {
            return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
        }
        let bytes = fs::read(path).map_err(unreadable)?;
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
        if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_BYTES {
            return Err(DataError::TooLarge {
                path: path.to_owned(),
                width,
                height,
            });
        }
        // Damaged EXIF data do not make the pixels unreadable.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut decoded = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
        decoded.apply_orientation(orientation);
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        if decoded.color().has_color() {
            Self::new(
                width,
                height,
                PixelFormat::Rgb,
                decoded.into_rgb8().into_raw(),
            )
        } else {
            Self::new(
                width,
                height,
                PixelFormat::Grey,
                decoded.into_luma8().into_raw(),
            )
        }
    }
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
