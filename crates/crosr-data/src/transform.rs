//! From a picture to the network's numbers.

use rand_chacha::ChaCha8Rng;

use crate::error::{DataError, Result};
use crate::image::{Image, PixelFormat};
use crate::random::{below, between, shuffle, unit};

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
    pub const CIFAR10: Self =
        Self { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] };

    /// To the range −1..=1, where nothing is known of the data.
    pub const HALF: Self = Self { mean: [0.5; 3], std: [0.5; 3] };

    /// The 256 values that a channel can take.
    pub(crate) fn table(&self, channel: usize) -> [f32; 256] {
        std::array::from_fn(|v| (v as f32 / 255.0 - self.mean[channel]) / self.std[channel])
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

/// Random rotation, shift and scale about the middle; what comes from outside is black.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Largest rotation to either side, in degrees.
    pub degrees: f32,
    /// Largest shift, as a part of the width and height.
    pub translate: f32,
    /// Smallest and largest scale.
    pub scale: (f32, f32),
}

/// Random changes of colour, in random order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourJitter {
    /// Brightness is multiplied by a factor within 1 ± this.
    pub brightness: f32,
    /// Contrast about the mean luminance, likewise.
    pub contrast: f32,
    /// Saturation, likewise.
    pub saturation: f32,
    /// The hue is turned by at most this part of the colour circle, up to 0.5.
    pub hue: f32,
}

/// Random changes to training pictures. What is drawn for a sample follows from (seed, epoch,
/// sample) alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Augmentation {
    /// Probability of exchanging left and right.
    pub horizontal_flip: f32,
    /// Black pixels added on every side before a random crop back to the picture's size.
    pub crop_padding: usize,
    /// Rotation, shift and scale.
    pub affine: Option<Affine>,
    /// Changes of colour.
    pub colour_jitter: Option<ColourJitter>,
}

impl Augmentation {
    /// Flip and crop with 4 pixels of padding: the usual choice for pictures of 32 pixels.
    pub fn flip_and_crop() -> Self {
        Self { horizontal_flip: 0.5, crop_padding: 4, affine: None, colour_jitter: None }
    }

    /// Flip, affine and colour jitter, in the manner of the published CROSR training.
    pub fn reference() -> Self {
        Self {
            horizontal_flip: 0.5,
            crop_padding: 0,
            affine: Some(Affine { degrees: 10.0, translate: 0.1, scale: (0.8, 1.2) }),
            colour_jitter: Some(ColourJitter {
                brightness: 0.2,
                contrast: 0.2,
                saturation: 0.2,
                hue: 0.05,
            }),
        }
    }

    /// Refuses settings that make no sense.
    pub(crate) fn check(&self) -> Result<()> {
        let bad =
            |field, value: f32, wanted| Err(DataError::Param { field, value: value.to_string(), wanted });
        if !(0.0..=1.0).contains(&self.horizontal_flip) {
            return bad("flip probability", self.horizontal_flip, "between 0 and 1");
        }
        if let Some(affine) = self.affine {
            if !affine.degrees.is_finite() {
                return bad("rotation", affine.degrees, "a number of degrees");
            }
            if !(0.0..=1.0).contains(&affine.translate) {
                return bad("shift", affine.translate, "between 0 and 1");
            }
            let (low, high) = affine.scale;
            if !(low > 0.0 && low <= high && high.is_finite()) {
                return bad("scale", low, "positive, the smaller one first");
            }
        }
        if let Some(jitter) = self.colour_jitter {
            for amount in [jitter.brightness, jitter.contrast, jitter.saturation] {
                if !(0.0..=1.0).contains(&amount) {
                    return bad("colour jitter", amount, "between 0 and 1");
                }
            }
            if !(0.0..=0.5).contains(&jitter.hue) {
                return bad("hue jitter", jitter.hue, "between 0 and 0.5");
            }
        }
        Ok(())
    }

    /// Changes an RGB picture.
    pub(crate) fn apply(&self, image: Image, random: &mut ChaCha8Rng) -> Image {
        let (width, height) = (image.width(), image.height());
        let flip = unit(random) < self.horizontal_flip;
        let padding = self.crop_padding;
        let (dx, dy) = (below(random, 2 * padding + 1), below(random, 2 * padding + 1));
        let shift = (dx as isize - padding as isize, dy as isize - padding as isize);
        let mut pixels = moved(&image, flip, shift);
        if let Some(affine) = self.affine {
            pixels = transformed(&pixels, width, height, &affine, random);
        }
        if let Some(jitter) = self.colour_jitter {
            recolour(&mut pixels, &jitter, random);
        }
        // The size is the same, so this cannot fail; the unchanged picture would do no harm.
        Image::new(width, height, PixelFormat::Rgb, pixels).unwrap_or(image)
    }
}

/// Flip, then the window at `shift` into the picture on black ground.
fn moved(image: &Image, flip: bool, (dx, dy): (isize, isize)) -> Vec<u8> {
    let (width, height) = (image.width() as isize, image.height() as isize);
    let source = image.pixels();
    let mut pixels = vec![0; source.len()];
    for y in 0..height {
        let from_y = y + dy;
        if !(0..height).contains(&from_y) {
            continue;
        }
        let row = &source[(from_y * width * 3) as usize..][..(width * 3) as usize];
        let target = &mut pixels[(y * width * 3) as usize..][..(width * 3) as usize];
        let (first, last) = ((-dx).clamp(0, width), (width - dx).clamp(0, width));
        for x in first..last {
            let from = if flip { width - 1 - (x + dx) } else { x + dx };
            target[(x * 3) as usize..][..3].copy_from_slice(&row[(from * 3) as usize..][..3]);
        }
    }
    pixels
}

/// Inverse mapping with bilinear interpolation.
fn transformed(
    source: &[u8],
    width: usize,
    height: usize,
    affine: &Affine,
    random: &mut ChaCha8Rng,
) -> Vec<u8> {
    let angle = between(random, -affine.degrees, affine.degrees).to_radians();
    let scale = between(random, affine.scale.0, affine.scale.1);
    let shift_x = between(random, -affine.translate, affine.translate) * width as f32;
    let shift_y = between(random, -affine.translate, affine.translate) * height as f32;
    let (sin, cos) = ((angle.sin() / scale), (angle.cos() / scale));
    let (mid_x, mid_y) = (width as f32 * 0.5, height as f32 * 0.5);
    let at = |x: isize, y: isize, c: usize| {
        if (0..width as isize).contains(&x) && (0..height as isize).contains(&y) {
            f32::from(source[(y as usize * width + x as usize) * 3 + c])
        } else {
            0.0
        }
    };
    let mut pixels = Vec::with_capacity(source.len());
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f32 + 0.5 - mid_x - shift_x, y as f32 + 0.5 - mid_y - shift_y);
            let from_x = cos * u + sin * v + mid_x - 0.5;
            let from_y = cos * v - sin * u + mid_y - 0.5;
            let (left, top) = (from_x.floor(), from_y.floor());
            let (a, b) = (from_x - left, from_y - top);
            let (left, top) = (left as isize, top as isize);
            for c in 0..3 {
                let upper = at(left, top, c) * (1.0 - a) + at(left + 1, top, c) * a;
                let lower = at(left, top + 1, c) * (1.0 - a) + at(left + 1, top + 1, c) * a;
                pixels.push((upper * (1.0 - b) + lower * b + 0.5) as u8);
            }
        }
    }
    pixels
}

/// Weights of luminance (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

fn luma(pixel: &[f32]) -> f32 {
    LUMA.iter().zip(pixel).map(|(weight, v)| weight * v).sum()
}

fn recolour(pixels: &mut [u8], jitter: &ColourJitter, random: &mut ChaCha8Rng) {
    let mut values: Vec<f32> = pixels.iter().map(|&v| f32::from(v)).collect();
    let factor = |random: &mut ChaCha8Rng, amount: f32| between(random, 1.0 - amount, 1.0 + amount);
    let brightness = factor(random, jitter.brightness);
    let contrast = factor(random, jitter.contrast);
    let saturation = factor(random, jitter.saturation);
    let hue = between(random, -jitter.hue, jitter.hue);
    let mut order = [0, 1, 2, 3];
    shuffle(&mut order, random);
    for step in order {
        match step {
            0 => values.iter_mut().for_each(|v| *v = (*v * brightness).min(255.0)),
            1 => {
                let n = (values.len() / 3).max(1) as f32;
                let mean = values.chunks_exact(3).map(luma).sum::<f32>() / n;
                let blend = |v: f32| (mean + (v - mean) * contrast).clamp(0.0, 255.0);
                values.iter_mut().for_each(|v| *v = blend(*v));
            }
            2 => {
                for pixel in values.chunks_exact_mut(3) {
                    let grey = luma(pixel);
                    let blend = |v: f32| (grey + (v - grey) * saturation).clamp(0.0, 255.0);
                    pixel.iter_mut().for_each(|v| *v = blend(*v));
                }
            }
            _ if hue != 0.0 => values.chunks_exact_mut(3).for_each(|pixel| turn_hue(pixel, hue)),
            _ => {}
        }
    }
    for (pixel, value) in pixels.iter_mut().zip(values) {
        *pixel = (value + 0.5) as u8;
    }
}

/// Turns the hue of the hexagonal HSV model by a part of the circle.
fn turn_hue(pixel: &mut [f32], turn: f32) {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]];
    let (high, low) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = high - low;
    if chroma <= 0.0 {
        return;
    }
    let sector = if high == r {
        (g - b) / chroma
    } else if high == g {
        (b - r) / chroma + 2.0
    } else {
        (r - g) / chroma + 4.0
    };
    let hue = (sector + 6.0 * turn).rem_euclid(6.0);
    for (value, offset) in pixel.iter_mut().zip([5.0, 3.0, 1.0]) {
        let k = (hue + offset).rem_euclid(6.0);
        *value = high - chroma * k.min(4.0 - k).clamp(0.0, 1.0);
    }
}
