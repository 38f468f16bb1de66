//! Forward pass and input gradient: strips of tiles that stay in the cache.

use rayon::prelude::*;

use crate::cpu::conv3x3::Conv3x3;
use crate::cpu::dispatch::{Op, Path, dispatch};
use crate::cpu::gemm::{Gemm, Order};
use crate::cpu::scratch::{Shared, scratch};
use crate::cpu::simd::Simd;
use crate::cpu::statistics::Moments;
use crate::cpu::winograd::tiles::{Finish, Layout, Tiles, prefetch_share};
use crate::cpu::winograd::{POINTS, TransformedWeight};

/// Tiles of one strip: two register blocks of eight rows, few enough that the
/// transformed tiles of 256 channels stay in a cache of 1 MiB.
const STRIP: usize = 16;

/// Pixels of the output that each task of [`correlate`] computes, if those are
/// contiguous.
pub(crate) fn task_pixels(d: &Conv3x3) -> Option<Vec<usize>> {
    let tiles = Tiles::new(d.n, d.h, d.w);
    let contiguous =
        d.h.is_multiple_of(4) && d.w.is_multiple_of(4) && STRIP.is_multiple_of(d.w / 4);
    contiguous.then(|| {
        (0..tiles.count)
            .step_by(STRIP)
            .map(|at| tiles.span(at, STRIP).1)
            .collect()
    })
}

/// `y = x * weight (+ bias)`, finished as `finish` says.
///
/// `moments` receives for each task the mean and the squared deviations of its
/// pixels, `2 * c_out` numbers; only where [`task_pixels`] knows them.
#[allow(clippy::too_many_arguments)]
pub(crate) fn correlate(
    path: Path,
    d: &Conv3x3,
    x: &[f32],
    weight: &TransformedWeight,
    bias: Option<&[f32]>,
    finish: Finish,
    y: &mut [f32],
    moments: Option<&mut [f32]>,
) {
    let tiles = Tiles::new(d.n, d.h, d.w);
    let input = Layout::new(STRIP, d.c_in);
    let output = Layout::new(STRIP, d.c_out);
    let zeros = vec![0.0; d.c_in];
    let shared = Shared::new(y);
    let moments = moments.map(Shared::new);
    (0..tiles.count.div_ceil(STRIP))
        .into_par_iter()
        .for_each(|task| {
            let first = task * STRIP;
            let mut v = scratch(input.len());
            let mut m = scratch(output.len());
            let op = Strip {
                d,
                tiles,
                range: (first, STRIP.min(tiles.count - first)),
                x: x.as_ptr(),
                zeros: zeros.as_ptr(),
                weight,
                bias: bias.map_or(std::ptr::null(), <[f32]>::as_ptr),
                finish,
                v: v.as_mut_ptr(),
                input,
                m: m.as_mut_ptr(),
                output,
                y: shared.at(0),
            };
            // SAFETY: the slices have the lengths of the shape (checked by
            // `Conv3x3`), the buffers those of their layouts, and the tiles of
            // different strips have no pixel in common.
            unsafe {
                dispatch(path, op);
                if let Some(moments) = moments {
                    let (from, pixels) = tiles.span(first, STRIP);
                    let x = &*shared.part(from * d.c_out, pixels * d.c_out);
                    let sums = moments.part(task * 2 * d.c_out, 2 * d.c_out);
                    dispatch(
                        path,
                        Moments {
                            x,
                            channels: d.c_out,
                            sums,
                        },
                    );
                }
            }
        });
}

/// One strip. The pointers are those of `correlate`.
struct Strip<'a> {
    d: &'a Conv3x3,
    tiles: Tiles,
    range: (usize, usize),
    x: *const f32,
    zeros: *const f32,
    weight: &'a TransformedWeight,
    bias: *const f32,
    finish: Finish,
    v: *mut f32,
    input: Layout,
    m: *mut f32,
    output: Layout,
    y: *mut f32,
}

impl Op for Strip<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self {
            d,
            tiles,
            range,
            weight,
            input,
            output,
            ..
        } = self;
        // SAFETY: as `correlate` says.
        unsafe {
            tiles.transform_input::<S>(range, self.x, d.c_in, self.zeros, self.v, input);
            // While this strip is multiplied, memory fetches the pixels of the
            // next one and those that this one will write.
            let (next, written) = (
                tiles.span(range.0 + STRIP, STRIP),
                tiles.span(range.0, STRIP),
            );
            for point in 0..POINTS {
                prefetch_share::<S>(self.x, next, d.c_in, point);
                if self.finish != Finish::Pooled {
                    prefetch_share::<S>(self.y, written, d.c_out, point);
                }
                S::enter(Gemm {
                    order: Order::RowMajor,
                    m: range.1,
                    n: d.c_out,
                    k: d.c_in,
                    segments: 1,
                    groups: 1,
                    a: self.v.add(point * input.point),
                    a_ld: input.tile,
                    a_seg: 0,
                    a_group: 0,
                    b: weight.data.as_ptr().add(point * weight.point),
                    b_ld: weight.width,
                    b_seg: 0,
                    b_panel: d.c_in * weight.width,
                    c: self.m.add(point * output.point),
                    c_ld: output.tile,
                    c_group: 0,
                    accumulate: false,
                    bias: std::ptr::null(),
                    relu: false,
                });
            }
            let m = self.m.cast_const();
            tiles.transform_output::<S>(range, m, output, d.c_out, self.bias, self.finish, self.y);
        }
    }
}
