//! Sums over the rows of a `[rows, channels]` matrix, channel by channel.
//!
//! Rows are cut into chunks of a size that the number of channels alone
//! decides. A chunk is summed in single precision, by vectors of channels and
//! row after row; chunks are added in double precision, in order.

use rayon::prelude::*;

use crate::cpu::dispatch::{self, Op, dispatch};
use crate::cpu::scratch::scratch;
use crate::cpu::simd::{Simd, unroll};

/// Rows of a chunk: about 64 KiB.
pub(crate) fn chunk_rows(channels: usize) -> usize {
    (16_384 / channels.max(1)).max(1)
}

/// Runs `f(first channel, lanes)` for all vectors of `channels`, the last one
/// perhaps narrower.
#[inline(always)]
pub(crate) fn for_vectors<S: Simd>(channels: usize, mut f: impl FnMut(usize, usize)) {
    let mut at = 0;
    while at + S::LANES <= channels {
        f(at, S::LANES);
        at += S::LANES;
    }
    if at < channels {
        f(at, channels - at);
    }
}

/// For each channel the sums of `SUMS` quantities over `rows` rows.
///
/// `term(offset, channel, part)` gives the quantities of a vector of channels
/// whose first element is `offset` from the start of the matrix; `part` is the
/// number of lanes if not all. `sums` receives `SUMS` rows of `channels`.
///
/// # Safety
/// The caller is compiled for `S`; `term` may be called for every vector.
#[inline(always)]
pub(crate) unsafe fn sum_rows<S: Simd, const SUMS: usize>(
    rows: usize,
    channels: usize,
    sums: &mut [f32],
    term: impl Fn(usize, usize, Option<usize>) -> [S::V; SUMS],
) {
    assert!(sums.len() >= SUMS * channels);
    let mut channel = 0;
    while channel < channels {
        let left = channels - channel;
        // SAFETY: channels `channel..channel + left` of the sums exist by the
        // assertion; the rest is the caller's promise.
        unsafe {
            let out = sums.as_mut_ptr().add(channel);
            if left >= 4 * S::LANES {
                let mut sum = [[S::splat(0.0); SUMS]; 4];
                for row in 0..rows {
                    unroll!(v < 4 => {
                        let at = channel + v * S::LANES;
                        let term = term(row * channels + at, at, None);
                        unroll!(i < SUMS => {
                            sum[v][i] = S::add(sum[v][i], term[i]);
                        });
                    });
                }
                unroll!(v < 4 => {
                    unroll!(i < SUMS => {
                        S::store(out.add(i * channels + v * S::LANES), sum[v][i]);
                    });
                });
                channel += 4 * S::LANES;
            } else {
                let lanes = left.min(S::LANES);
                let part = (lanes < S::LANES).then_some(lanes);
                let mut sum = [S::splat(0.0); SUMS];
                for row in 0..rows {
                    let term = term(row * channels + channel, channel, part);
                    unroll!(i < SUMS => {
                        sum[i] = S::add(sum[i], term[i]);
                    });
                }
                unroll!(i < SUMS => {
                    S::store_part(out.add(i * channels), sum[i], lanes);
                });
                channel += lanes;
            }
        }
    }
}

/// Loads a whole vector, or the first lanes of one.
///
/// # Safety
/// The lanes asked for are readable; the caller is compiled for `S`.
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(p: *const f32, part: Option<usize>) -> S::V {
    // SAFETY: the caller's promise.
    unsafe {
        match part {
            None => S::load(p),
            Some(lanes) => S::load_part(p, lanes),
        }
    }
}

struct Sums<'a> {
    x: &'a [f32],
    channels: usize,
    sums: &'a mut [f32],
}

impl Op for Sums<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let x = self.x.as_ptr();
        let rows = self.x.len() / self.channels;
        // SAFETY: `sum_rows` asks for elements of whole rows of `x`.
        unsafe {
            sum_rows::<S, 1>(
                rows,
                self.channels,
                self.sums,
                #[inline(always)]
                |at, _, part| [load::<S>(x.add(at), part)],
            );
        }
    }
}

/// `sums[c]` = sum over the rows of `x` of element `c`.
pub(crate) fn column_sums(x: &[f32], sums: &mut [f32]) {
    let channels = sums.len();
    if channels == 0 {
        return;
    }
    let path = dispatch::current();
    let rows = chunk_rows(channels);
    let chunks = (x.len() / channels).div_ceil(rows);
    let mut partial = scratch(chunks * channels);
    partial
        .par_chunks_mut(channels)
        .zip(x.par_chunks(rows * channels))
        .for_each(|(sums, x)| {
            // SAFETY: `Sums` asks for nothing.
            unsafe { dispatch(path, Sums { x, channels, sums }) }
        });
    for (c, sum) in sums.iter_mut().enumerate() {
        *sum = partial
            .iter()
            .skip(c)
            .step_by(channels)
            .map(|&v| f64::from(v))
            .sum::<f64>() as f32;
    }
}
