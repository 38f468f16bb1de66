//! What happens to a picture on its way to the network: sizes, values, random changes.

use crate::error::{DataError, Result};

/// Mean and standard deviation of each channel, of values in 0..=1: x becomes (x − mean) / std.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation {
    /// Mean of red, green, blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green, blue.
    pub std: [f32; 3],
}

impl Normalisation {
    /// What published CIFAR-10 networks use.
    pub const CIFAR10: Self = Self {
        mean: [0.4914, 0.4822, 0.4465],
        std: [0.2023, 0.1994, 0.2010],
    };

    /// To the range −1..=1, where nothing is known of the data.
    pub const HALF: Self = Self {
        mean: [0.5; 3],
        std: [0.5; 3],
    };

    /// Refuses what would give infinities or NaN.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.mean.iter().all(|m| m.is_finite()) {
            return Err(param(
                "mean",
                format!("{:?}", self.mean),
                "finite in every channel",
            ));
        }
        if !self.std.iter().all(|s| *s > 0.0 && s.is_finite()) {
            let wanted = "positive in every channel";
            return Err(param(
                "standard deviation",
                format!("{:?}", self.std),
                wanted,
            ));
        }
        Ok(())
    }
}

/// How a picture is brought to the network's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Scaled to it, whatever its proportions.
    Resize,
    /// Its middle; smaller pictures are enlarged until they cover it.
    CenterCrop,
}

/// Random rotation, shift and scale about the middle, each uniform within its bounds; bilinear
/// interpolation, black where the picture ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Largest rotation to either side, in degrees.
    pub degrees: f32,
    /// Largest shift to either side, as a part of the width and of the height.
    pub translate: f32,
    /// Smallest and largest scale; 1 leaves the size as it is.
    pub scale: (f32, f32),
}

/// Random changes of colour, in random order, each uniform within its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourJitter {
    /// Values are multiplied by a factor within 1 ± this.
    pub brightness: f32,
    /// Differences from the mean luminance, likewise.
    pub contrast: f32,
    /// Differences from the pixel's own luminance, likewise.
    pub saturation: f32,
    /// The hue turns by at most this part of the colour circle, up to 0.5.
    pub hue: f32,
}

/// Random changes to training pictures. What is drawn for a sample follows from (seed, epoch,
/// sample) alone. Colours change first, then the geometry; what comes from outside the picture
/// is black.
#[derive(Clone, Debug, PartialEq)]
pub struct Augmentation {
    /// Probability of exchanging left and right.
    pub horizontal_flip: f32,
    /// Black pixels added on every side before a random crop back to the picture's size, that is
    /// the largest shift in whole pixels.
    pub crop_padding: usize,
    /// Rotation, shift and scale.
    pub affine: Option<Affine>,
    /// Changes of colour.
    pub colour_jitter: Option<ColourJitter>,
    /// Side in pixels of a square about a random pixel that is replaced by the mean colour, last
    /// of all; what sticks out of the picture is lost. 0 erases nothing. (Cutout: DeVries &
    /// Taylor, arXiv 1708.04552, Section 3.2.)
    pub erased_side: usize,
}

impl Augmentation {
    /// Changes nothing.
    pub fn none() -> Self {
        Self {
            horizontal_flip: 0.0,
            crop_padding: 0,
            affine: None,
            colour_jitter: None,
            erased_side: 0,
        }
    }

    /// Flips half of the pictures and crops with 4 pixels of padding: the usual choice for
    /// pictures of 32 pixels.
    pub fn flip_and_crop() -> Self {
        Self {
            horizontal_flip: 0.5,
            crop_padding: 4,
            ..Self::none()
        }
    }

    /// That of the published Python implementation of CROSR: brightness ± 0.5, hue ± 0.3, rotation
    /// by up to 30°, shift by up to 0.2, scale 0.75 to 1, half of the pictures flipped.
    ///
    /// One difference: that implementation takes the nearest pixel where this interpolates.
    pub fn reference() -> Self {
        Self {
            horizontal_flip: 0.5,
            crop_padding: 0,
            affine: Some(Affine {
                degrees: 30.0,
                translate: 0.2,
                scale: (0.75, 1.0),
            }),
            colour_jitter: Some(ColourJitter {
                brightness: 0.5,
                contrast: 0.0,
                saturation: 0.0,
                hue: 0.3,
            }),
            erased_side: 0,
        }
    }

    /// Refuses settings that make no sense, for pictures whose smaller side is `side`.
    pub(crate) fn check(&self, side: usize) -> Result<()> {
        let within = |field, value: f32, most: f32, wanted| {
            // A NaN is not in any range.
            if (0.0..=most).contains(&value) {
                Ok(())
            } else {
                Err(param(field, value, wanted))
            }
        };
        within(
            "flip probability",
            self.horizontal_flip,
            1.0,
            "between 0 and 1",
        )?;
        if self.crop_padding >= side {
            let wanted = "smaller than the pictures' sides";
            return Err(param("crop padding", self.crop_padding, wanted));
        }
        if self.erased_side > side {
            let wanted = "at most the pictures' sides";
            return Err(param("erased side", self.erased_side, wanted));
        }
        if let Some(affine) = self.affine {
            within(
                "rotation",
                affine.degrees,
                180.0,
                "between 0 and 180 degrees",
            )?;
            within("shift", affine.translate, 1.0, "between 0 and 1")?;
            let (low, high) = affine.scale;
            if !(low >= 0.01 && low <= high && high <= 100.0) {
                let wanted = "from 0.01 to 100, the smaller one first";
                return Err(param("scale", format!("{low} to {high}"), wanted));
            }
        }
        if let Some(jitter) = self.colour_jitter {
            within(
                "brightness jitter",
                jitter.brightness,
                1.0,
                "between 0 and 1",
            )?;
            within("contrast jitter", jitter.contrast, 1.0, "between 0 and 1")?;
            within(
                "saturation jitter",
                jitter.saturation,
                1.0,
                "between 0 and 1",
            )?;
            within("hue jitter", jitter.hue, 0.5, "between 0 and 0.5")?;
        }
        Ok(())
    }
}

/// The error for a setting.
pub(crate) fn param(field: &'static str, value: impl ToString, wanted: &'static str) -> DataError {
    DataError::Param {
        field,
        value: value.to_string(),
        wanted,
    }
}
