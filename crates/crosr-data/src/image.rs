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
        let expected = width
            .saturating_mul(height)
            .saturating_mul(format.channels());
        if pixels.len() != expected || expected == 0 {
            return Err(DataError::PixelCount {
                found: pixels.len(),
                expected,
                width,
                height,
            });
        }
        Ok(Self {
            width,
            height,
            format,
            pixels,
        })
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
    pub fn to_rgb(&self) -> Self {
        let pixels = match self.format {
            PixelFormat::Rgb => self.pixels.clone(),
            PixelFormat::Grey => self.pixels.iter().flat_map(|&v| [v, v, v]).collect(),
        };
        Self {
            pixels,
            format: PixelFormat::Rgb,
            ..*self
        }
    }

    /// The picture in another size, by bilinear interpolation between pixel centres; when it
    /// shrinks, each new pixel averages the old ones under a triangle of twice its width, so that
    /// fine detail does not alias. A side of 0 counts as 1.
    #[must_use]
    pub fn resize(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let channels = self.format.channels();
        let across = taps(self.width, width);
        let down = taps(self.height, height);
        let stride = width * channels;
        // Each row is brought to the new width, then added to the new rows that it is part of:
        // no more memory than the result needs, however large the picture.
        let mut sums = vec![0.0f32; height * stride];
        let mut row = vec![0.0f32; stride];
        let mut oldest = 0;
        for (y, source) in self.pixels.chunks_exact(self.width * channels).enumerate() {
            match self.format {
                PixelFormat::Grey => narrow::<1>(source, &across, &mut row),
                PixelFormat::Rgb => narrow::<3>(source, &across, &mut row),
            }
            while down[oldest].end() <= y {
                oldest += 1;
            }
            for (k, tap) in down.iter().enumerate().skip(oldest) {
                if tap.first > y {
                    break;
                }
                // Starts rise with k, ends do too: every tap from `oldest` on reaches this row.
                let weight = tap.weights[y - tap.first];
                for (sum, value) in sums[k * stride..][..stride].iter_mut().zip(&row) {
                    *sum += weight * value;
                }
            }
        }
        let pixels = sums.iter().map(|&sum| (sum + 0.5) as u8).collect();
        Self {
            width,
            height,
            format: self.format,
            pixels,
        }
    }

    /// The middle `width * height` pixels. A picture that is smaller in either direction is
    /// enlarged first, keeping its proportions, until it just covers them: nothing is padded.
    /// A side of 0 counts as 1.
    #[must_use]
    pub fn center_crop(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        if self.width >= width && self.height >= height {
            return self.middle(width, height);
        }
        // Cutting the part that will be seen before enlarging it costs no memory for the rest.
        let factor = (width as f64 / self.width as f64).max(height as f64 / self.height as f64);
        let seen =
            |side: usize, wanted: usize| ((wanted as f64 / factor).round() as usize).clamp(1, side);
        self.middle(seen(self.width, width), seen(self.height, height))
            .resize(width, height)
    }

    /// The middle `width * height` pixels of a picture that has as many.
    fn middle(&self, width: usize, height: usize) -> Self {
        let channels = self.format.channels();
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        let rows = self
            .pixels
            .chunks_exact(self.width * channels)
            .skip(top)
            .take(height);
        let pixels = rows
            .flat_map(|row| &row[left * channels..][..width * channels])
            .copied()
            .collect();
        Self {
            width,
            height,
            format: self.format,
            pixels,
        }
    }
}

/// The part of the old positions that a new position depends on.
struct Tap {
    first: usize,
    weights: Vec<f32>,
}

impl Tap {
    fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// A row of pixels of `C` bytes at the new width.
fn narrow<const C: usize>(source: &[u8], taps: &[Tap], row: &mut [f32]) {
    let source = source.as_chunks::<C>().0;
    for (tap, target) in taps.iter().zip(row.as_chunks_mut::<C>().0) {
        *target = [0.0; C];
        for (weight, pixel) in tap.weights.iter().zip(&source[tap.first..]) {
            for (sum, &v) in target.iter_mut().zip(pixel) {
                *sum += weight * f32::from(v);
            }
        }
    }
}

/// For each of `to` positions: the first of `from` positions that it depends on, and the weights.
fn taps(from: usize, to: usize) -> Vec<Tap> {
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
            Tap {
                first,
                weights: weights.iter().map(|w| (w / total) as f32).collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        assert!(matches!(
            wrong,
            Err(DataError::PixelCount {
                found: 11,
                expected: 12,
                ..
            })
        ));
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
        assert_eq!(
            middle.pixels(),
            [20, 20, 7, 30, 20, 7, 20, 40, 7, 30, 40, 7]
        );
        // Odd remainders go to the right and below.
        assert_eq!(ramp(3, 2).center_crop(2, 1).pixels(), [0, 0, 7, 10, 0, 7]);
    }

    #[test]
    fn a_picture_smaller_than_the_crop_is_enlarged_to_cover_it() {
        let wide = Image::new(4, 1, PixelFormat::Grey, vec![9, 0, 100, 9]).expect("sizes fit");
        // Only the middle pixel of a wide one fits a square: the seen part is 1 x 1.
        assert_eq!(wide.center_crop(2, 2).pixels(), [0, 0, 0, 0]);
        assert_eq!(wide.center_crop(4, 2).pixels(), [0, 25, 75, 100].repeat(2));
        // One long side must not cost memory for what is not seen.
        let long = Image::new(1 << 20, 1, PixelFormat::Grey, vec![5; 1 << 20]).expect("sizes fit");
        assert_eq!(long.center_crop(32, 32).pixels(), [5; 1024]);
    }

    #[test]
    fn sides_of_zero_count_as_one() {
        assert_eq!(ramp(4, 4).resize(0, 0).pixels().len(), 3);
        assert_eq!(ramp(4, 4).center_crop(0, 9).height(), 9);
    }

    /// Resizing written down plainly: each new pixel as the double sum over all old ones.
    fn plainly(image: &Image, width: usize, height: usize) -> Vec<u8> {
        let weight = |from: usize, to: usize, position: usize, k: usize| {
            let step = from as f64 / to as f64;
            let reach = step.max(1.0);
            let at = |k: usize| {
                (1.0 - ((k as f64 + 0.5 - (position as f64 + 0.5) * step) / reach).abs()).max(0.0)
            };
            at(k) / (0..from).map(at).sum::<f64>()
        };
        let channels = image.format.channels();
        let mut pixels = Vec::new();
        for i in 0..width * height * channels {
            let (x, y, c) = (i / channels % width, i / channels / width, i % channels);
            let mut sum = 0.0;
            for j in 0..image.width * image.height {
                let (from_x, from_y) = (j % image.width, j / image.width);
                let share =
                    weight(image.width, width, x, from_x) * weight(image.height, height, y, from_y);
                sum += share * f64::from(image.pixels[j * channels + c]);
            }
            pixels.push((sum + 0.5) as u8);
        }
        pixels
    }

    fn pictures() -> impl Strategy<Value = Image> {
        (1..9usize, 1..9usize, any::<bool>()).prop_flat_map(|(width, height, grey)| {
            let format = if grey {
                PixelFormat::Grey
            } else {
                PixelFormat::Rgb
            };
            proptest::collection::vec(any::<u8>(), width * height * format.channels()).prop_map(
                move |pixels| Image {
                    width,
                    height,
                    format,
                    pixels,
                },
            )
        })
    }

    proptest! {
        #[test]
        fn resizing_is_the_plain_double_sum(image in pictures(), w in 1..12usize, h in 1..12usize) {
            let resized = image.resize(w, h);
            // Single against double precision: a tie may round the other way.
            for (fast, plain) in resized.pixels().iter().zip(plainly(&image, w, h)) {
                prop_assert!(fast.abs_diff(plain) <= 1, "{fast} {plain}");
            }
            prop_assert_eq!((resized.width(), resized.height()), (w, h));
        }

        #[test]
        fn resizing_stays_within_the_values(image in pictures(), w in 1..40usize, h in 1..40usize) {
            let (low, high) = (image.pixels.iter().min(), image.pixels.iter().max());
            let resized = image.resize(w, h);
            prop_assert!(resized.pixels.iter().min() >= low && resized.pixels.iter().max() <= high);
        }

        #[test]
        fn grey_and_rgb_go_the_same_way(image in pictures(), w in 1..12usize, h in 1..12usize) {
            prop_assert_eq!(image.resize(w, h).to_rgb(), image.to_rgb().resize(w, h));
            prop_assert_eq!(image.center_crop(w, h).to_rgb(), image.to_rgb().center_crop(w, h));
        }

        #[test]
        fn a_crop_is_a_window(image in pictures(), w in 1..9usize, h in 1..9usize) {
            prop_assume!(w <= image.width && h <= image.height);
            let (crop, c) = (image.center_crop(w, h), image.format.channels());
            let (left, top) = ((image.width - w) / 2, (image.height - h) / 2);
            for (i, value) in crop.pixels.iter().enumerate() {
                let (x, y) = (left + i / c % w, top + i / c / w);
                prop_assert_eq!(*value, image.pixels[(y * image.width + x) * c + i % c]);
            }
        }
    }

    #[test]
    fn grey_becomes_three_equal_channels() {
        let grey = Image::new(2, 1, PixelFormat::Grey, vec![3, 9]).expect("sizes fit");
        assert_eq!(grey.to_rgb().pixels(), [3, 3, 3, 9, 9, 9]);
    }
}
