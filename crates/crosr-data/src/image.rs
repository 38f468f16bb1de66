//! Pictures in main memory.

use crate::error::{DataError, Result};

/// What a pixel consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// One byte: luminance.
    Grey,
    /// Three bytes: red, green, blue.
    Rgb,
}

impl PixelFormat {
    /// Bytes per pixel.
    pub fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

/// An 8-bit picture: rows from top to bottom, pixels from left to right, channels interleaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    format: PixelFormat,
    pixels: Vec<u8>,
}

impl Image {
    /// A picture of `width * height` pixels.
    ///
    /// # Errors
    /// [`DataError::PixelCount`] when `pixels` has another length, or a side is zero.
    pub fn new(width: usize, height: usize, format: PixelFormat, pixels: Vec<u8>) -> Result<Self> {
        let expected = width.saturating_mul(height).saturating_mul(format.channels());
        if pixels.len() != expected || expected == 0 {
            return Err(DataError::PixelCount { found: pixels.len(), expected, width, height });
        }
        Ok(Self { width, height, format, pixels })
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// What a pixel consists of.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// All bytes, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The same picture with three channels.
    #[must_use]
    pub fn to_rgb(self) -> Self {
        match self.format {
            PixelFormat::Rgb => self,
            PixelFormat::Grey => Self {
                pixels: self.pixels.iter().flat_map(|&v| [v, v, v]).collect(),
                format: PixelFormat::Rgb,
                ..self
            },
        }
    }

    /// The picture in another size, by bilinear interpolation between pixel centres; when it
    /// shrinks, each new pixel averages the old ones under a triangle of twice its width, so that
    /// fine detail does not alias.
    #[must_use]
    pub fn resize(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let channels = self.format.channels();
        let across = taps(self.width, width);
        let down = taps(self.height, height);
        // Rows first, then columns: a separable filter.
        let mut rows = vec![0.0f32; self.height * width * channels];
        for y in 0..self.height {
            let source = &self.pixels[y * self.width * channels..][..self.width * channels];
            for (x, (first, weights)) in across.iter().enumerate() {
                for c in 0..channels {
                    let sum: f32 = weights
                        .iter()
                        .enumerate()
                        .map(|(k, weight)| weight * f32::from(source[(first + k) * channels + c]))
                        .sum();
                    rows[(y * width + x) * channels + c] = sum;
                }
            }
        }
        let stride = width * channels;
        let mut pixels = Vec::with_capacity(height * stride);
        for (first, weights) in &down {
            for i in 0..stride {
                let sum: f32 = weights
                    .iter()
                    .enumerate()
                    .map(|(k, weight)| weight * rows[(first + k) * stride + i])
                    .sum();
                pixels.push((sum + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
        Self { width, height, format: self.format, pixels }
    }

    /// The middle `width * height` pixels; a picture that is smaller is first enlarged, keeping
    /// its proportions, until it covers them.
    #[must_use]
    pub fn center_crop(&self, width: usize, height: usize) -> Self {
        if self.width < width || self.height < height {
            let factor = (width as f64 / self.width as f64).max(height as f64 / self.height as f64);
            let enlarged = |side: usize, least: usize| {
                ((side as f64 * factor).round() as usize).max(least)
            };
            let (w, h) = (enlarged(self.width, width), enlarged(self.height, height));
            return self.resize(w, h).center_crop(width, height);
        }
        let channels = self.format.channels();
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        let mut pixels = Vec::with_capacity(width * height * channels);
        for y in top..top + height {
            let start = (y * self.width + left) * channels;
            pixels.extend_from_slice(&self.pixels[start..start + width * channels]);
        }
        Self { width, height, format: self.format, pixels }
    }
}

/// For each of `to` positions: the first of `from` positions that it depends on, and the weights.
fn taps(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let step = from as f64 / to as f64;
    let reach = step.max(1.0);
    (0..to)
        .map(|position| {
            let centre = (position as f64 + 0.5) * step;
            let first = ((centre - reach).floor().max(0.0) as usize).min(from - 1);
            let last = ((centre + reach).ceil() as usize).clamp(first + 1, from);
            let weights: Vec<f64> = (first..last)
                .map(|k| (1.0 - ((k as f64 + 0.5 - centre) / reach).abs()).max(0.0))
                .collect();
            let total: f64 = weights.iter().sum();
            (first, weights.iter().map(|w| (w / total) as f32).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Image {
        let pixels = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [x as u8 * 10, y as u8 * 20, 7]))
            .collect();
        Image::new(width, height, PixelFormat::Rgb, pixels).expect("sizes fit")
    }

    #[test]
    fn pixels_must_fill_the_picture() {
        let wrong = Image::new(2, 2, PixelFormat::Rgb, vec![0; 11]);
        assert!(matches!(wrong, Err(DataError::PixelCount { found: 11, expected: 12, .. })));
        assert!(Image::new(0, 3, PixelFormat::Grey, vec![]).is_err());
    }

    #[test]
    fn shrinking_by_two_keeps_a_constant_and_a_ramp() {
        let flat = Image::new(8, 8, PixelFormat::Grey, vec![93; 64]).expect("sizes fit");
        assert!(flat.resize(4, 4).pixels().iter().all(|&v| v == 93));
        let small = ramp(8, 8).resize(4, 4);
        // Away from the border the middle of a ramp stays where it was.
        assert_eq!(small.pixels()[(4 + 1) * 3..][..3], [25, 50, 7]);
    }

    #[test]
    fn enlarging_interpolates_between_centres() {
        let two = Image::new(2, 1, PixelFormat::Grey, vec![0, 100]).expect("sizes fit");
        assert_eq!(two.resize(4, 1).pixels(), [0, 25, 75, 100]);
    }

    #[test]
    fn cropping_takes_the_middle() {
        let middle = ramp(6, 4).center_crop(2, 2);
        assert_eq!(middle.pixels(), [20, 20, 7, 30, 20, 7, 20, 40, 7, 30, 40, 7]);
        let enlarged = ramp(2, 1).center_crop(4, 4);
        assert_eq!((enlarged.width(), enlarged.height()), (4, 4));
    }

    #[test]
    fn grey_becomes_three_equal_channels() {
        let grey = Image::new(2, 1, PixelFormat::Grey, vec![3, 9]).expect("sizes fit");
        assert_eq!(grey.to_rgb().pixels(), [3, 3, 3, 9, 9, 9]);
    }
}
