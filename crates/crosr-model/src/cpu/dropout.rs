//! Dropout whose mask is a function of a key and the position, not of a generator's state.

use rayon::prelude::*;

use crate::cpu::columns::load;
use crate::cpu::dispatch::{self, Op, dispatch};
use crate::cpu::elementwise::CHUNK;
use crate::cpu::simd::{Portable, Simd, unroll};

/// Elements that share a run of counters: each counter gives one number to the
/// first half and one to the second.
const BLOCK: usize = 64;

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
        let (block, at) = (index / BLOCK as u64, index as usize % BLOCK);
        let half = BLOCK / 2;
        let counter = block * half as u64 + (at % half) as u64;
        let counter = [counter as u32, (counter >> 32) as u32];
        // SAFETY: the portable instructions are those of every machine.
        let numbers = unsafe { threefry::<Portable>(counter, self.words()) };
        u64::from(numbers[at / half][0]) < self.threshold
    }

    /// `y = x * mask / (1 - p)`; for the backward pass, the same with gradients.
    pub fn apply(&self, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len(), "length of the output");
        let path = dispatch::current();
        // At most 2^32 - 1 for every p < 1 that rounds below one.
        let limit = u32::try_from(self.threshold).unwrap_or(u32::MAX);
        let (scale, key) = (self.scale, self.words());
        y.par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .enumerate()
            .for_each(|(i, (y, x))| {
                let first = (i * CHUNK / 2) as u64;
                // SAFETY: `Mask` asks for equal lengths, which chunks of equal
                // slices have.
                unsafe {
                    dispatch(
                        path,
                        Mask {
                            x,
                            y,
                            first,
                            key,
                            limit,
                            scale,
                        },
                    )
                }
            });
    }

    fn words(&self) -> [u32; 2] {
        [self.key as u32, (self.key >> 32) as u32]
    }
}

/// The SplitMix64 output function.
fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `y` = `x * scale` where the number of an element reaches `limit`, 0
/// elsewhere; `first` is the counter of the first element.
///
/// # Safety
/// `x` and `y` have the same length.
struct Mask<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    first: u64,
    key: [u32; 2],
    limit: u32,
    scale: f32,
}

impl Op for Mask<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        const { assert!(BLOCK.is_multiple_of(2 * S::LANES)) };
        let len = self.x.len();
        let (x, y) = (self.x.as_ptr(), self.y.as_mut_ptr());
        for block in (0..len).step_by(BLOCK) {
            let counter = self.first + block as u64 / 2;
            for lane in (0..BLOCK / 2).step_by(S::LANES) {
                // SAFETY: `at < len`, and no more than `len - at` lanes are used.
                unsafe {
                    // The low word does not wrap within a block.
                    let counter = [counter as u32 + lane as u32, (counter >> 32) as u32];
                    let numbers = threefry::<S>(counter, self.key);
                    for (half, &number) in numbers.iter().enumerate() {
                        let at = block + half * (BLOCK / 2) + lane;
                        if at >= len {
                            continue;
                        }
                        let count = (len - at).min(S::LANES);
                        let part = (count < S::LANES).then_some(count);
                        let v = S::mul(load::<S>(x.add(at), part), S::splat(self.scale));
                        let v = S::where_at_least(number, S::splat_u32(self.limit), v);
                        match part {
                            None => S::store(y.add(at), v),
                            Some(count) => S::store_part(y.add(at), v, count),
                        }
                    }
                }
            }
        }
    }
}

/// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw 2011): 64 random
/// bits of `counter` and of the next ones, a lane each, without multiplications.
///
/// # Safety
/// As for [`Simd`].
#[inline(always)]
unsafe fn threefry<S: Simd>(counter: [u32; 2], key: [u32; 2]) -> [S::U; 2] {
    let keys = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd1_1bda];
    // SAFETY: the caller's.
    unsafe {
        let mut x = S::add_u32(S::count_u32(counter[0]), S::splat_u32(keys[0]));
        let mut y = S::splat_u32(counter[1].wrapping_add(keys[1]));
        macro_rules! rounds {
            ($($left:literal)*) => {
                $(
                    x = S::add_u32(x, y);
                    y = S::xor_u32(S::rotate_u32::<$left, { 32 - $left }>(y), x);
                )*
            };
        }
        unroll!(group < 5 => {
            if group % 2 == 0 {
                rounds!(13 15 26 6);
            } else {
                rounds!(17 29 16 24);
            }
            let next: usize = group + 1;
            let second = keys[(next + 1) % 3].wrapping_add(next as u32);
            x = S::add_u32(x, S::splat_u32(keys[next % 3]));
            y = S::add_u32(y, S::splat_u32(second));
        });
        [x, y]
    }
}

#[cfg(test)]
mod tests {
    use super::{Portable, threefry};

    /// The known answers of the authors' own distribution (Random123).
    #[test]
    fn threefry_gives_the_known_answers() {
        for (counter, key, answer) in [
            ([0, 0], [0, 0], [0x6b20_0159, 0x99ba_4efe]),
            ([!0, !0], [!0, !0], [0x1cb9_96fc, 0xbb00_2be7]),
            (
                [0x243f_6a88, 0x85a3_08d3],
                [0x1319_8a2e, 0x0370_7344],
                [0xc492_3a9c, 0x483d_f7a0],
            ),
        ] {
            // SAFETY: the portable instructions are those of every machine.
            let [x, y] = unsafe { threefry::<Portable>(counter, key) };
            assert_eq!([x[0], y[0]], answer);
        }
    }
}
