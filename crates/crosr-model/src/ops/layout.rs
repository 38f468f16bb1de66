//! Between candle's layout (n, c, h, w) and the backend's own.

use candle_core::{Result, Tensor};

use super::nhwc;
use crate::buffers::Buffers;
use crate::cpu;
use crate::operator::{Operator, View};
use crate::tape::{Backend, Tape};

/// Sizes (n, c, h, w) of a tensor in the backend's layout.
pub(crate) fn dims_nchw(tape: &Tape, x: &Tensor) -> Result<[usize; 4]> {
    let (a, b, c, d) = x.dims4()?;
    Ok(match tape.backend() {
        Backend::Kernels => [a, d, b, c],
        Backend::Candle => [a, b, c, d],
    })
}

/// From (n, c, h, w) to the backend's layout.
pub(crate) fn from_nchw(tape: &Tape, x: &Tensor) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(ToNhwc, &[&x.contiguous()?]),
        Backend::Candle => x.contiguous(),
    }
}

/// From the backend's layout to (n, c, h, w).
pub(crate) fn to_nchw(tape: &Tape, x: &Tensor) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(ToNchw, &[x]),
        Backend::Candle => Ok(x.clone()),
    }
}

/// One row per sample, in the order (c, h, w) that published weights expect.
pub(crate) fn flatten(tape: &Tape, x: &Tensor) -> Result<Tensor> {
    let nchw = to_nchw(tape, x)?;
    let (n, c, h, w) = nchw.dims4()?;
    tape.reshape(&nchw, &[n, c * h * w])
}

/// (n, c, h, w) to (n, h, w, c).
struct ToNhwc;
/// (n, h, w, c) to (n, c, h, w).
struct ToNchw;

fn transposed(
    data: &[f32],
    transpose: fn(&[f32], usize, usize, &mut [f32]),
    channels: usize,
    pixels: usize,
    buffers: &Buffers,
) -> Vec<f32> {
    let mut y = buffers.take(data.len());
    transpose(data, channels, pixels, &mut y);
    y
}

impl Operator for ToNhwc {
    fn name(&self) -> &'static str {
        "to_nhwc"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let [n, c, h, w] = nhwc(inputs[0])?;
        let y = transposed(inputs[0].data, cpu::nchw_to_nhwc, c, h * w, buffers);
        Ok((y, vec![n, h, w, c]))
    }

    fn backward(
        &self,
        inputs: &[View<'_>],
        _: View<'_>,
        gradient: Vec<f32>,
        _: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let [_, c, h, w] = nhwc(inputs[0])?;
        let dx = transposed(&gradient, cpu::nhwc_to_nchw, c, h * w, buffers);
        buffers.give(gradient);
        Ok(vec![Some(dx)])
    }
}

impl Operator for ToNchw {
    fn name(&self) -> &'static str {
        "to_nchw"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let [n, h, w, c] = nhwc(inputs[0])?;
        let y = transposed(inputs[0].data, cpu::nhwc_to_nchw, c, h * w, buffers);
        Ok((y, vec![n, c, h, w]))
    }

    fn backward(
        &self,
        inputs: &[View<'_>],
        _: View<'_>,
        gradient: Vec<f32>,
        _: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let [_, h, w, c] = nhwc(inputs[0])?;
        let dx = transposed(&gradient, cpu::nchw_to_nhwc, c, h * w, buffers);
        buffers.give(gradient);
        Ok(vec![Some(dx)])
    }
}
