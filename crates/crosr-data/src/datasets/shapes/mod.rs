//! Drawn shapes: data that need no download, with kinds to know and kinds never to be told of.

mod figure;
mod ground;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use self::figure::Figure;
use self::ground::Ground;
use crate::dataset::{Dataset, Sample, in_range};
use crate::error::{DataError, Result};
use crate::image::{Image, PixelFormat};
use crate::random::{Purpose, between, generator, unit};

/// Width and height of the pictures.
const SIDE: usize = 32;
/// Points per pixel and direction at which the outline is tested.
const GRID: usize = 3;
/// Least difference in luminance between the figure and any colour of the ground.
const CONTRAST: f32 = 80.0;
/// Standard deviation of the pixel noise.
const NOISE: f32 = 6.0;

/// 32 x 32 colour pictures of one figure each: six known kinds, four unknown ones.
///
/// Figures vary in size, place, rotation and colour, lighter or darker than a ground that is
/// plain, graded, striped, chequered, clouded or speckled; edges are smooth and pixels noisy. A
/// linear classifier on pixels learns little, a small convolutional network learns them well. The
/// unknown kinds were picked for being easily told from the known ones: figures reached here show
/// that a pipeline works and say nothing about how methods compare.
/// Sample i follows from (seed, i) and is drawn when asked for.
#[derive(Clone, Debug)]
pub struct Shapes {
    class_names: Vec<String>,
    kinds: &'static [Figure],
    n: usize,
    seed: u64,
}

impl Shapes {
    /// `n` pictures of the known kinds in turn.
    pub fn known(n: usize, seed: u64) -> Self {
        Self::of(&Figure::KNOWN, n, seed)
    }

    /// `n` pictures of the unknown kinds in turn, without labels.
    pub fn unknown(n: usize, seed: u64) -> Self {
        Self::of(&Figure::UNKNOWN, n, seed)
    }

    /// `n` pictures of one unknown kind, a position in [`Shapes::unknown_kinds`].
    ///
    /// # Errors
    /// [`DataError::Classes`] for a kind that does not exist.
    pub fn unknown_kind(kind_idx: usize, n: usize, seed: u64) -> Result<Self> {
        let kinds = Figure::UNKNOWN
            .get(kind_idx..=kind_idx)
            .ok_or_else(|| DataError::Classes {
                what: format!(
                    "unknown shape {kind_idx} is not one of 0 to {}",
                    Figure::UNKNOWN.len() - 1
                ),
            })?;
        Ok(Self::of(kinds, n, seed))
    }

    /// Names of the known kinds, in the order of the labels.
    pub fn known_kinds() -> &'static [&'static str] {
        const { &Figure::names(Figure::KNOWN) }
    }

    /// Names of the unknown kinds.
    pub fn unknown_kinds() -> &'static [&'static str] {
        const { &Figure::names(Figure::UNKNOWN) }
    }

    fn of(kinds: &'static [Figure], n: usize, seed: u64) -> Self {
        let class_names = Self::known_kinds()
            .iter()
            .map(|&name| name.to_owned())
            .collect();
        Self {
            class_names,
            kinds,
            n,
            seed,
        }
    }

    fn figure(&self, index: usize) -> Result<Figure> {
        in_range(index, self.n)?;
        // There is no set without a kind.
        Ok(self.kinds[index % self.kinds.len()])
    }
}

impl Dataset for Shapes {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.n
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let figure = self.figure(index)?;
        let mut random = generator(Purpose::Shapes, &[self.seed, figure as u64, index as u64]);
        Ok(Sample {
            image: draw(figure, &mut random)?,
            label: self.label(index)?,
        })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        let figure = self.figure(index)?;
        Ok(Figure::KNOWN.iter().position(|&known| known == figure))
    }
}

/// Red, green, blue, each within 0..=255.
type Colour = [f32; 3];

fn luminance([r, g, b]: Colour) -> f32 {
    crate::colour::luminance(&[r, g, b, 0.0])
}

fn colour(random: &mut ChaCha8Rng) -> Colour {
    std::array::from_fn(|_| between(random, 0.0, 255.0))
}

fn mixed(a: Colour, b: Colour, part: f32) -> Colour {
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * part)
}

/// A colour whose luminance is at least [`CONTRAST`] above or below that of the figure.
fn contrasting(figure: Colour, lighter: bool, random: &mut ChaCha8Rng) -> Colour {
    let any = colour(random);
    let (light, extreme) = (luminance(any), if lighter { 255.0 } else { 0.0 });
    let wanted = luminance(figure) + if lighter { CONTRAST } else { -CONTRAST };
    // Mixed with white or black, just as much as needed or up to half of the way further.
    let missing = (wanted - light) / (extreme - light);
    let least = if missing.is_finite() {
        missing.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let more = between(random, 0.0, 0.5);
    let part = if least > 0.0 {
        least + (1.0 - least) * more
    } else {
        0.0
    };
    mixed(any, [extreme; 3], part)
}

fn draw(figure: Figure, random: &mut ChaCha8Rng) -> Result<Image> {
    let ink = colour(random);
    let light = luminance(ink);
    // Whether the ground is lighter than the figure: either way where there is room for it.
    let lighter = if light < CONTRAST + 20.0 {
        true
    } else if light > 235.0 - CONTRAST {
        false
    } else {
        unit(random) < 0.5
    };
    let first = contrasting(ink, lighter, random);
    let other = contrasting(ink, lighter, random);
    let second = mixed(first, other, between(random, 0.2, 0.6));
    let ground = Ground::draw(random);
    let placed = Placement::draw(random);
    let mut pixels = Vec::with_capacity(SIDE * SIDE * 3);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let base = mixed(first, second, ground.share(x, y));
            for value in mixed(base, ink, placed.coverage(figure, x, y)) {
                pixels.push((value + NOISE * nearly_normal(random) + 0.5) as u8);
            }
        }
    }
    Image::new(SIDE, SIDE, PixelFormat::Rgb, pixels)
}

/// Sum of four uniform bytes, brought to mean 0 and variance 1: one draw a value.
fn nearly_normal(random: &mut ChaCha8Rng) -> f32 {
    let sum: u16 = random.next_u32().to_le_bytes().map(u16::from).iter().sum();
    // Mean 4 * 127.5, variance 4 * (256² − 1) / 12.
    (f32::from(sum) - 510.0) * (1.0 / 147.800_3)
}

/// Where a figure lies in the picture, whole.
struct Placement {
    middle: (f32, f32),
    radius: f32,
    sin: f32,
    cos: f32,
}

impl Placement {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        let half = SIDE as f32 * 0.5;
        let radius = between(random, 9.0, 13.5);
        let room = half - 0.5 - radius;
        let mut place = || half + between(random, -room, room);
        let middle = (place(), place());
        let (sin, cos) = between(random, 0.0, std::f32::consts::TAU).sin_cos();
        Self {
            middle,
            radius,
            sin,
            cos,
        }
    }

    /// Part of a pixel that the figure covers.
    fn coverage(&self, figure: Figure, x: usize, y: usize) -> f32 {
        let (x, y) = (x as f32 - self.middle.0, y as f32 - self.middle.1);
        // No figure reaches beyond the circle around it, no pixel beyond its diagonal.
        if (x + 0.5).hypot(y + 0.5) > self.radius + 0.75 {
            return 0.0;
        }
        let at = |k: usize| (k as f32 + 0.5) / GRID as f32;
        let hits = (0..GRID * GRID)
            .filter(|point| {
                let (px, py) = (x + at(point % GRID), y + at(point / GRID));
                let u = (self.cos * px + self.sin * py) / self.radius;
                let v = (self.cos * py - self.sin * px) / self.radius;
                figure.contains(u, v)
            })
            .count();
        hits as f32 / (GRID * GRID) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_lie_within_the_unit_circle_and_fill_some_of_it() {
        for figure in Figure::KNOWN.into_iter().chain(Figure::UNKNOWN) {
            let mut inside = 0;
            for i in 0..400 {
                for j in 0..400 {
                    let (u, v) = (i as f32 / 100.0 - 1.995, j as f32 / 100.0 - 1.995);
                    if figure.contains(u, v) {
                        inside += 1;
                        assert!(u.hypot(v) <= 1.0, "{figure:?} reaches ({u}, {v})");
                    }
                }
            }
            let part = inside as f32 / (100.0 * 100.0 * std::f32::consts::PI);
            assert!(
                (0.15..0.9).contains(&part),
                "{figure:?} fills {part} of the circle"
            );
        }
    }

    #[test]
    fn the_ground_contrasts_with_any_figure() {
        let mut random = generator(Purpose::Shapes, &[1]);
        for _ in 0..10_000 {
            let ink = colour(&mut random);
            let lighter = luminance(ink) < 127.0;
            let ground = contrasting(ink, lighter, &mut random);
            let difference = luminance(ground) - luminance(ink);
            assert_eq!(difference > 0.0, lighter);
            assert!(difference.abs() > CONTRAST - 0.01, "{ink:?} on {ground:?}");
            assert!(
                ground.iter().all(|v| (0.0..=255.0).contains(v)),
                "{ground:?}"
            );
        }
    }

    #[test]
    fn the_noise_has_mean_0_and_variance_1() {
        let mut random = generator(Purpose::Shapes, &[2]);
        let (mut sum, mut squares, n) = (0.0f64, 0.0f64, 100_000);
        for _ in 0..n {
            let x = f64::from(nearly_normal(&mut random));
            sum += x;
            squares += x * x;
        }
        // Five standard errors: 5 / sqrt(n) and 5 * sqrt(2 / n).
        assert!((sum / f64::from(n)).abs() < 0.016);
        assert!((squares / f64::from(n) - 1.0).abs() < 0.023);
    }
}
