//! Tiles of a batch of images: where they lie, and their two-dimensional transforms.

use crate::cpu::columns::{for_vectors, load};
use crate::cpu::packing::spread;
use crate::cpu::simd::{Simd, unroll};
use crate::cpu::winograd::{POINTS, transform};

/// The 4x4 tiles of `n` images, numbered image by image, row by row.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    h: usize,
    w: usize,
    rows: usize,
    cols: usize,
    pub(super) count: usize,
}

/// Numbers of the transformed tiles of one strip: point after point, tile
/// after tile, channels last.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// From one tile to the next.
    pub(super) tile: usize,
    /// From one point to the next.
    pub(super) point: usize,
}

/// What happens to an output after the bias is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// Nothing.
    Plain,
    /// ReLU.
    Relu,
    /// ReLU, and the maximum of each window of 2x2.
    Pooled,
}

/// Fetches one of `POINTS` equal shares of a span of pixels of `c` channels.
#[inline(always)]
pub(super) fn prefetch_share<S: Simd>(
    pixels: *const f32,
    (first, count): (usize, usize),
    c: usize,
    share: usize,
) {
    let at = |share: usize| (first + share * count / POINTS) * c;
    for i in (at(share)..at(share + 1)).step_by(16) {
        S::prefetch(pixels.wrapping_add(i));
    }
}

impl Layout {
    /// Room for `tiles` tiles of `channels` channels.
    pub(super) fn new(tiles: usize, channels: usize) -> Self {
        let tile = spread(channels);
        // An odd number of lines between points as well.
        Self {
            tile,
            point: spread(tiles * tile),
        }
    }

    /// Numbers in all.
    pub(super) fn len(&self) -> usize {
        POINTS * self.point
    }
}

impl Tiles {
    pub(super) fn new(n: usize, h: usize, w: usize) -> Self {
        let (rows, cols) = (h.div_ceil(4), w.div_ceil(4));
        Self {
            h,
            w,
            rows,
            cols,
            count: n * rows * cols,
        }
    }

    /// Number of the first pixel of the image of `tile`, and the row and
    /// column of the tile's first pixel.
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let image = tile / (self.rows * self.cols);
        let (row, col) = (tile / self.cols % self.rows, tile % self.cols);
        (image * self.h * self.w, 4 * row, 4 * col)
    }

    /// The rows of pixels that the tiles `first..first + count` lie in, border
    /// not counted: first pixel and number of pixels.
    pub(super) fn span(&self, first: usize, count: usize) -> (usize, usize) {
        let at = |tile: usize| {
            let (image, row, _) = self.place(tile);
            image + row.min(self.h) * self.w
        };
        let end = (first + count).min(self.count);
        let first = first.min(self.count);
        (at(first), at(end) - at(first))
    }

    /// Writes `B^T d B` of the tiles `first..first + count` to `out`.
    ///
    /// # Safety
    /// `x` has the images' pixels of `c` channels, `zeros` has `c` zeros, `out`
    /// is laid out as `layout` says; the caller is compiled for `S`.
    #[inline(always)]
    pub(super) unsafe fn transform_input<S: Simd>(
        &self,
        (first, count): (usize, usize),
        x: *const f32,
        c: usize,
        zeros: *const f32,
        out: *mut f32,
        layout: Layout,
    ) {
        for i in 0..count {
            let (image, row, col) = self.place(first + i);
            // The tile with its border begins one pixel before it.
            let mut pixels = [[zeros; 6]; 6];
            for (r, line) in pixels.iter_mut().enumerate() {
                let y = row + r;
                for (k, pixel) in line.iter_mut().enumerate() {
                    let at = col + k;
                    if (1..=self.h).contains(&y) && (1..=self.w).contains(&at) {
                        // SAFETY: this pixel is inside the image.
                        *pixel = unsafe { x.add((image + (y - 1) * self.w + at - 1) * c) };
                    }
                }
            }
            for_vectors::<S>(
                c,
                #[inline(always)]
                |channel, lanes| {
                    let part = (lanes < S::LANES).then_some(lanes);
                    // SAFETY: every pixel and `zeros` have `c` channels; the
                    // layout rounds the channels of `out` up to whole vectors.
                    unsafe {
                        let mut t = [[S::splat(0.0); 6]; 6];
                        unroll!(k < 6 => {
                            let column = transform::input::<S>([
                                load::<S>(pixels[0][k].add(channel), part),
                                load::<S>(pixels[1][k].add(channel), part),
                                load::<S>(pixels[2][k].add(channel), part),
                                load::<S>(pixels[3][k].add(channel), part),
                                load::<S>(pixels[4][k].add(channel), part),
                                load::<S>(pixels[5][k].add(channel), part),
                            ]);
                            unroll!(r < 6 => { t[r][k] = column[r]; });
                        });
                        let out = out.add(i * layout.tile + channel);
                        unroll!(r < 6 => {
                            let line = transform::input::<S>(t[r]);
                            unroll!(k < 6 => {
                                S::store(out.add((6 * r + k) * layout.point), line[k]);
                            });
                        });
                    }
                },
            );
        }
    }

    /// Writes `A dy A^T` of the tiles `first..first + count` to `out`, and the
    /// sums of their pixels to `sums`.
    ///
    /// # Safety
    /// As for [`Tiles::transform_input`]; `sums` has `c` entries, rounded up to
    /// whole vectors.
    #[allow(clippy::too_many_arguments)]
    #[inline(always)]
    pub(super) unsafe fn transform_output_gradient<S: Simd>(
        &self,
        (first, count): (usize, usize),
        dy: *const f32,
        c: usize,
        zeros: *const f32,
        out: *mut f32,
        layout: Layout,
        sums: *mut f32,
    ) {
        for i in 0..count {
            let (image, row, col) = self.place(first + i);
            let mut pixels = [[zeros; 4]; 4];
            for (r, line) in pixels.iter_mut().enumerate() {
                for (k, pixel) in line.iter_mut().enumerate() {
                    if row + r < self.h && col + k < self.w {
                        // SAFETY: this pixel is inside the image.
                        *pixel = unsafe { dy.add((image + (row + r) * self.w + col + k) * c) };
                    }
                }
            }
            for_vectors::<S>(
                c,
                #[inline(always)]
                |channel, lanes| {
                    let part = (lanes < S::LANES).then_some(lanes);
                    // SAFETY: as for the input.
                    unsafe {
                        let mut t = [[S::splat(0.0); 4]; 6];
                        let total = sums.add(channel);
                        let mut sum = if i == 0 {
                            S::splat(0.0)
                        } else {
                            S::load(total)
                        };
                        unroll!(k < 4 => {
                            let column = [
                                load::<S>(pixels[0][k].add(channel), part),
                                load::<S>(pixels[1][k].add(channel), part),
                                load::<S>(pixels[2][k].add(channel), part),
                                load::<S>(pixels[3][k].add(channel), part),
                            ];
                            let upper = S::add(column[0], column[1]);
                            sum = S::add(sum, S::add(upper, S::add(column[2], column[3])));
                            let column = transform::output_gradient::<S>(column);
                            unroll!(r < 6 => { t[r][k] = column[r]; });
                        });
                        S::store(total, sum);
                        let out = out.add(i * layout.tile + channel);
                        unroll!(r < 6 => {
                            let line = transform::output_gradient::<S>(t[r]);
                            unroll!(k < 6 => {
                                S::store(out.add((6 * r + k) * layout.point), line[k]);
                            });
                        });
                    }
                },
            );
        }
    }

    /// Writes `A^T m A` (+ bias, ReLU, pooling) of the tiles
    /// `first..first + count` to the pixels of `y`.
    ///
    /// # Safety
    /// `m` is laid out as `layout` says; `y` has the images' pixels of `c`
    /// channels (a quarter of them if pooled, with `h` and `w` even), and those
    /// of these tiles are the caller's alone; `bias` has `c` entries or is null; the caller is compiled for `S`.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub(super) unsafe fn transform_output<S: Simd>(
        &self,
        (first, count): (usize, usize),
        m: *const f32,
        layout: Layout,
        c: usize,
        bias: *const f32,
        finish: Finish,
        y: *mut f32,
    ) {
        for i in 0..count {
            let (image, row, col) = self.place(first + i);
            let (rows, cols) = ((self.h - row).min(4), (self.w - col).min(4));
            for_vectors::<S>(
                c,
                #[inline(always)]
                |channel, lanes| {
                    let part = (lanes < S::LANES).then_some(lanes);
                    // SAFETY: the layout rounds the channels of `m` up to whole
                    // vectors; only pixels inside the image are written.
                    unsafe {
                        let m = m.add(i * layout.tile + channel);
                        let mut t = [[S::splat(0.0); 6]; 4];
                        unroll!(k < 6 => {
                            let column = transform::output::<S>([
                                S::load(m.add(k * layout.point)),
                                S::load(m.add((6 + k) * layout.point)),
                                S::load(m.add((12 + k) * layout.point)),
                                S::load(m.add((18 + k) * layout.point)),
                                S::load(m.add((24 + k) * layout.point)),
                                S::load(m.add((30 + k) * layout.point)),
                            ]);
                            unroll!(r < 4 => { t[r][k] = column[r]; });
                        });
                        let bias = if bias.is_null() {
                            S::splat(0.0)
                        } else {
                            load::<S>(bias.add(channel), part)
                        };
                        let put = |p: *mut f32, v| match part {
                            None => S::store(p, v),
                            Some(lanes) => S::store_part(p, v, lanes),
                        };
                        let mut lines = [[S::splat(0.0); 4]; 4];
                        unroll!(r < 4 => {
                            lines[r] = transform::output::<S>(t[r]);
                            unroll!(k < 4 => {
                                lines[r][k] = S::add(lines[r][k], bias);
                                if finish != Finish::Plain {
                                    lines[r][k] = S::relu(lines[r][k]);
                                }
                            });
                        });
                        if finish == Finish::Pooled {
                            let at = image / 4 + row / 2 * (self.w / 2) + col / 2;
                            unroll!(r < 2 => {
                                unroll!(k < 2 => {
                                    if 2 * r < rows && 2 * k < cols {
                                        let (top, bottom) = (lines[2 * r], lines[2 * r + 1]);
                                        let top = S::max(top[2 * k], top[2 * k + 1]);
                                        let bottom = S::max(bottom[2 * k], bottom[2 * k + 1]);
                                        let pixel = at + r * (self.w / 2) + k;
                                        put(y.add(pixel * c + channel), S::max(top, bottom));
                                    }
                                });
                            });
                        } else {
                            unroll!(r < 4 => {
                                let pixel = image + (row + r) * self.w + col;
                                unroll!(k < 4 => {
                                    if r < rows && k < cols {
                                        put(y.add((pixel + k) * c + channel), lines[r][k]);
                                    }
                                });
                            });
                        }
                    }
                },
            );
        }
    }
}
