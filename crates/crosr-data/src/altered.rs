//! Pictures changed a little, the same way each: whether a decision survives what a camera does.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::dataset::{Dataset, Sample};
use crate::error::{DataError, Result};
use crate::image::Image;
use crate::transform::param;

/// One change, of the same strength for every picture.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Alteration {
    /// Counter-clockwise about the middle, by so many degrees, within ±180; bilinear, and what
    /// comes from outside continues the border.
    Rotate(f32),
    /// Every value times a factor within 0 to 10, cut off at white.
    Brightness(f32),
    /// A Gaussian blur of this standard deviation in pixels, above 0 and at most 100; the border
    /// continues.
    Blur(f32),
}

impl Alteration {
    fn check(self) -> Result<Self> {
        // A NaN is in no range.
        match self {
            Self::Rotate(degrees) if !(-180.0..=180.0).contains(&degrees) => {
                Err(param("rotation", degrees, "within -180 and 180 degrees"))
            }
            Self::Brightness(factor) if !(0.0..=10.0).contains(&factor) => {
                Err(param("brightness", factor, "within 0 and 10"))
            }
            Self::Blur(sigma) if !(sigma > 0.0 && sigma <= 100.0) => {
                Err(param("blur", sigma, "above 0, at most 100 pixels"))
            }
            fine => Ok(fine),
        }
    }

    fn apply(self, image: &Image) -> Result<Image> {
        let (width, height) = (image.width(), image.height());
        let pixels = match self {
            Self::Rotate(degrees) => rotated(image, degrees),
            Self::Brightness(factor) => {
                let bright = |&value: &u8| rounded(f32::from(value) * factor);
                image.pixels().iter().map(bright).collect()
            }
            Self::Blur(sigma) => blurred(image, sigma),
        };
        Image::new(width, height, image.format(), pixels)
    }
}

/// Writes what [`FromStr`] reads: `rotate=5`, `brightness=0.8`, `blur=0.5`.
impl fmt::Display for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotate(degrees) => write!(f, "rotate={degrees}"),
            Self::Brightness(factor) => write!(f, "brightness={factor}"),
            Self::Blur(sigma) => write!(f, "blur={sigma}"),
        }
    }
}

impl FromStr for Alteration {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || {
            let wanted = "rotate=DEGREES, brightness=FACTOR or blur=PIXELS";
            param("alteration", text, wanted)
        };
        let (kind, amount) = text.split_once('=').ok_or_else(unknown)?;
        let amount: f32 = amount.parse().map_err(|_| unknown())?;
        match kind {
            "rotate" => Self::Rotate(amount).check(),
            "brightness" => Self::Brightness(amount).check(),
            "blur" => Self::Blur(amount).check(),
            _ => Err(unknown()),
        }
    }
}

/// A dataset whose pictures are all changed in the same way; labels stay.
#[derive(Clone, Debug)]
pub struct Altered<D> {
    inner: D,
    alteration: Alteration,
}

impl<D: Dataset> Altered<D> {
    /// The samples of `inner`, changed.
    ///
    /// # Errors
    /// [`DataError::Param`] for an amount outside its range.
    pub fn new(inner: D, alteration: Alteration) -> Result<Self> {
        Ok(Self {
            inner,
            alteration: alteration.check()?,
        })
    }
}

impl<D: Dataset> Dataset for Altered<D> {
    fn class_names(&self) -> &[String] {
        self.inner.class_names()
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let Sample { image, label } = self.inner.sample(index)?;
        let image = self.alteration.apply(&image)?;
        Ok(Sample { image, label })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        self.inner.label(index)
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        self.inner.path(index)
    }
}

fn rounded(value: f32) -> u8 {
    // The cast itself cuts off at 0 and 255.
    (value + 0.5) as u8
}

/// Counter-clockwise, with y pointing down.
fn rotated(image: &Image, degrees: f32) -> Vec<u8> {
    let (width, height) = (image.width(), image.height());
    let channels = image.format().channels();
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = |side: usize| (side as f32 - 1.0) / 2.0;
    let (middle_x, middle_y) = (middle(width), middle(height));
    let mut pixels = Vec::with_capacity(image.pixels().len());
    for y in 0..height {
        let v = y as f32 - middle_y;
        for x in 0..width {
            let u = x as f32 - middle_x;
            let (left, right, a) = neighbours(cos * u - sin * v + middle_x, width);
            let (above, below, b) = neighbours(sin * u + cos * v + middle_y, height);
            for c in 0..channels {
                let at =
                    |x: usize, y: usize| f32::from(image.pixels()[(y * width + x) * channels + c]);
                let mixed = |from: f32, to: f32, part: f32| from + (to - from) * part;
                let upper = mixed(at(left, above), at(right, above), a);
                let lower = mixed(at(left, below), at(right, below), a);
                pixels.push(rounded(mixed(upper, lower, b)));
            }
        }
    }
    pixels
}

/// The pixels on either side of a place, within the picture, and how far it is from the first.
fn neighbours(place: f32, side: usize) -> (usize, usize, f32) {
    let place = place.clamp(0.0, side as f32 - 1.0);
    let first = place as usize;
    (first, (first + 1).min(side - 1), place - first as f32)
}

/// Rows first, then columns.
fn blurred(image: &Image, sigma: f32) -> Vec<u8> {
    let reach = (3.0 * sigma).ceil() as usize;
    let weights: Vec<f32> = (0..=2 * reach)
        .map(|k| {
            let distance = (k as f32 - reach as f32) / sigma;
            (-0.5 * distance * distance).exp()
        })
        .collect();
    let total: f32 = weights.iter().sum();
    let (width, height) = (image.width(), image.height());
    let channels = image.format().channels();
    let pass = |source: &[f32], along_x: bool| -> Vec<f32> {
        let mut target = Vec::with_capacity(source.len());
        for y in 0..height {
            for x in 0..width {
                for c in 0..channels {
                    let sum: f32 = weights
                        .iter()
                        .enumerate()
                        .map(|(k, weight)| {
                            let moved = |place: usize, side: usize| {
                                (place + k).saturating_sub(reach).min(side - 1)
                            };
                            let (x, y) = if along_x {
                                (moved(x, width), y)
                            } else {
                                (x, moved(y, height))
                            };
                            weight * source[(y * width + x) * channels + c]
                        })
                        .sum();
                    target.push(sum / total);
                }
            }
        }
        target
    };
    let source: Vec<f32> = image.pixels().iter().copied().map(f32::from).collect();
    let blurred = pass(&pass(&source, true), false);
    blurred.into_iter().map(rounded).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::PixelFormat;

    fn grey(width: usize, pixels: &[u8]) -> Image {
        let height = pixels.len() / width;
        Image::new(width, height, PixelFormat::Grey, pixels.to_vec()).expect("sizes fit")
    }

    fn altered(image: &Image, alteration: Alteration) -> Vec<u8> {
        alteration
            .apply(image)
            .expect("the same size")
            .pixels()
            .to_vec()
    }

    #[test]
    fn a_quarter_turn_to_the_left() {
        let image = grey(3, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let turned = altered(&image, Alteration::Rotate(90.0));
        assert_eq!(turned, [3, 6, 9, 2, 5, 8, 1, 4, 7]);
        let back = altered(&image, Alteration::Rotate(-180.0));
        assert_eq!(back, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn brightness_is_cut_off_at_white() {
        let image = grey(2, &[10, 200]);
        assert_eq!(altered(&image, Alteration::Brightness(1.5)), [15, 255]);
        assert_eq!(altered(&image, Alteration::Brightness(0.25)), [3, 50]);
    }

    #[test]
    fn a_blurred_point_is_a_gaussian() {
        let mut pixels = vec![0; 81];
        pixels[40] = 250;
        let blurred = altered(&grey(9, &pixels), Alteration::Blur(1.0));
        // 250 / (2 pi) at the middle; exp(-1/2) of it beside, exp(-1) at the corner.
        assert_eq!((blurred[40], blurred[41], blurred[50]), (40, 24, 15));
        assert_eq!((blurred[31], blurred[49]), (24, 24));
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in ["rotate=-5", "brightness=0.8", "blur=0.5"] {
            assert_eq!(text.parse::<Alteration>().expect("valid").to_string(), text);
        }
        for text in [
            "rotate",
            "rotate=",
            "rotate=181",
            "blur=0",
            "blur=NaN",
            "brightness=-1",
            "warp=1",
        ] {
            let found = text.parse::<Alteration>();
            assert!(
                matches!(found, Err(DataError::Param { .. })),
                "{text}: {found:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_change_by_nothing(
            pixels in proptest::collection::vec(any::<u8>(), 24),
            channels in prop_oneof![Just(PixelFormat::Grey), Just(PixelFormat::Rgb)],
        ) {
            let height = 24 / 4 / channels.channels();
            let image = Image::new(4, height, channels, pixels.clone()).expect("sizes fit");
            for alteration in [
                Alteration::Rotate(0.0), Alteration::Brightness(1.0), Alteration::Blur(0.05),
            ] {
                prop_assert_eq!(altered(&image, alteration), pixels.clone());
            }
        }

        #[test]
        fn values_stay_within_the_picture_s(
            pixels in proptest::collection::vec(any::<u8>(), 20),
            degrees in -180f32..180.0,
            sigma in 0.1f32..5.0,
        ) {
            let image = grey(5, &pixels);
            let (low, high) = (pixels.iter().min(), pixels.iter().max());
            for alteration in [Alteration::Rotate(degrees), Alteration::Blur(sigma)] {
                let found = altered(&image, alteration);
                prop_assert!(found.iter().min() >= low && found.iter().max() <= high);
            }
        }
    }
}
