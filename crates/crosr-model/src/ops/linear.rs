//! Fully connected layers.

use candle_core::{Result, Tensor};

use crate::buffers::Buffers;
use crate::cpu;
use crate::operator::{Operator, View};
use crate::tape::{Backend, Tape};

/// `x` (n, in) times the transpose of `weight` (out, in), plus `bias`, with ReLU if asked for.
pub(crate) fn linear(
    tape: &Tape,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    relu: bool,
) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(Linear { relu }, &[x, weight, bias]),
        Backend::Candle => {
            let y = x.matmul(&weight.t()?)?.broadcast_add(bias)?;
            if relu { y.relu() } else { Ok(y) }
        }
    }
}

struct Linear {
    relu: bool,
}

impl Linear {
    fn shape(x: View<'_>, weight: View<'_>) -> Result<cpu::Linear> {
        match (x.dims, weight.dims) {
            (&[rows, inputs], &[outputs, weight_in]) if inputs == weight_in => Ok(cpu::Linear {
                rows,
                inputs,
                outputs,
            }),
            (x, weight) => candle_core::bail!("weight {weight:?} for inputs {x:?}"),
        }
    }
}

impl Operator for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let shape = Self::shape(inputs[0], inputs[1])?;
        let mut y = buffers.take(shape.rows * shape.outputs);
        shape.forward(inputs[0].data, inputs[1].data, Some(inputs[2].data), &mut y);
        if self.relu {
            // A NaN stays one, so that a failing training is noticed.
            y.iter_mut().filter(|v| **v < 0.0).for_each(|v| *v = 0.0);
        }
        Ok((y, vec![shape.rows, shape.outputs]))
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
            let mut dx = buffers.take(shape.rows * shape.inputs);
            shape.input_gradient(&gradient, inputs[1].data, &mut dx);
            dx
        });
        let mut dweight = buffers.take(shape.outputs * shape.inputs);
        let mut dbias = buffers.take(shape.outputs);
        shape.weight_gradient(inputs[0].data, &gradient, &mut dweight, Some(&mut dbias));
        buffers.give(gradient);
        Ok(vec![dx, Some(dweight), Some(dbias)])
    }
}
