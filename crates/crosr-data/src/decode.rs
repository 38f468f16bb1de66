//! PNG and JPEG files.

use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits, metadata::Orientation};

use crate::error::{DataError, Result};
use crate::image::{Image, PixelFormat};

/// Most pixels of a picture that is decoded.
const MAX_PIXELS: u64 = 256_000_000;
/// Most memory that decoding one picture may take.
const MAX_BYTES: u64 = 1 << 30;

impl Image {
    /// Decodes a PNG or JPEG file; which of the two it is follows from its content.
    ///
    /// Any bit depth becomes 8 bits. Transparent parts count as their colour. A photograph that
    /// its EXIF data call turned is turned upright.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Io`], [`DataError::Picture`] for what is no such file
    /// or a damaged one, [`DataError::TooLarge`] above 256 megapixels or 1 GiB.
    pub fn open(path: &Path) -> Result<Self> {
        let unreadable = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => DataError::Missing {
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
        let mut reader = ImageReader::open(path)
            .map_err(unreadable)?
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
