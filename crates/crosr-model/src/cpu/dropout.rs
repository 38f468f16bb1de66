//! Dropout whose mask is a function of a key and the position, not of a generator's state.

use rayon::prelude::*;

use crate::cpu::dispatch;
use crate::cpu::elementwise::{CHUNK, vectorised};

/// Dropout: each element is zero with probability `p`, else multiplied by `1 / (1 - p)`.
///
/// Whether element `i` stays depends on `key`, `i` and nothing else, so the
/// backward pass asks again instead of storing a mask, and neither threads nor
/// the order of work change it. Forward and backward are the same function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    key: u64,
    /// Elements whose 32-bit number is below this are dropped.
    threshold: u64,
    scale: f32,
}

impl Dropout {
    /// Dropout with probability `p` for one layer in one step.
    ///
    /// The three numbers are mixed into the key by the SplitMix64 finaliser
    /// (Steele, Lea and Flood 2014).
    ///
    /// # Panics
    /// Unless `0 <= p < 1`.
    pub fn new(p: f64, seed: u64, layer: u64, step: u64) -> Self {
        assert!(
            (0.0..1.0).contains(&p),
            "dropout probability {p} outside [0, 1)"
        );
        let key = mix(mix(mix(seed) ^ layer) ^ step);
        let threshold = (p * 2f64.powi(32)).round() as u64;
        Self {
            key,
            threshold,
            scale: (1.0 / (1.0 - p)) as f32,
        }
    }

    /// Whether element `index` is dropped.
    pub fn drops(&self, index: u64) -> bool {
        let high = mix(self.key ^ (index >> 32));
        u64::from(number(index as u32, high as u32, (high >> 32) as u32)) < self.threshold
    }

    /// `y = x * mask / (1 - p)`; for the backward pass, the same with gradients.
    pub fn apply(&self, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len(), "length of the output");
        let path = dispatch::current();
        let (scale, threshold) = (self.scale, self.threshold);
        y.par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .enumerate()
            .for_each(|(i, (y, x))| {
                let first = (i * CHUNK) as u64;
                // A chunk never crosses a multiple of 2^32: its size divides that.
                let high = mix(self.key ^ (first >> 32));
                let (k0, k1, first) = (high as u32, (high >> 32) as u32, first as u32);
                // At most 2^32 - 1 for every p < 1 that rounds below one.
                let threshold = u32::try_from(threshold).unwrap_or(u32::MAX);
                vectorised(
                    path,
                    #[inline(always)]
                    || {
                        for (j, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                            let stays = number(first.wrapping_add(j as u32), k0, k1) >= threshold;
                            *y = if stays { x * scale } else { 0.0 };
                        }
                    },
                );
            });
    }
}

/// The SplitMix64 output function.
fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 32 random bits of a counter: two rounds of the MurmurHash3 finaliser, a key
/// before each.
#[inline(always)]
fn number(counter: u32, k0: u32, k1: u32) -> u32 {
    finalise(finalise(counter ^ k0).wrapping_add(k1))
}

#[inline(always)]
fn finalise(mut h: u32) -> u32 {
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}
