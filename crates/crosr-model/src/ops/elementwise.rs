//! Addition and dropout.

use candle_core::{Result, Tensor};

use crate::buffers::Buffers;
use crate::cpu;
use crate::operator::{Operator, View};
use crate::tape::{Backend, Tape};

/// The sum of two tensors of one shape.
pub(crate) fn add(tape: &Tape, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(Add, &[a, b]),
        Backend::Candle => a + b,
    }
}

struct Add;

impl Operator for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let [a, b] = [inputs[0], inputs[1]];
        if a.dims != b.dims {
            candle_core::bail!("shapes {:?} and {:?} are added", a.dims, b.dims);
        }
        let mut y = buffers.take(a.data.len());
        cpu::add(a.data, b.data, &mut y);
        Ok((y, a.dims.to_vec()))
    }

    fn backward(
        &self,
        _: &[View<'_>],
        _: View<'_>,
        gradient: Vec<f32>,
        wanted: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let first = wanted[0].then(|| {
            let mut copy = buffers.take(gradient.len());
            copy.copy_from_slice(&gradient);
            copy
        });
        Ok(vec![first, Some(gradient)])
    }
}

/// Which mask: the same key and shape give the same mask on every device and number of threads.
#[derive(Clone, Copy)]
pub(crate) struct DropoutKey {
    pub(crate) seed: u64,
    pub(crate) layer: u64,
}

impl DropoutKey {
    fn mask(self, p: f32) -> cpu::Dropout {
        cpu::Dropout::new(f64::from(p), self.seed, self.layer, 0)
    }
}

/// Zeroes each value with probability `p` and scales the others by 1 / (1 − p).
pub(crate) fn dropout(tape: &Tape, x: &Tensor, p: f32, key: DropoutKey) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(Dropout { mask: key.mask(p) }, &[x]),
        Backend::Candle => {
            let ones = vec![1.0; x.elem_count()];
            let mut mask = vec![0.0; ones.len()];
            key.mask(p).apply(&ones, &mut mask);
            x * Tensor::from_vec(mask, x.shape(), x.device())?
        }
    }
}

struct Dropout {
    mask: cpu::Dropout,
}

impl Operator for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let mut y = buffers.take(inputs[0].data.len());
        self.mask.apply(inputs[0].data, &mut y);
        Ok((y, inputs[0].dims.to_vec()))
    }

    fn backward(
        &self,
        _: &[View<'_>],
        _: View<'_>,
        gradient: Vec<f32>,
        _: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        // The mask follows from its key, so it is drawn again rather than kept.
        let mut dx = buffers.take(gradient.len());
        self.mask.apply(&gradient, &mut dx);
        buffers.give(gradient);
        Ok(vec![Some(dx)])
    }
}
