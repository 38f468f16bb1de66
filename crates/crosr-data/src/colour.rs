//! Changes of colour, of pixels in 0..=255 with an unused fourth value.

use rand_chacha::ChaCha8Rng;

use crate::random::{between, shuffle};
use crate::transform::ColourJitter;

/// Red, green, blue, and nothing: four values fill a vector register.
pub(crate) type Pixel = [f32; 4];

/// One step, with what was drawn for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Recolouring {
    /// x → f x.
    Brightness(f32),
    /// x → m + f (x − m), m the picture's mean luminance.
    Contrast(f32),
    /// x → l + f (x − l), l the pixel's luminance.
    Saturation(f32),
    /// A turn by a part of the colour circle.
    Hue(f32),
}

impl Recolouring {
    /// Draws all steps and their order; steps that change nothing are left out.
    pub(crate) fn draw(jitter: &ColourJitter, random: &mut ChaCha8Rng) -> Vec<Self> {
        let mut factor = |amount: f32| between(random, 1.0 - amount, 1.0 + amount);
        let mut steps = [
            Self::Brightness(factor(jitter.brightness)),
            Self::Contrast(factor(jitter.contrast)),
            Self::Saturation(factor(jitter.saturation)),
            Self::Hue(between(random, -jitter.hue, jitter.hue)),
        ];
        shuffle(&mut steps, random);
        steps.into_iter().filter(|step| !step.is_idle()).collect()
    }

    fn is_idle(self) -> bool {
        match self {
            Self::Brightness(f) | Self::Contrast(f) | Self::Saturation(f) => f == 1.0,
            Self::Hue(turn) => turn == 0.0,
        }
    }

    /// Changes a picture; the values stay within 0..=255.
    pub(crate) fn apply(self, pixels: &mut [Pixel]) {
        match self {
            Self::Brightness(factor) => blend(pixels, factor, |_| 0.0),
            Self::Contrast(factor) => {
                let sum: f32 = pixels.iter().map(luminance).sum();
                let mean = sum / pixels.len().max(1) as f32;
                blend(pixels, factor, |_| mean);
            }
            Self::Saturation(factor) => blend(pixels, factor, luminance),
            Self::Hue(turn) => pixels
                .iter_mut()
                .for_each(|pixel| *pixel = turned(*pixel, turn)),
        }
    }
}

/// Luminance of ITU-R BT.601.
pub(crate) fn luminance(pixel: &Pixel) -> f32 {
    0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]
}

/// Moves all values towards or away from an anchor.
fn blend(pixels: &mut [Pixel], factor: f32, anchor: impl Fn(&Pixel) -> f32) {
    for pixel in pixels {
        let anchor = anchor(pixel);
        *pixel = pixel.map(|v| (anchor + (v - anchor) * factor).clamp(0.0, 255.0));
    }
}

/// Turns the hue of the hexagonal HSV model (Smith, SIGGRAPH 1978); value and chroma stay.
fn turned([r, g, b, rest]: Pixel, turn: f32) -> Pixel {
    let (high, low) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = high - low;
    // Greys have no hue; the division below is then of nothing by one.
    let unit = if chroma > 0.0 { chroma } else { 1.0 };
    let sector = if high == r {
        (g - b) / unit
    } else if high == g {
        (b - r) / unit + 2.0
    } else {
        (r - g) / unit + 4.0
    };
    let hue = sector + 6.0 * turn;
    let channel = |offset: f32| {
        // Within one turn of 0..6 before, so floor and product are exact enough for any input.
        let k = hue + offset;
        let k = k - 6.0 * (k * (1.0 / 6.0)).floor();
        high - chroma * k.min(4.0 - k).clamp(0.0, 1.0)
    };
    [channel(5.0), channel(3.0), channel(1.0), rest]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pixel() -> impl Strategy<Value = Pixel> {
        (0..256u16, 0..256u16, 0..256u16)
            .prop_map(|(r, g, b)| [f32::from(r), f32::from(g), f32::from(b), 0.0])
    }

    fn close(a: Pixel, b: Pixel) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3)
    }

    #[test]
    fn steps_do_what_they_say() {
        let cases: [(Recolouring, Pixel, Pixel); 7] = [
            (
                Recolouring::Brightness(0.5),
                [100.0, 50.0, 9.0, 0.0],
                [50.0, 25.0, 4.5, 0.0],
            ),
            (
                Recolouring::Brightness(2.0),
                [200.0, 50.0, 0.0, 0.0],
                [255.0, 100.0, 0.0, 0.0],
            ),
            (
                Recolouring::Saturation(0.0),
                [255.0, 0.0, 0.0, 0.0],
                [76.245, 76.245, 76.245, 76.245],
            ),
            (
                Recolouring::Hue(1.0 / 3.0),
                [200.0, 10.0, 10.0, 0.0],
                [10.0, 200.0, 10.0, 0.0],
            ),
            (
                Recolouring::Hue(-1.0 / 3.0),
                [200.0, 10.0, 10.0, 0.0],
                [10.0, 10.0, 200.0, 0.0],
            ),
            (
                Recolouring::Hue(0.5),
                [255.0, 0.0, 0.0, 0.0],
                [0.0, 255.0, 255.0, 0.0],
            ),
            (
                Recolouring::Hue(0.5),
                [70.0, 70.0, 70.0, 0.0],
                [70.0, 70.0, 70.0, 0.0],
            ),
        ];
        for (step, before, after) in cases {
            let mut pixels = [before];
            step.apply(&mut pixels);
            assert!(
                close(pixels[0], after),
                "{step:?} {before:?}: {:?}",
                pixels[0]
            );
        }
        // Luminances 0 and 100, mean 50: half the contrast leaves 25 and 75.
        let mut pixels = [[0.0; 4], [100.0; 4]];
        Recolouring::Contrast(0.5).apply(&mut pixels);
        assert!(
            close(pixels[0], [25.0; 4]) && close(pixels[1], [75.0; 4]),
            "{pixels:?}"
        );
    }

    proptest! {
        #[test]
        fn opposite_turns_cancel(before in pixel(), turn in -0.5f32..0.5) {
            let after = turned(turned(before, turn), -turn);
            prop_assert!(close(before, after), "{before:?} {after:?}");
        }

        #[test]
        fn a_turn_keeps_value_and_chroma(before in pixel(), turn in -0.5f32..0.5) {
            let extremes = |[r, g, b, _]: Pixel| [r.max(g).max(b), r.min(g).min(b), 0.0, 0.0];
            prop_assert!(close(extremes(before), extremes(turned(before, turn))));
        }

        #[test]
        fn values_stay_in_range(
            before in proptest::collection::vec(pixel(), 1..20),
            seed in any::<u64>(),
        ) {
            let jitter = ColourJitter { brightness: 1.0, contrast: 1.0, saturation: 1.0, hue: 0.5 };
            let mut random = crate::random::generator(crate::random::Purpose::Augmentation, &[seed]);
            let mut pixels = before;
            for step in Recolouring::draw(&jitter, &mut random) {
                step.apply(&mut pixels);
            }
            prop_assert!(pixels.iter().flat_map(|p| &p[..3]).all(|v| (-0.001..255.001).contains(v)));
        }
    }
}
