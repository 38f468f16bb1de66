//! The encoder's block: convolution, batch norm, ReLU, and the maximum of 2x2 at a stage's end.
//!
//! In training the kernels gather the batch's statistics while they convolve, and normalise,
//! rectify and pool in one pass each way. In evaluation the norm is folded into the convolution.

use candle_core::{Result, Tensor};

use super::conv::{conv3x3, conv3x3_relu_pool, conv3x3_with_statistics};
use super::norm::{
    RunningStatistics, batch_norm_relu, fold_batch_norm, normalise_relu, normalise_relu_pool,
};
use super::pool::max_pool2;
use crate::tape::{Backend, Tape};

/// Parameters of a convolution and the batch norm behind it.
pub(crate) struct ConvNorm {
    /// (out, in, 3, 3).
    pub(crate) weight: Tensor,
    /// (out), as all below.
    pub(crate) bias: Tensor,
    pub(crate) gamma: Tensor,
    pub(crate) beta: Tensor,
    pub(crate) running: RunningStatistics,
}

/// Convolution, batch norm and ReLU: with the batch's statistics, which the running ones then
/// follow, if `train`; else with the running ones.
pub(crate) fn conv_norm_relu(
    tape: &Tape,
    x: &Tensor,
    layer: &ConvNorm,
    train: bool,
) -> Result<Tensor> {
    let ConvNorm {
        weight,
        bias,
        gamma,
        beta,
        running,
    } = layer;
    match (train, tape.backend()) {
        (true, Backend::Kernels) => {
            let (x, statistics) = conv3x3_with_statistics(tape, x, weight, bias)?;
            normalise_relu(tape, &x, statistics, gamma, beta, running)
        }
        (true, Backend::Candle) => {
            let x = conv3x3(tape, x, weight, bias, false)?;
            batch_norm_relu(tape, &x, gamma, beta, running)
        }
        (false, _) => {
            let (weight, bias) = fold_batch_norm(layer)?;
            conv3x3(tape, x, &weight, &bias, true)
        }
    }
}

/// [`conv_norm_relu`], then the maximum of each window of 2x2.
pub(crate) fn conv_norm_relu_pool(
    tape: &Tape,
    x: &Tensor,
    layer: &ConvNorm,
    train: bool,
) -> Result<Tensor> {
    match (train, tape.backend()) {
        (true, Backend::Kernels) => {
            let (x, statistics) = conv3x3_with_statistics(tape, x, &layer.weight, &layer.bias)?;
            let ConvNorm {
                gamma,
                beta,
                running,
                ..
            } = layer;
            normalise_relu_pool(tape, &x, statistics, gamma, beta, running)
        }
        (false, Backend::Kernels) => {
            let (weight, bias) = fold_batch_norm(layer)?;
            conv3x3_relu_pool(tape, x, &weight, &bias)
        }
        (_, Backend::Candle) => max_pool2(tape, &conv_norm_relu(tape, x, layer, train)?),
    }
}
