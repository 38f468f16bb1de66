//! Batch norm with ReLU (Ioffe and Szegedy, arXiv 1502.03167), with PyTorch's conventions: the
//! biased variance normalises, the unbiased one enters the running statistics.

use std::sync::Arc;

use candle_core::{Result, Tensor, Var};

use super::{ConvNorm, Slot, even, nhwc};
use crate::buffers::Buffers;
use crate::cpu;
use crate::operator::{Operator, View, with_views};
use crate::tape::{Backend, Tape};

/// Added to the variance before its root is taken.
pub(super) const EPS: f64 = 1e-5;
/// Weight of a batch in the running statistics.
const MOMENTUM: f64 = 0.1;

/// Mean and variance over past batches, one number a channel.
pub(crate) struct RunningStatistics {
    pub(crate) mean: Tensor,
    pub(crate) variance: Tensor,
}

impl RunningStatistics {
    fn update(&self, mean: &Tensor, unbiased_variance: &Tensor) -> Result<()> {
        for (running, batch) in [(&self.mean, mean), (&self.variance, unbiased_variance)] {
            let old = running.detach();
            let new = ((&old * (1.0 - MOMENTUM))? + (batch.detach() * MOMENTUM)?)?;
            Var::from_tensor(running)?.set(&new)?;
        }
        Ok(())
    }

    fn update_from(&self, statistics: &cpu::BatchStatistics) -> Result<()> {
        let channel = |values: &[f32]| Tensor::from_slice(values, values.len(), self.mean.device());
        self.update(
            &channel(&statistics.mean)?,
            &channel(&statistics.unbiased_variance)?,
        )
    }
}

/// Normalises each channel by its batch's mean and variance, scales by `weight`, shifts by `bias`,
/// applies ReLU; the running statistics move towards the batch's.
pub(crate) fn batch_norm_relu(
    tape: &Tape,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running: &RunningStatistics,
) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => {
            let statistics = with_views(&[x], |views| {
                Ok(shape(views[0])?.statistics(views[0].data, EPS))
            })?;
            normalise_relu(tape, x, Arc::new(statistics), weight, bias, running)
        }
        Backend::Candle => {
            let (n, c, h, w) = x.dims4()?;
            let count = (n * h * w) as f64;
            let channel = |t: &Tensor| t.reshape((1, c, 1, 1));
            // One dimension at a time: a single long sum in f32 loses digits.
            let average = |t: &Tensor| t.mean_keepdim(3)?.mean_keepdim(2)?.mean_keepdim(0);
            let mean = average(x)?;
            let centred = x.broadcast_sub(&mean)?;
            let variance = average(&centred.sqr()?)?;
            let unbiased = (&variance * (count / (count - 1.0).max(1.0)))?;
            running.update(&mean.reshape(c)?, &unbiased.reshape(c)?)?;
            let normalised = centred.broadcast_div(&(variance + EPS)?.sqrt()?)?;
            normalised
                .broadcast_mul(&channel(weight)?)?
                .broadcast_add(&channel(bias)?)?
                .relu()
        }
    }
}

/// [`batch_norm_relu`] by the kernels, with statistics that are known already.
pub(super) fn normalise_relu(
    tape: &Tape,
    x: &Tensor,
    statistics: Arc<cpu::BatchStatistics>,
    weight: &Tensor,
    bias: &Tensor,
    running: &RunningStatistics,
) -> Result<Tensor> {
    running.update_from(&statistics)?;
    tape.apply(BatchNormRelu { statistics }, &[x, weight, bias])
}

/// [`normalise_relu`] and the maximum of each window of 2x2 in one.
pub(super) fn normalise_relu_pool(
    tape: &Tape,
    x: &Tensor,
    statistics: Arc<cpu::BatchStatistics>,
    weight: &Tensor,
    bias: &Tensor,
    running: &RunningStatistics,
) -> Result<Tensor> {
    running.update_from(&statistics)?;
    let operator = BatchNormReluPool {
        statistics,
        places: Slot::default(),
    };
    tape.apply(operator, &[x, weight, bias])
}

/// Weight and bias of the convolution that does what convolution and batch norm do with the
/// running statistics: γ (w·x + b − mean) / √(variance + ε) + β.
pub(super) fn fold_batch_norm(layer: &ConvNorm) -> Result<(Tensor, Tensor)> {
    let [conv_weight, conv_bias, weight, bias, mean, variance] = [
        &layer.weight,
        &layer.bias,
        &layer.gamma,
        &layer.beta,
        &layer.running.mean,
        &layer.running.variance,
    ]
    .map(Tensor::detach);
    let scale = weight.div(&(variance + EPS)?.sqrt()?)?;
    let bias = ((conv_bias - mean)? * &scale)?.add(&bias)?;
    let c_out = scale.elem_count();
    Ok((
        conv_weight.broadcast_mul(&scale.reshape((c_out, 1, 1, 1))?)?,
        bias,
    ))
}

fn shape(x: View<'_>) -> Result<cpu::BatchNorm> {
    match x.dims.split_last() {
        Some((&channels, outer)) => Ok(cpu::BatchNorm {
            pixels: outer.iter().product(),
            channels,
            relu: true,
        }),
        None => candle_core::bail!("batch norm of a scalar"),
    }
}

struct BatchNormRelu {
    statistics: Arc<cpu::BatchStatistics>,
}

impl Operator for BatchNormRelu {
    fn name(&self) -> &'static str {
        "batch_norm_relu"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let [x, weight, bias] = [inputs[0], inputs[1], inputs[2]];
        let mut y = buffers.take(x.data.len());
        shape(x)?.normalise(x.data, &self.statistics, weight.data, bias.data, &mut y);
        Ok((y, x.dims.to_vec()))
    }

    fn backward(
        &self,
        inputs: &[View<'_>],
        _: View<'_>,
        gradient: Vec<f32>,
        _: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let [x, weight, bias] = [inputs[0], inputs[1], inputs[2]];
        let shape = shape(x)?;
        let mut dx = buffers.take(x.data.len());
        let (mut dweight, mut dbias) = (buffers.take(shape.channels), buffers.take(shape.channels));
        shape.backward(
            x.data,
            &gradient,
            weight.data,
            bias.data,
            &self.statistics.mean,
            &self.statistics.inverse_std,
            &mut dx,
            &mut dweight,
            &mut dbias,
        );
        buffers.give(gradient);
        Ok(vec![Some(dx), Some(dweight), Some(dbias)])
    }
}

struct BatchNormReluPool {
    statistics: Arc<cpu::BatchStatistics>,
    /// Which pixel of each window won, for the backward pass.
    places: Slot<Vec<u8>>,
}

fn pooled_shape(x: View<'_>) -> Result<cpu::PooledBatchNorm> {
    let [n, h, w, c] = nhwc(x)?;
    let (h, w) = even(h, w)?;
    Ok(cpu::PooledBatchNorm { n, h, w, c })
}

impl Operator for BatchNormReluPool {
    fn name(&self) -> &'static str {
        "batch_norm_relu_pool"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let [x, weight, bias] = [inputs[0], inputs[1], inputs[2]];
        let shape = pooled_shape(x)?;
        let mut y = buffers.take(shape.output_len());
        let mut places = vec![0; y.len()];
        shape.forward_training(
            x.data,
            &self.statistics,
            weight.data,
            bias.data,
            &mut y,
            &mut places,
        );
        self.places.put(places);
        Ok((y, vec![shape.n, shape.h / 2, shape.w / 2, shape.c]))
    }

    fn backward(
        &self,
        inputs: &[View<'_>],
        _: View<'_>,
        gradient: Vec<f32>,
        _: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let [x, weight] = [inputs[0], inputs[1]];
        let shape = pooled_shape(x)?;
        let mut dx = buffers.take(x.data.len());
        let (mut dweight, mut dbias) = (buffers.take(shape.c), buffers.take(shape.c));
        self.places.with(self.name(), |places| {
            shape.backward(
                x.data,
                &gradient,
                places,
                weight.data,
                &self.statistics.mean,
                &self.statistics.inverse_std,
                &mut dx,
                &mut dweight,
                &mut dbias,
            );
        })?;
        buffers.give(gradient);
        Ok(vec![Some(dx), Some(dweight), Some(dbias)])
    }
}
