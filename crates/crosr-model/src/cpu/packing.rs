//! Weights and small matrices laid out as the matrix product reads them.

use rayon::prelude::*;

use crate::cpu::dispatch::Path;
use crate::cpu::scratch::{Scratch, scratch};

/// A right-hand matrix in panels of two vectors of columns.
///
/// Element (k, column) lies at `(column / width) * panel + k * width + column % width`;
/// missing columns of the last panel are zero.
pub(crate) struct Packed {
    pub(crate) data: Scratch,
    /// Columns of a panel.
    pub(crate) width: usize,
    /// Numbers in a panel.
    pub(crate) panel: usize,
}

impl Packed {
    /// Packs the `k x n` matrix whose element (k, column) is `element(k, column)`.
    pub(crate) fn new(
        path: Path,
        k: usize,
        n: usize,
        element: impl Fn(usize, usize) -> f32 + Sync,
    ) -> Self {
        let width = 2 * path.lanes();
        let panel = k * width;
        let mut data = scratch(n.div_ceil(width) * panel);
        // Tasks of about 16 Ki numbers, whatever the number of threads.
        let rows = (16_384 / width).clamp(1, k.max(1));
        let fill = |(first, part): (usize, &mut [f32])| {
            for (i, row) in part.chunks_mut(width).enumerate() {
                let at = first * rows + i;
                let (k, column) = (at % k, at / k * width);
                for (j, v) in row.iter_mut().enumerate() {
                    *v = if column + j < n {
                        element(k, column + j)
                    } else {
                        0.0
                    };
                }
            }
        };
        if data.len() <= 32_768 {
            data.chunks_mut(rows * width).enumerate().for_each(fill);
        } else {
            data.par_chunks_mut(rows * width).enumerate().for_each(fill);
        }
        Self { data, width, panel }
    }
}

/// A copy of the `rows x cols` matrix with rows `ld` numbers apart.
///
/// An odd number of cache lines between rows keeps a column of them from
/// falling into one set of the cache.
pub(crate) fn spread_rows(source: &[f32], rows: usize, cols: usize) -> (Scratch, usize) {
    let ld = spread(cols);
    let mut copy = scratch(rows * ld);
    copy.par_chunks_mut(ld)
        .zip(source.par_chunks(cols))
        .with_min_len(16)
        .for_each(|(to, from)| to[..cols].copy_from_slice(from));
    (copy, ld)
}

/// The next row distance that is an odd number of cache lines.
pub(crate) fn spread(cols: usize) -> usize {
    (cols.div_ceil(16) | 1) * 16
}
