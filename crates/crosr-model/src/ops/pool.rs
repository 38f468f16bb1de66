//! Pooling: 2x2 maximum, and one number per channel.

use candle_core::{D, Result, Tensor};

use super::{Slot, nhwc};
use crate::activations::Pooling;
use crate::buffers::Buffers;
use crate::cpu;
use crate::operator::{Operator, View};
use crate::tape::{Backend, Tape};

/// The largest of each 2x2 window; its gradient goes to the first maximum in row-major order.
pub(crate) fn max_pool2(tape: &Tape, x: &Tensor) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(
            MaxPool2 {
                places: Slot::default(),
            },
            &[x],
        ),
        Backend::Candle => {
            let (n, c, h, w) = x.dims4()?;
            let (h, w) = (h / 2, w / 2);
            let x = x.narrow(2, 0, 2 * h)?.narrow(3, 0, 2 * w)?.contiguous()?;
            let windows = x.reshape((n, c, h, 2, w, 2))?;
            let corner = |row, column| {
                windows
                    .narrow(3, row, 1)?
                    .narrow(5, column, 1)?
                    .reshape((n, c, h, w))
            };
            let mut best = corner(0, 0)?;
            for (row, column) in [(0, 1), (1, 0), (1, 1)] {
                let next = corner(row, column)?;
                best = next.detach().gt(&best.detach())?.where_cond(&next, &best)?;
            }
            Ok(best)
        }
    }
}

struct MaxPool2 {
    /// Which corner of each window won, kept for the backward pass.
    places: Slot<Vec<u8>>,
}

fn shape(x: View<'_>) -> Result<cpu::MaxPool2x2> {
    let [n, h, w, c] = nhwc(x)?;
    Ok(cpu::MaxPool2x2 { n, h, w, c })
}

impl Operator for MaxPool2 {
    fn name(&self) -> &'static str {
        "max_pool2"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let shape = shape(inputs[0])?;
        let mut y = buffers.take(shape.output_len());
        let mut places = vec![0; shape.output_len()];
        shape.forward(inputs[0].data, &mut y, &mut places);
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
        let shape = shape(inputs[0])?;
        let mut dx = buffers.take(shape.input_len());
        self.places.with(self.name(), |places| {
            shape.backward(&gradient, places, &mut dx);
        })?;
        buffers.give(gradient);
        Ok(vec![Some(dx)])
    }
}

/// One number per channel of each map: (n, c). Not differentiated.
pub(crate) fn global_pool(tape: &Tape, x: &Tensor, pooling: Pooling) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(GlobalPool { pooling }, &[x]),
        Backend::Candle => {
            let flat = x.flatten_from(2)?;
            match pooling {
                Pooling::Max => flat.max(D::Minus1),
                Pooling::Mean => flat.mean(D::Minus1),
            }
        }
    }
}

struct GlobalPool {
    pooling: Pooling,
}

impl Operator for GlobalPool {
    fn name(&self) -> &'static str {
        "global_pool"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let [n, h, w, c] = nhwc(inputs[0])?;
        let mut y = buffers.take(n * c);
        match self.pooling {
            Pooling::Max => cpu::global_max(inputs[0].data, h * w, c, &mut y),
            Pooling::Mean => cpu::global_mean(inputs[0].data, h * w, c, &mut y),
        }
        Ok((y, vec![n, c]))
    }

    fn backward(
        &self,
        _: &[View<'_>],
        _: View<'_>,
        _: Vec<f32>,
        _: &[bool],
        _: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        candle_core::bail!("global pooling is for evaluation")
    }
}
