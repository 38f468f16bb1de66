//! The network's operators, for every backend.
//!
//! Each function computes with this crate's kernels on activations laid out (n, h, w, c), or with
//! candle's operators on (n, c, h, w), as the tape's backend says. Both are differentiated
//! exactly; candle 0.11's own max-pool gradient is not used, as it is a quarter of the true one.

mod conv;
mod elementwise;
mod layout;
mod linear;
mod loss;
mod norm;
mod pool;

pub(crate) use self::{
    conv::{conv_transpose2x2, conv3x3},
    elementwise::{DropoutKey, add, dropout},
    layout::{dims_nchw, flatten, from_nchw, to_nchw},
    linear::linear,
    loss::{cross_entropy, mean_squared_error, squared_errors},
    norm::{RunningStatistics, batch_norm_relu, fold_batch_norm},
    pool::{global_pool, max_pool2},
};

use candle_core::{Result, Tensor};

use crate::operator::View;

/// Sizes of a (n, h, w, c) tensor.
fn nhwc(view: View<'_>) -> Result<[usize; 4]> {
    match *view.dims {
        [n, h, w, c] => Ok([n, h, w, c]),
        ref other => candle_core::bail!("four dimensions are expected, not {other:?}"),
    }
}

/// Adds a value a channel to a (n, c, h, w) tensor.
fn add_channels(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1))?)
}

/// The gradient before a ReLU, given the output after it.
fn before_relu(relu: bool, output: &[f32], gradient: &[f32]) -> Option<Vec<f32>> {
    relu.then(|| {
        let mut masked = vec![0.0; gradient.len()];
        crate::cpu::relu_backward(output, gradient, &mut masked);
        masked
    })
}
