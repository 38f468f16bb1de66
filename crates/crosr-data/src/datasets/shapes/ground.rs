//! What figures are drawn on: a pattern of two colours.

use rand_chacha::ChaCha8Rng;

use super::SIDE;
use crate::random::{below, between, unit};

/// Nodes of the grid of random values, a side.
const NODES: usize = 7;

#[derive(Clone, Copy)]
enum Pattern {
    Plain,
    Graded,
    Striped,
    Chequered,
    Clouded,
    Speckled,
}

const PATTERNS: [Pattern; 6] = [
    Pattern::Plain,
    Pattern::Graded,
    Pattern::Striped,
    Pattern::Chequered,
    Pattern::Clouded,
    Pattern::Speckled,
];

/// A pattern with its direction, period and random values.
pub(super) struct Ground {
    pattern: Pattern,
    sin: f32,
    cos: f32,
    period: f32,
    phase: f32,
    values: [f32; NODES * NODES],
    /// Two bits a speckle, sixteen speckles a side.
    speckles: [u32; 16],
}

impl Ground {
    pub(super) fn draw(random: &mut ChaCha8Rng) -> Self {
        use rand_chacha::rand_core::Rng;

        let pattern = PATTERNS[below(random, PATTERNS.len())];
        let (sin, cos) = between(random, 0.0, std::f32::consts::TAU).sin_cos();
        let period = between(random, 4.0, 12.0);
        let phase = between(random, 0.0, period);
        Self {
            pattern,
            sin,
            cos,
            period,
            phase,
            values: std::array::from_fn(|_| unit(random)),
            speckles: std::array::from_fn(|_| random.next_u32()),
        }
    }

    /// Part of the second colour at a pixel, within 0..=1.
    pub(super) fn share(&self, x: usize, y: usize) -> f32 {
        let half = SIDE as f32 * 0.5;
        let (px, py) = (x as f32 + 0.5 - half, y as f32 + 0.5 - half);
        let along = self.cos * px + self.sin * py;
        let across = self.cos * py - self.sin * px;
        let band = |t: f32| (t + self.phase).rem_euclid(self.period) < 0.5 * self.period;
        match self.pattern {
            Pattern::Plain => 0.0,
            Pattern::Graded => (along / SIDE as f32 + 0.5).clamp(0.0, 1.0),
            Pattern::Striped => f32::from(u8::from(band(along))),
            Pattern::Chequered => f32::from(u8::from(band(along) != band(across))),
            Pattern::Clouded => self.cloud(x, y),
            Pattern::Speckled => {
                let bits = self.speckles[y / 2 % 16] >> (x / 2 % 16 * 2) & 3;
                bits as f32 / 3.0
            }
        }
    }

    /// Random values on a grid, smoothly interpolated.
    fn cloud(&self, x: usize, y: usize) -> f32 {
        let step = (NODES - 1) as f32 / SIDE as f32;
        let (x, y) = ((x as f32 + 0.5) * step, (y as f32 + 0.5) * step);
        let (i, j) = ((x as usize).min(NODES - 2), (y as usize).min(NODES - 2));
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (a, b) = (ease(x - i as f32), ease(y - j as f32));
        let row = |j: usize| {
            let at = j * NODES + i;
            self.values[at] + (self.values[at + 1] - self.values[at]) * a
        };
        row(j) + (row(j + 1) - row(j)) * b
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, generator};

    #[test]
    fn shares_are_parts_and_every_pattern_but_the_plain_one_varies() {
        let mut random = generator(Purpose::Shapes, &[3]);
        let mut varying = [0; PATTERNS.len()];
        for _ in 0..600 {
            let ground = Ground::draw(&mut random);
            let shares: Vec<f32> = (0..SIDE * SIDE)
                .map(|p| ground.share(p % SIDE, p / SIDE))
                .collect();
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
            let varies = shares.iter().any(|share| *share != shares[0]);
            assert_eq!(varies, !matches!(ground.pattern, Pattern::Plain));
            varying[ground.pattern as usize] += 1;
        }
        assert!(varying.iter().all(|&n| n > 60), "{varying:?}");
    }
}
