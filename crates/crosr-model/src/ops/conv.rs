//! Convolution 3x3 with padding 1, and transposed convolution 2x2 with stride 2.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::{Slot, add_channels, even, nhwc};
use crate::buffers::Buffers;
use crate::cpu;
use crate::operator::{Operator, View};
use crate::tape::{Backend, Tape};

/// `x` convolved with `weight` (out, in, 3, 3), plus `bias`, with ReLU if asked for.
pub(crate) fn conv3x3(
    tape: &Tape,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    relu: bool,
) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => {
            let operator = Conv3x3 {
                relu,
                statistics: None,
            };
            tape.apply(operator, &[x, weight, bias])
        }
        Backend::Candle => {
            let y = add_channels(&x.conv2d(weight, 1, 1, 1, 1)?, bias)?;
            if relu { y.relu() } else { Ok(y) }
        }
    }
}

/// The kernels' convolution, and the statistics of its output, gathered as it is made.
pub(super) fn conv3x3_with_statistics(
    tape: &Tape,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
) -> Result<(Tensor, Arc<cpu::BatchStatistics>)> {
    let slot = Arc::new(Slot::default());
    let operator = Conv3x3 {
        relu: false,
        statistics: Some(slot.clone()),
    };
    let y = tape.apply(operator, &[x, weight, bias])?;
    Ok((y, Arc::new(slot.take("conv3x3")?)))
}

/// The kernels' convolution, ReLU and 2x2 maximum in one. Not differentiated.
pub(super) fn conv3x3_relu_pool(
    tape: &Tape,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
) -> Result<Tensor> {
    tape.apply(PooledConv3x3, &[x, weight, bias])
}

/// `x` spread by `weight` (in, out, 2, 2) to twice its size, plus `bias`, with ReLU if asked for.
pub(crate) fn conv_transpose2x2(
    tape: &Tape,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    relu: bool,
) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(ConvTranspose2x2 { relu }, &[x, weight, bias]),
        Backend::Candle => {
            let y = add_channels(&x.conv_transpose2d(weight, 0, 0, 2, 1)?, bias)?;
            if relu { y.relu() } else { Ok(y) }
        }
    }
}

struct Conv3x3 {
    relu: bool,
    /// Where the statistics of the output go, if they are wanted.
    statistics: Option<Arc<Slot<cpu::BatchStatistics>>>,
}

impl Conv3x3 {
    fn shape(x: View<'_>, weight: View<'_>) -> Result<cpu::Conv3x3> {
        let [n, h, w, c_in] = nhwc(x)?;
        match *weight.dims {
            [c_out, weight_in, 3, 3] if weight_in == c_in => Ok(cpu::Conv3x3 {
                n,
                h,
                w,
                c_in,
                c_out,
            }),
            ref other => candle_core::bail!("weight {other:?} for {c_in} input channels"),
        }
    }
}

impl Operator for Conv3x3 {
    fn name(&self) -> &'static str {
        "conv3x3"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let shape = Self::shape(inputs[0], inputs[1])?;
        let mut y = buffers.take(shape.output_len());
        let [x, weight, bias] = [inputs[0].data, inputs[1].data, inputs[2].data];
        match &self.statistics {
            Some(slot) => {
                slot.put(shape.forward_statistics(x, weight, Some(bias), super::norm::EPS, &mut y));
            }
            None => shape.forward(x, weight, Some(bias), self.relu, &mut y),
        }
        Ok((y, vec![shape.n, shape.h, shape.w, shape.c_out]))
    }

    fn backward(
        &self,
        inputs: &[View<'_>],
        output: View<'_>,
        mut gradient: Vec<f32>,
        wanted: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let shape = Self::shape(inputs[0], inputs[1])?;
        if self.relu {
            cpu::relu_backward(output.data, &mut gradient);
        }
        let dx = wanted[0].then(|| {
            let mut dx = buffers.take(shape.input_len());
            shape.input_gradient(&gradient, inputs[1].data, &mut dx);
            dx
        });
        let (mut dweight, mut dbias) =
            (buffers.take(shape.weight_len()), buffers.take(shape.c_out));
        shape.weight_gradient(inputs[0].data, &gradient, &mut dweight, Some(&mut dbias));
        buffers.give(gradient);
        Ok(vec![dx, Some(dweight), Some(dbias)])
    }
}

struct PooledConv3x3;

impl Operator for PooledConv3x3 {
    fn name(&self) -> &'static str {
        "conv3x3_relu_pool"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let shape = Conv3x3::shape(inputs[0], inputs[1])?;
        let (h, w) = even(shape.h, shape.w)?;
        let mut y = buffers.take(shape.output_len() / 4);
        let [x, weight, bias] = [inputs[0].data, inputs[1].data, inputs[2].data];
        shape.forward_pooled(x, weight, Some(bias), &mut y);
        Ok((y, vec![shape.n, h / 2, w / 2, shape.c_out]))
    }

    fn backward(
        &self,
        _: &[View<'_>],
        _: View<'_>,
        _: Vec<f32>,
        _: &[bool],
        _: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        candle_core::bail!("convolution and pooling in one are for evaluation")
    }
}

struct ConvTranspose2x2 {
    relu: bool,
}

impl ConvTranspose2x2 {
    fn shape(x: View<'_>, weight: View<'_>) -> Result<cpu::ConvTranspose2x2> {
        let [n, h, w, c_in] = nhwc(x)?;
        match *weight.dims {
            [weight_in, c_out, 2, 2] if weight_in == c_in => Ok(cpu::ConvTranspose2x2 {
                n,
                h,
                w,
                c_in,
                c_out,
            }),
            ref other => candle_core::bail!("weight {other:?} for {c_in} input channels"),
        }
    }
}

impl Operator for ConvTranspose2x2 {
    fn name(&self) -> &'static str {
        "conv_transpose2x2"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let shape = Self::shape(inputs[0], inputs[1])?;
        let mut y = buffers.take(shape.output_len());
        shape.forward(
            inputs[0].data,
            inputs[1].data,
            Some(inputs[2].data),
            self.relu,
            &mut y,
        );
        Ok((y, vec![shape.n, 2 * shape.h, 2 * shape.w, shape.c_out]))
    }

    fn backward(
        &self,
        inputs: &[View<'_>],
        output: View<'_>,
        mut gradient: Vec<f32>,
        wanted: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let shape = Self::shape(inputs[0], inputs[1])?;
        if self.relu {
            cpu::relu_backward(output.data, &mut gradient);
        }
        let dx = wanted[0].then(|| {
            let mut dx = buffers.take(shape.input_len());
            shape.input_gradient(&gradient, inputs[1].data, &mut dx);
            dx
        });
        let (mut dweight, mut dbias) =
            (buffers.take(shape.weight_len()), buffers.take(shape.c_out));
        shape.weight_gradient(inputs[0].data, &gradient, &mut dweight, Some(&mut dbias));
        buffers.give(gradient);
        Ok(vec![dx, Some(dweight), Some(dbias)])
    }
}
