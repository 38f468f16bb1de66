//! 3x3 convolution by Winograd's minimal filtering F(4x4, 3x3).
//!
//! A tile of 6x6 input pixels gives 4x4 output pixels with 36 products a
//! channel pair in place of 144 (Lavin and Gray 2016). With the one-dimensional
//! transforms `B`, `G`, `A` of [`transform`], applied to rows and columns,
//!
//! `y = A^T [(G g) * (B^T d)] A`, summed over the input channels before `A`.
//!
//! The sum over channels makes 36 independent matrix products
//! `[tiles, c_in] x [c_in, c_out]`. The gradient of the input is the same with
//! the weight turned by half a circle; the gradient of the weight follows from
//! the same trilinear form: `dg = G^T [(A dy) * (B^T d)] G`, summed over tiles.

mod forward;
mod gradient;
mod tiles;
mod transform;
mod weights;

pub(crate) use forward::{correlate, task_pixels};
pub(crate) use gradient::weight_gradient;
pub(crate) use tiles::Finish;
pub(crate) use weights::TransformedWeight;

use crate::cpu::conv3x3::Conv3x3;

/// Products of a tile: 6x6.
const POINTS: usize = 36;

/// Whether this way is the faster one: enough channels for the matrix products
/// to outweigh the transforms, and tiles that are not mostly outside the image.
pub(crate) fn suits(d: &Conv3x3) -> bool {
    let covered = 16 * d.h.div_ceil(4) * d.w.div_ceil(4);
    d.c_in >= 16 && d.c_out >= 16 && covered <= 2 * d.h * d.w
}
