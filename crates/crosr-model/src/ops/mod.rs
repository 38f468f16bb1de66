//! The network's operators, for every backend.
//!
//! Each function computes with this crate's kernels on activations laid out (n, h, w, c), or with
//! candle's operators on (n, c, h, w), as the tape's backend says. Both are differentiated
//! exactly; candle 0.11's own max-pool gradient is not used, as it is a quarter of the true one.

mod block;
mod conv;
mod elementwise;
mod layout;
mod linear;
mod loss;
mod norm;
mod pool;

pub(crate) use self::{
    block::{ConvNorm, conv_norm_relu, conv_norm_relu_pool},
    conv::{conv_transpose2x2, conv3x3},
    elementwise::{DropoutKey, add, dropout},
    layout::{dims_nchw, flatten, from_nchw, to_nchw},
    linear::linear,
    loss::{cross_entropy, mean_squared_error, squared_errors},
    norm::RunningStatistics,
    pool::global_pool,
};

#[cfg(test)]
pub(crate) use self::{norm::batch_norm_relu, pool::max_pool2};

use std::sync::Mutex;

use candle_core::{Result, Tensor};

use crate::operator::View;
use crate::sync::locked;

/// Sizes of a (n, h, w, c) tensor.
fn nhwc(view: View<'_>) -> Result<[usize; 4]> {
    match *view.dims {
        [n, h, w, c] => Ok([n, h, w, c]),
        ref other => candle_core::bail!("four dimensions are expected, not {other:?}"),
    }
}

/// Sizes that windows of 2x2 cover.
fn even(h: usize, w: usize) -> Result<(usize, usize)> {
    if !h.is_multiple_of(2) || !w.is_multiple_of(2) {
        candle_core::bail!("maps of {h}x{w} are not covered by windows of 2x2");
    }
    Ok((h, w))
}

/// What a forward pass leaves for its caller or its backward pass.
struct Slot<T>(Mutex<Option<T>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Slot<T> {
    fn put(&self, value: T) {
        *locked(&self.0) = Some(value);
    }

    fn take(&self, operator: &str) -> Result<T> {
        let value = locked(&self.0).take();
        value.ok_or_else(|| candle_core::Error::Msg(format!("{operator} has not run yet")))
    }

    fn with<R>(&self, operator: &str, f: impl FnOnce(&T) -> R) -> Result<R> {
        match &*locked(&self.0) {
            Some(value) => Ok(f(value)),
            None => candle_core::bail!("{operator} has not run yet"),
        }
    }
}

/// Adds a value a channel to a (n, c, h, w) tensor.
fn add_channels(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1))?)
}
