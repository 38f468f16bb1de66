//! Gradient of the weight in the transformed domain.

use rayon::prelude::*;

use crate::cpu::conv3x3::Conv3x3;
use crate::cpu::dispatch::{self, Op, Path, dispatch};
use crate::cpu::gemm::{Gemm, Order};
use crate::cpu::packing::spread;
use crate::cpu::scratch::{Scratch, Shared, scratch};
use crate::cpu::simd::Simd;
use crate::cpu::winograd::tiles::{Layout, Tiles, prefetch_share};
use crate::cpu::winograd::{POINTS, weights};

/// Tiles of one strip, where ranges of tiles are summed by themselves.
const STRIP: usize = 32;
/// Ranges of tiles that are summed by themselves.
const RANGES: usize = 8;
/// Largest sum (in numbers) that a task keeps to itself.
const OWN_SUM: usize = 700_000;
/// Tiles of one chunk, where all tasks work on one sum.
const CHUNK: usize = 128;
/// Tiles whose output gradients are summed together; divides the two above.
const GROUP: usize = 16;

/// Gradients of the weight and, if asked for, of the bias.
///
/// Two ways, chosen by the size of the sum in the transformed domain. A small
/// one is held once for each of a fixed number of ranges of tiles: a task
/// transforms a strip, multiplies it while it is in the cache, and so on; the
/// ranges are added in order. A large one is held once: chunks of tiles are
/// taken in order, their tiles transformed in parallel, and each of the 36
/// points then adds its product.
pub(crate) fn weight_gradient(
    d: &Conv3x3,
    x: &[f32],
    dy: &[f32],
    dweight: &mut [f32],
    dbias: Option<&mut [f32]>,
) {
    let path = dispatch::current();
    let ld = spread(d.c_out);
    let size = POINTS * spread(d.c_in * ld);
    let sums = if size <= OWN_SUM {
        by_ranges
    } else {
        by_chunks
    };
    let tiles = Tiles::new(d.n, d.h, d.w).count;
    let mut pixels = scratch(tiles.div_ceil(GROUP) * ld);
    let sums = sums(path, d, x, dy, ld, &mut pixels);
    weights::gradient(path, &sums, (d.c_in, d.c_out, ld), dweight);
    if let Some(dbias) = dbias {
        for (channel, sum) in dbias.iter_mut().enumerate() {
            let column = pixels.iter().skip(channel).step_by(ld);
            *sum = column.map(|&v| f64::from(v)).sum::<f64>() as f32;
        }
    }
}

/// The sums of all tiles, `c_in x ld` for each point (see
/// [`weights::gradient`]); `pixels` receives the
/// sums of the output gradient over each group of tiles.
fn by_ranges(
    path: Path,
    d: &Conv3x3,
    x: &[f32],
    dy: &[f32],
    ld: usize,
    pixels: &mut [f32],
) -> Scratch {
    let tiles = Tiles::new(d.n, d.h, d.w);
    let range = tiles.count.div_ceil(RANGES).next_multiple_of(STRIP);
    let ranges = tiles.count.div_ceil(range);
    let (input, output) = (Layout::new(STRIP, d.c_in), Layout::new(STRIP, d.c_out));
    let size = POINTS * spread(d.c_in * ld);
    let zeros = vec![0.0; d.c_in.max(d.c_out)];
    let mut sums = scratch(ranges * size);
    let shared = Shared::new(pixels);
    sums.par_chunks_mut(size)
        .enumerate()
        .for_each(|(task, sum)| {
            let (mut v, mut g) = (scratch(input.len()), scratch(output.len()));
            let (first, end) = (task * range, ((task + 1) * range).min(tiles.count));
            for at in (first..end).step_by(STRIP) {
                let range = (at, STRIP.min(end - at));
                // SAFETY: `x` and `dy` have the lengths of the shape, the
                // buffers those of their layouts; each group of tiles has its
                // own row of sums.
                unsafe {
                    let (x, dy, zeros) = (x.as_ptr(), dy.as_ptr(), zeros.as_ptr());
                    let (from, channels, layout, out) = (x, d.c_in, input, v.as_mut_ptr());
                    dispatch(
                        path,
                        TransformInput {
                            tiles,
                            range,
                            zeros,
                            from,
                            channels,
                            layout,
                            out,
                        },
                    );
                    for at in (0..range.1).step_by(GROUP) {
                        let range = (range.0 + at, GROUP.min(range.1 - at));
                        let (from, channels, layout) = (dy, d.c_out, output);
                        let out = g.as_mut_ptr().add(at * output.tile);
                        let sums = shared.at(range.0 / GROUP * ld);
                        let op = TransformGradient {
                            tiles,
                            range,
                            zeros,
                            from,
                            channels,
                            layout,
                            out,
                            sums,
                        };
                        dispatch(path, op);
                    }
                }
                let next = tiles.span(at + STRIP, STRIP);
                for (point, sum) in sum.chunks_exact_mut(spread(d.c_in * ld)).enumerate() {
                    // SAFETY: `Prefetch` asks for nothing.
                    unsafe {
                        dispatch(
                            path,
                            Prefetch {
                                x,
                                dy,
                                next,
                                c_in: d.c_in,
                                c_out: d.c_out,
                                point,
                            },
                        );
                    }
                    let tiles = Operands {
                        v: &v,
                        input,
                        g: &g,
                        output,
                        count: range.1,
                    };
                    multiply(path, d, tiles, point, sum, ld, at > first);
                }
            }
        });
    const PART: usize = 4096;
    let (total, rest) = sums.split_at_mut(size);
    total
        .par_chunks_mut(PART)
        .enumerate()
        .for_each(|(i, total)| {
            for other in rest.chunks_exact(size) {
                let other = &other[i * PART..i * PART + total.len()];
                total.iter_mut().zip(other).for_each(|(t, o)| *t += o);
            }
        });
    sums
}

/// The sums of all tiles, `c_in x ld` for each point (see
/// [`weights::gradient`]); `pixels` receives the
/// sums of the output gradient over each group of tiles.
fn by_chunks(
    path: Path,
    d: &Conv3x3,
    x: &[f32],
    dy: &[f32],
    ld: usize,
    pixels: &mut [f32],
) -> Scratch {
    let tiles = Tiles::new(d.n, d.h, d.w);
    let chunk = CHUNK.min(tiles.count.next_multiple_of(GROUP));
    let (input, output) = (Layout::new(chunk, d.c_in), Layout::new(chunk, d.c_out));
    let zeros = vec![0.0; d.c_in.max(d.c_out)];
    let (mut v, mut g) = (scratch(input.len()), scratch(output.len()));
    let mut sums = scratch(POINTS * spread(d.c_in * ld));
    let shared = Shared::new(pixels);
    for first in (0..tiles.count).step_by(chunk) {
        let count = chunk.min(tiles.count - first);
        let (shared_v, shared_g) = (Shared::new(&mut v), Shared::new(&mut g));
        (0..2 * count.div_ceil(GROUP))
            .into_par_iter()
            .for_each(|task| {
                let at = task / 2 * GROUP;
                let range = (first + at, GROUP.min(count - at));
                let zeros = zeros.as_ptr();
                // SAFETY: as above; each task writes its own tiles and sums.
                unsafe {
                    if task % 2 == 0 {
                        let (from, channels, layout) = (x.as_ptr(), d.c_in, input);
                        let out = shared_v.at(at * input.tile);
                        dispatch(
                            path,
                            TransformInput {
                                tiles,
                                range,
                                zeros,
                                from,
                                channels,
                                layout,
                                out,
                            },
                        );
                    } else {
                        let (from, channels, layout) = (dy.as_ptr(), d.c_out, output);
                        let out = shared_g.at(at * output.tile);
                        let sums = shared.at(range.0 / GROUP * ld);
                        let op = TransformGradient {
                            tiles,
                            range,
                            zeros,
                            from,
                            channels,
                            layout,
                            out,
                            sums,
                        };
                        dispatch(path, op);
                    }
                }
            });
        sums.par_chunks_mut(spread(d.c_in * ld))
            .enumerate()
            .for_each(|(point, sum)| {
                let tiles = Operands {
                    v: &v,
                    input,
                    g: &g,
                    output,
                    count,
                };
                multiply(path, d, tiles, point, sum, ld, first > 0);
            });
    }
    sums
}

/// Transformed tiles of the input and of the output gradient.
struct Operands<'a> {
    v: &'a [f32],
    input: Layout,
    g: &'a [f32],
    output: Layout,
    count: usize,
}

/// `sum (+)= V^T G` at one point.
fn multiply(
    path: Path,
    d: &Conv3x3,
    tiles: Operands<'_>,
    point: usize,
    sum: &mut [f32],
    ld: usize,
    accumulate: bool,
) {
    let Operands {
        v,
        input,
        g,
        output,
        count,
    } = tiles;
    assert!(v.len() >= (point + 1) * input.point && g.len() >= (point + 1) * output.point);
    assert!(count * input.tile <= input.point && sum.len() >= d.c_in * ld);
    // SAFETY: `count` rows of both transformed matrices and `c_in` rows of the
    // sum, by the assertions.
    unsafe {
        dispatch(
            path,
            Gemm {
                order: Order::ColumnMajor,
                m: d.c_in,
                n: d.c_out,
                k: count,
                segments: 1,
                groups: 1,
                a: v.as_ptr().add(point * input.point),
                a_ld: input.tile,
                a_seg: 0,
                a_group: 0,
                b: g.as_ptr().add(point * output.point),
                b_ld: output.tile,
                b_seg: 0,
                b_panel: 2 * path.lanes(),
                c: sum.as_mut_ptr(),
                c_ld: ld,
                c_group: 0,
                accumulate,
                bias: std::ptr::null(),
                relu: false,
            },
        );
    }
}

/// The transform of some tiles of the input.
///
/// # Safety
/// That of [`Tiles::transform_input`].
struct TransformInput {
    tiles: Tiles,
    range: (usize, usize),
    zeros: *const f32,
    from: *const f32,
    channels: usize,
    layout: Layout,
    out: *mut f32,
}

impl Op for TransformInput {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self {
            tiles,
            range,
            zeros,
            from,
            channels,
            layout,
            out,
        } = self;
        // SAFETY: the contract of the type.
        unsafe { tiles.transform_input::<S>(range, from, channels, zeros, out, layout) }
    }
}

/// The transform of some tiles of the output gradient.
///
/// # Safety
/// That of [`Tiles::transform_output_gradient`].
struct TransformGradient {
    tiles: Tiles,
    range: (usize, usize),
    zeros: *const f32,
    from: *const f32,
    channels: usize,
    layout: Layout,
    out: *mut f32,
    sums: *mut f32,
}

impl Op for TransformGradient {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self {
            tiles,
            range,
            zeros,
            from,
            channels,
            layout,
            out,
            sums,
        } = self;
        // SAFETY: the contract of the type.
        unsafe {
            tiles.transform_output_gradient::<S>(range, from, channels, zeros, out, layout, sums);
        }
    }
}

/// Fetches a share of the next strip's pixels while this one is multiplied.
struct Prefetch<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    next: (usize, usize),
    c_in: usize,
    c_out: usize,
    point: usize,
}

impl Op for Prefetch<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        prefetch_share::<S>(self.x.as_ptr(), self.next, self.c_in, self.point);
        prefetch_share::<S>(self.dy.as_ptr(), self.next, self.c_out, self.point);
    }
}
