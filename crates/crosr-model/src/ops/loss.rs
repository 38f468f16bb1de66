//! The two losses, and the reconstruction error of each sample.

use candle_core::{D, Result, Tensor};

use crate::buffers::Buffers;
use crate::cpu;
use crate::operator::{Operator, View};
use crate::tape::{Backend, Tape};

/// Mean over the rows of −ln softmax(logits)\[label\].
/// With `smoothing`, that part of each target is spread evenly over the classes.
pub(crate) fn cross_entropy(
    tape: &Tape,
    logits: &Tensor,
    labels: Vec<usize>,
    smoothing: f64,
) -> Result<Tensor> {
    let (rows, n_classes) = logits.dims2()?;
    if labels.len() != rows {
        candle_core::bail!("{} labels for {rows} rows of logits", labels.len());
    }
    if let Some(label) = labels.iter().find(|&&label| label >= n_classes) {
        candle_core::bail!("label {label} with {n_classes} classes");
    }
    let labels: Vec<u32> = labels.into_iter().map(|label| label as u32).collect();
    match tape.backend() {
        Backend::Kernels => tape.apply(CrossEntropy { labels, smoothing }, &[logits]),
        Backend::Candle => {
            let labels = Tensor::from_vec(labels, rows, logits.device())?;
            let hard = candle_nn::loss::cross_entropy(logits, &labels)?;
            if smoothing == 0.0 {
                return Ok(hard);
            }
            let even = candle_nn::ops::log_softmax(logits, D::Minus1)?.mean_all()?;
            (hard * (1.0 - smoothing))? - (even * smoothing)?
        }
    }
}

struct CrossEntropy {
    labels: Vec<u32>,
    smoothing: f64,
}

impl Operator for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn forward(&self, inputs: &[View<'_>], _: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let n_classes = inputs[0].dims.last().copied().unwrap_or(0);
        let loss = cpu::softmax_cross_entropy(
            inputs[0].data,
            &self.labels,
            n_classes,
            self.smoothing,
            1.0,
            None,
        );
        Ok((vec![loss as f32], vec![]))
    }

    fn backward(
        &self,
        inputs: &[View<'_>],
        _: View<'_>,
        gradient: Vec<f32>,
        _: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let n_classes = inputs[0].dims.last().copied().unwrap_or(0);
        let mut dx = buffers.take(inputs[0].data.len());
        cpu::softmax_cross_entropy(
            inputs[0].data,
            &self.labels,
            n_classes,
            self.smoothing,
            gradient[0],
            Some(&mut dx),
        );
        Ok(vec![Some(dx)])
    }
}

/// Mean over all elements of (x − target)².
pub(crate) fn mean_squared_error(tape: &Tape, x: &Tensor, target: &Tensor) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(MeanSquaredError, &[x, target]),
        Backend::Candle => candle_nn::loss::mse(x, target),
    }
}

struct MeanSquaredError;

impl Operator for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean_squared_error"
    }

    fn forward(&self, inputs: &[View<'_>], _: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let [x, target] = [inputs[0], inputs[1]];
        if x.dims != target.dims {
            candle_core::bail!("shapes {:?} and {:?} are compared", x.dims, target.dims);
        }
        Ok((
            vec![cpu::mean_squared_error(x.data, target.data) as f32],
            vec![],
        ))
    }

    fn backward(
        &self,
        inputs: &[View<'_>],
        _: View<'_>,
        gradient: Vec<f32>,
        wanted: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let towards = |a: View<'_>, b: View<'_>| {
            let mut da = buffers.take(a.data.len());
            cpu::mean_squared_error_gradient(a.data, b.data, gradient[0], &mut da);
            da
        };
        Ok(vec![
            wanted[0].then(|| towards(inputs[0], inputs[1])),
            wanted[1].then(|| towards(inputs[1], inputs[0])),
        ])
    }
}

/// Mean squared error of each sample, (n). Not differentiated.
pub(crate) fn squared_errors(tape: &Tape, x: &Tensor, target: &Tensor) -> Result<Tensor> {
    match tape.backend() {
        Backend::Kernels => tape.apply(SquaredErrors, &[&x.detach(), &target.detach()]),
        Backend::Candle => (x - target)?.sqr()?.flatten_from(1)?.mean(1),
    }
}

struct SquaredErrors;

impl Operator for SquaredErrors {
    fn name(&self) -> &'static str {
        "squared_errors"
    }

    fn forward(&self, inputs: &[View<'_>], _: &Buffers) -> Result<(Vec<f32>, Vec<usize>)> {
        let [x, target] = [inputs[0], inputs[1]];
        let n = x.dims.first().copied().unwrap_or(0);
        let size = x.data.len().checked_div(n).unwrap_or(0).max(1);
        let errors = x
            .data
            .chunks(size)
            .zip(target.data.chunks(size))
            .map(|(x, target)| cpu::mean_squared_error(x, target) as f32)
            .collect();
        Ok((errors, vec![n]))
    }

    fn backward(
        &self,
        _: &[View<'_>],
        _: View<'_>,
        _: Vec<f32>,
        _: &[bool],
        _: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        candle_core::bail!("errors of single samples are for evaluation")
    }
}
