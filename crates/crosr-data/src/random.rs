//! Random numbers that follow from what they are for, never from a thread or a clock.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What numbers are drawn for: equal seeds give unrelated streams for different purposes.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Augmentation = 1,
    Order = 2,
    Split = 3,
    Shapes = 4,
    GaussianNoise = 5,
    UniformNoise = 6,
}

/// The generator for a purpose and what it depends on, such as (seed, epoch, sample).
pub(crate) fn generator(purpose: Purpose, numbers: &[u64]) -> ChaCha8Rng {
    let mut state = purpose as u64;
    for &number in numbers {
        state = mix(state ^ mix(number));
    }
    ChaCha8Rng::seed_from_u64(state)
}

/// The SplitMix64 output function (Steele, Lea and Flood, OOPSLA 2014).
fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Uniform in [0, 1).
pub(crate) fn unit(random: &mut impl Rng) -> f32 {
    (random.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Uniform from `low` to `high`.
pub(crate) fn between(random: &mut impl Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * unit(random)
}

/// Uniform in 0..n; 0 for n = 0.
pub(crate) fn below(random: &mut impl Rng, n: usize) -> usize {
    // The product's bias, n / 2^64, is far below anything that can be noticed.
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

/// The shuffle of Fisher and Yates.
pub(crate) fn shuffle<T>(items: &mut [T], random: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(random, last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_purpose_and_by_each_number() {
        let first = |purpose, numbers: &[u64]| generator(purpose, numbers).next_u64();
        let drawn = [
            first(Purpose::Order, &[1, 2, 3]),
            first(Purpose::Augmentation, &[1, 2, 3]),
            first(Purpose::Order, &[0, 2, 3]),
            first(Purpose::Order, &[1, 0, 3]),
            first(Purpose::Order, &[1, 2, 0]),
            first(Purpose::Order, &[2, 1, 3]),
        ];
        for (i, number) in drawn.iter().enumerate() {
            assert!(!drawn[..i].contains(number), "stream {i} repeats another");
        }
        assert_eq!(drawn[0], first(Purpose::Order, &[1, 2, 3]));
    }

    #[test]
    fn below_reaches_every_value_and_no_other() {
        let mut random = generator(Purpose::Order, &[7]);
        let mut counts = [0usize; 6];
        (0..6_000).for_each(|_| counts[below(&mut random, 6)] += 1);
        // Six standard deviations of a binomial count: 6 * sqrt(6000 / 6 * 5 / 6) = 173.
        assert!(
            counts.iter().all(|&n| n.abs_diff(1_000) < 173),
            "{counts:?}"
        );
        assert_eq!(below(&mut random, 0), 0);
    }

    #[test]
    fn a_shuffle_keeps_all_items() {
        let mut items: Vec<usize> = (0..100).collect();
        shuffle(&mut items, &mut generator(Purpose::Order, &[3]));
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
