//! Random numbers that follow from what they are for, never from a thread or a clock.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A generator for one purpose, named by a list of numbers such as (seed, epoch, sample).
pub(crate) fn generator(purpose: &[u64]) -> ChaCha8Rng {
    let mut state = 0u64;
    for &number in purpose {
        state = mix(state ^ mix(number));
    }
    ChaCha8Rng::seed_from_u64(state)
}

/// The SplitMix64 output function (Steele, Lea and Flood, 2014).
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

/// Uniform in [low, high).
pub(crate) fn between(random: &mut impl Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * unit(random)
}

/// Uniform in 0..n; 0 for n = 0.
pub(crate) fn below(random: &mut impl Rng, n: usize) -> usize {
    // The product's bias, n / 2^64, is far below anything that can be noticed.
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

/// Fisher and Yates's shuffle.
pub(crate) fn shuffle<T>(items: &mut [T], random: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(random, last + 1));
    }
}
