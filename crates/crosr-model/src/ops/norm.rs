//! Batch norm with ReLU (Ioffe and Szegedy, arXiv 1502.03167), with PyTorch's conventions: the
//! biased variance normalises, the unbiased one enters the running statistics.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, Tensor, Var};

use crate::cpu;
use crate::operator::{Operator, View};
use crate::tape::{Backend, Tape};

/// Added to the variance before its root is taken.
const EPS: f64 = 1e-5;
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
            let saved = Arc::new(Mutex::new(None));
            let y = tape.apply(
                BatchNormRelu {
                    saved: saved.clone(),
                },
                &[x, weight, bias],
            )?;
            let saved = saved.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(statistics) = saved.as_ref() {
                let channel = |values: &[f32]| Tensor::from_slice(values, values.len(), x.device());
                running.update(
                    &channel(&statistics.mean)?,
                    &channel(&statistics.unbiased_variance)?,
                )?;
            }
            Ok(y)
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

/// Weight and bias of the convolution that does what convolution and batch norm do with the
/// running statistics: γ (w·x + b − mean) / √(variance + ε) + β.
pub(crate) fn fold_batch_norm(
    conv_weight: &Tensor,
    conv_bias: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running: &RunningStatistics,
) -> Result<(Tensor, Tensor)> {
    let [conv_weight, conv_bias, weight, bias, mean, variance] = [
        conv_weight,
        conv_bias,
        weight,
        bias,
        &running.mean,
        &running.variance,
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

/// The kernels' batch norm; the statistics of the forward pass wait for the backward one.
struct BatchNormRelu {
    saved: Arc<Mutex<Option<cpu::BatchStatistics>>>,
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

impl Operator for BatchNormRelu {
    fn name(&self) -> &'static str {
        "batch_norm_relu"
    }

    fn forward(&self, inputs: &[View<'_>]) -> Result<(Vec<f32>, Vec<usize>)> {
        let [x, weight, bias] = [inputs[0], inputs[1], inputs[2]];
        let mut y = vec![0.0; x.data.len()];
        let statistics = shape(x)?.forward_training(x.data, weight.data, bias.data, EPS, &mut y);
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(statistics);
        Ok((y, x.dims.to_vec()))
    }

    fn backward(
        &self,
        inputs: &[View<'_>],
        _: View<'_>,
        gradient: &[f32],
        _: &[bool],
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let [x, weight, bias] = [inputs[0], inputs[1], inputs[2]];
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(statistics) = saved.as_ref() else {
            candle_core::bail!("batch norm is differentiated before it ran");
        };
        let shape = shape(x)?;
        let mut dx = vec![0.0; x.data.len()];
        let (mut dweight, mut dbias) = (vec![0.0; shape.channels], vec![0.0; shape.channels]);
        shape.backward(
            x.data,
            gradient,
            weight.data,
            bias.data,
            &statistics.mean,
            &statistics.inverse_std,
            &mut dx,
            &mut dweight,
            &mut dbias,
        );
        Ok(vec![Some(dx), Some(dweight), Some(dbias)])
    }
}
