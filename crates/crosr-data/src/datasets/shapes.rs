//! Drawn shapes: data that need no download, with kinds to know and kinds never to be told of.

use rand_chacha::ChaCha8Rng;

use crate::dataset::{Dataset, Sample, in_range};
use crate::error::{DataError, Result};
use crate::image::{Image, PixelFormat};
use crate::random::{Purpose, below, between, generator, unit};

const SIDE: usize = 32;
/// Points per pixel and direction at which the outline is tested.
const GRID: usize = 3;
const KNOWN: [&str; 6] = ["disc", "square", "triangle", "cross", "ring", "star"];
const UNKNOWN: [&str; 4] = ["heart", "crescent", "zigzag", "dumbbell"];
/// Least difference in luminance between the figure and either colour of the ground.
const CONTRAST: f32 = 55.0;

/// 32 x 32 colour pictures of one figure each: six known kinds, four unknown ones.
///
/// Figures vary in size, place, rotation and colour, lighter or darker than a ground that is
/// plain, graded, striped, chequered or clouded; so a linear classifier on pixels learns little.
/// Sample i follows from (seed, i) and is drawn when asked for.
pub struct Shapes {
    class_names: Vec<String>,
    /// Kinds drawn, known ones counted before unknown ones.
    kinds: std::ops::Range<usize>,
    n: usize,
    seed: u64,
}

impl Shapes {
    /// `n` pictures of the known kinds in turn.
    pub fn known(n: usize, seed: u64) -> Self {
        Self::of(0..KNOWN.len(), n, seed)
    }

    /// `n` pictures of the unknown kinds in turn, without labels.
    pub fn unknown(n: usize, seed: u64) -> Self {
        Self::of(KNOWN.len()..KNOWN.len() + UNKNOWN.len(), n, seed)
    }

    /// `n` pictures of one unknown kind, a position in [`Shapes::unknown_kinds`].
    ///
    /// # Errors
    /// [`DataError::Classes`] for a kind that does not exist.
    pub fn unknown_kind(kind: usize, n: usize, seed: u64) -> Result<Self> {
        if kind >= UNKNOWN.len() {
            return Err(DataError::Classes {
                what: format!("unknown shape {kind} of {}", UNKNOWN.len()),
            });
        }
        Ok(Self::of(
            KNOWN.len() + kind..KNOWN.len() + kind + 1,
            n,
            seed,
        ))
    }

    /// Names of the unknown kinds.
    pub fn unknown_kinds() -> &'static [&'static str] {
        &UNKNOWN
    }

    fn of(kinds: std::ops::Range<usize>, n: usize, seed: u64) -> Self {
        Self {
            class_names: KNOWN.map(str::to_owned).to_vec(),
            kinds,
            n,
            seed,
        }
    }

    fn kind(&self, index: usize) -> usize {
        self.kinds.start + index % self.kinds.len().max(1)
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
        let label = self.label(index)?;
        let kind = self.kind(index);
        let mut random = generator(Purpose::Shapes, &[self.seed, kind as u64, index as u64]);
        Ok(Sample {
            image: draw(kind, &mut random)?,
            label,
        })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        in_range(index, self.n)?;
        let kind = self.kind(index);
        Ok((kind < KNOWN.len()).then_some(kind))
    }
}

type Colour = [f32; 3];

fn luminance(colour: Colour) -> f32 {
    0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
}

fn colour(random: &mut ChaCha8Rng) -> Colour {
    std::array::from_fn(|_| between(random, 0.0, 255.0))
}

/// A colour on either side of the figure's luminance, the same side for all that contrast with it.
fn contrasting(figure: Colour, lighter: bool, random: &mut ChaCha8Rng) -> Colour {
    let wanted = luminance(figure) + if lighter { CONTRAST } else { -CONTRAST };
    let fits = |c: Colour| {
        if lighter {
            luminance(c) >= wanted
        } else {
            luminance(c) <= wanted
        }
    };
    let mut best = colour(random);
    for _ in 0..64 {
        if fits(best) {
            return best;
        }
        best = colour(random);
    }
    // Rare: white or black is as far away as it gets.
    if lighter { [255.0; 3] } else { [0.0; 3] }
}

fn mixed(a: Colour, b: Colour, part: f32) -> Colour {
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * part)
}

/// The ground's share of its second colour at each pixel.
fn ground(random: &mut ChaCha8Rng) -> Vec<f32> {
    let pattern = below(random, 5);
    let angle = between(random, 0.0, std::f32::consts::TAU);
    let (sin, cos) = angle.sin_cos();
    let period = between(random, 4.0, 12.0);
    let phase = between(random, 0.0, period);
    // Cloud: a coarse grid of random values, smoothly interpolated.
    let cloud: [f32; 36] = std::array::from_fn(|_| unit(random));
    let at = |x: f32, y: f32| -> f32 {
        let (u, v) = (cos * x + sin * y, cos * y - sin * x);
        let band = |t: f32| ((t + phase).rem_euclid(period) < 0.5 * period) as u8;
        match pattern {
            0 => 0.0,
            1 => (u / SIDE as f32 + 0.5).clamp(0.0, 1.0),
            2 => f32::from(band(u)),
            3 => f32::from(band(u) ^ band(v)),
            _ => {
                let (x, y) = ((x + 16.0) / 6.5, (y + 16.0) / 6.5);
                let (i, j) = ((x as usize).min(4), (y as usize).min(4));
                let ease = |t: f32| t * t * (3.0 - 2.0 * t);
                let (a, b) = (ease((x - i as f32).min(1.0)), ease((y - j as f32).min(1.0)));
                let row = |j: usize| cloud[j * 6 + i] * (1.0 - a) + cloud[j * 6 + i + 1] * a;
                row(j) * (1.0 - b) + row(j + 1) * b
            }
        }
    };
    (0..SIDE * SIDE)
        .map(|pixel| {
            at(
                (pixel % SIDE) as f32 + 0.5 - 16.0,
                (pixel / SIDE) as f32 + 0.5 - 16.0,
            )
        })
        .collect()
}

fn draw(kind: usize, random: &mut ChaCha8Rng) -> Result<Image> {
    let figure = colour(random);
    let light = luminance(figure);
    let lighter = if light < CONTRAST + 20.0 {
        true
    } else if light > 235.0 - CONTRAST {
        false
    } else {
        unit(random) < 0.5
    };
    let first = contrasting(figure, lighter, random);
    let second = contrasting(figure, lighter, random);
    let shares = ground(random);
    let radius = between(random, 7.5, 13.0);
    let room = 15.5 - radius;
    let (mid_x, mid_y) = (
        16.0 + between(random, -room, room),
        16.0 + between(random, -room, room),
    );
    let (sin, cos) = between(random, 0.0, std::f32::consts::TAU).sin_cos();
    let mut pixels = Vec::with_capacity(SIDE * SIDE * 3);
    for (pixel, share) in shares.into_iter().enumerate() {
        let (x, y) = ((pixel % SIDE) as f32 - mid_x, (pixel / SIDE) as f32 - mid_y);
        let coverage = if x.abs() > radius + 2.0 || y.abs() > radius + 2.0 {
            0.0
        } else {
            let mut hits = 0;
            for point in 0..GRID * GRID {
                let at = |k: usize| (k as f32 + 0.5) / GRID as f32;
                let (px, py) = (x + at(point % GRID), y + at(point / GRID));
                let (u, v) = (
                    (cos * px + sin * py) / radius,
                    (cos * py - sin * px) / radius,
                );
                hits += usize::from(inside(kind, u, v));
            }
            hits as f32 / (GRID * GRID) as f32
        };
        let base = mixed(mixed(first, second, share), figure, coverage);
        for value in base {
            // The sum of three uniform values is close enough to normal for pixel noise.
            let noise = (unit(random) + unit(random) + unit(random) - 1.5) * 12.0;
            pixels.push((value + noise + 0.5).clamp(0.0, 255.0) as u8);
        }
    }
    Image::new(SIDE, SIDE, PixelFormat::Rgb, pixels)
}

/// Whether a point lies in a figure that about fills the unit circle.
fn inside(kind: usize, u: f32, v: f32) -> bool {
    let r = u.hypot(v);
    match kind {
        // disc
        0 => r <= 0.92,
        // square
        1 => u.abs().max(v.abs()) <= 0.76,
        // triangle: within half a unit along each of three directions
        2 => {
            let third = 3f32.sqrt() * 0.5;
            v >= -0.5 && third * u + 0.5 * v <= 0.5 && -third * u + 0.5 * v <= 0.5
        }
        // cross
        3 => u.abs().min(v.abs()) <= 0.27 && u.abs().max(v.abs()) <= 0.95,
        // ring
        4 => (0.52..=0.95).contains(&r),
        // star: five points, folded into half of one
        5 => {
            let sector = std::f32::consts::TAU / 5.0;
            let folded = ((v.atan2(u) + 0.5 * sector).rem_euclid(sector) - 0.5 * sector).abs();
            let (x, y) = (r * folded.cos(), r * folded.sin());
            let (bx, by) = (0.4 * (0.5 * sector).cos(), 0.4 * (0.5 * sector).sin());
            (bx - 1.0) * y - by * (x - 1.0) >= 0.0
        }
        // heart: (x² + y² − 1)³ ≤ x² y³
        6 => {
            let (x, y) = (1.2 * u, 1.2 * v + 0.12);
            let a = x * x + y * y - 1.0;
            a * a * a <= x * x * y * y * y
        }
        // crescent
        7 => r <= 0.95 && (u - 0.42).hypot(v) >= 0.72,
        // zigzag: two bars and the diagonal between them
        8 => {
            let bar = (0.55..=0.88).contains(&v.abs()) && u.abs() <= 0.72;
            bar || (v.abs() <= 0.88 && (u - 0.62 * v).abs() <= 0.2)
        }
        // dumbbell
        _ => (u.abs() - 0.58).hypot(v) <= 0.36 || (v.abs() <= 0.1 && u.abs() <= 0.58),
    }
}
