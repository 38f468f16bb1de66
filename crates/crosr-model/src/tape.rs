//! Recording a forward pass and differentiating it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Device, Result, Tensor, TensorId};

use crate::buffers::Buffers;
use crate::cpu;
use crate::gradients::Gradients;
use crate::operator::{Custom, Operator, with_views};
use crate::sync::locked;

/// Who computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// This crate's CPU kernels, on activations laid out (n, h, w, c).
    Kernels,
    /// candle's operators, on activations laid out (n, c, h, w): every device.
    Candle,
}

impl Backend {
    /// The best there is for a device.
    pub(crate) fn of(device: &Device) -> Self {
        if device.is_cpu() {
            Self::Kernels
        } else {
            Self::Candle
        }
    }
}

struct Node {
    /// `None`: the same values in another shape.
    operator: Option<Arc<dyn Operator>>,
    inputs: Vec<Tensor>,
    output: Tensor,
}

enum Recording {
    /// Nothing to differentiate; outputs whose memory [`Tape::finish`] takes back.
    Off(Mutex<Vec<Tensor>>),
    /// candle's own graph.
    Candle,
    /// Ours.
    Own(Mutex<Vec<Node>>),
}

/// The operators of one forward pass, in order.
///
/// Values flow backwards once: a node is dropped as soon as it is differentiated, and a gradient
/// is moved to its only reader instead of being added to zeros. The memory of values that have had
/// their last reader goes to the next operator.
pub(crate) struct Tape {
    backend: Backend,
    buffers: Arc<Buffers>,
    recording: Recording,
}

impl Tape {
    /// No gradients wanted.
    pub(crate) fn off(backend: Backend) -> Self {
        Self::new(backend, Recording::Off(Mutex::default()))
    }

    /// Gradients through candle's own graph.
    pub(crate) fn candle(backend: Backend) -> Self {
        Self::new(backend, Recording::Candle)
    }

    /// The quickest way to gradients on a device.
    pub(crate) fn recording(backend: Backend) -> Self {
        match backend {
            Backend::Kernels => Self::new(backend, Recording::Own(Mutex::default())),
            Backend::Candle => Self::candle(backend),
        }
    }

    fn new(backend: Backend, recording: Recording) -> Self {
        Self {
            backend,
            buffers: Arc::default(),
            recording,
        }
    }

    /// With memory that earlier passes have left. Not for [`Tape::candle`], whose values live as
    /// long as their readers wish.
    pub(crate) fn with_buffers(self, buffers: &Arc<Buffers>) -> Self {
        Self {
            buffers: buffers.clone(),
            ..self
        }
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// Applies an operator of one to three inputs.
    pub(crate) fn apply(&self, operator: impl Operator, inputs: &[&Tensor]) -> Result<Tensor> {
        let operator: Arc<dyn Operator> = Arc::new(operator);
        let custom = Custom {
            operator: operator.clone(),
            buffers: self.buffers.clone(),
        };
        let output = match (&self.recording, inputs) {
            (Recording::Candle, [a]) => a.apply_op1(custom)?,
            (Recording::Candle, [a, b]) => a.apply_op2(b, custom)?,
            (Recording::Candle, [a, b, c]) => a.apply_op3(b, c, custom)?,
            (_, [a]) => a.apply_op1_no_bwd(&custom)?,
            (_, [a, b]) => a.apply_op2_no_bwd(b, &custom)?,
            (_, [a, b, c]) => a.apply_op3_no_bwd(b, c, &custom)?,
            _ => candle_core::bail!("{}: {} inputs", operator.name(), inputs.len()),
        };
        self.push(Some(operator), inputs, &output);
        Ok(output)
    }

    /// The same values in another shape.
    pub(crate) fn reshape(&self, tensor: &Tensor, dims: &[usize]) -> Result<Tensor> {
        let output = tensor.reshape(dims)?;
        self.push(None, &[tensor], &output);
        Ok(output)
    }

    fn push(&self, operator: Option<Arc<dyn Operator>>, inputs: &[&Tensor], output: &Tensor) {
        match &self.recording {
            Recording::Own(nodes) => locked(nodes).push(Node {
                operator,
                inputs: inputs.iter().map(|&t| t.clone()).collect(),
                output: output.clone(),
            }),
            Recording::Off(outputs) if operator.is_some() => locked(outputs).push(output.clone()),
            Recording::Off(_) | Recording::Candle => {}
        }
    }

    /// Ends a pass that is not differentiated: all its values but `kept` are read no more, and
    /// tensors that hold them are empty from now on.
    pub(crate) fn finish(self, kept: &[&Tensor]) -> Result<()> {
        if let Recording::Off(outputs) = &self.recording {
            for output in locked(outputs).drain(..) {
                if kept.iter().all(|kept| kept.id() != output.id()) {
                    self.buffers.reclaim(&output)?;
                }
            }
        }
        self.buffers.end_pass();
        Ok(())
    }

    /// Gradients of `Σ seed · output`, for a seed of the output's shape.
    #[cfg(test)]
    pub(crate) fn backward_from(self, output: &Tensor, seed: &Tensor) -> Result<Gradients> {
        match self.recording {
            Recording::Off(_) => candle_core::bail!("this pass was not recorded"),
            Recording::Candle => Ok(Gradients::Candle((output * seed)?.sum_all()?.backward()?)),
            Recording::Own(nodes) => {
                let nodes = nodes.into_inner().unwrap_or_else(PoisonError::into_inner);
                let seed = seed.flatten_all()?.to_vec1()?;
                differentiate(nodes, HashMap::from([(output.id(), seed)]), self.buffers)
            }
        }
    }

    /// Gradients of `Σ weight · output` over the given scalar outputs. The values of the pass are
    /// read for the last time: tensors that hold them are empty afterwards.
    pub(crate) fn backward(self, outputs: &[(&Tensor, f64)]) -> Result<Gradients> {
        match self.recording {
            Recording::Off(_) => candle_core::bail!("this pass was not recorded"),
            Recording::Candle => {
                let mut total: Option<Tensor> = None;
                for (output, weight) in outputs {
                    let term = (*output * *weight)?;
                    total = Some(match total {
                        Some(total) => (total + term)?,
                        None => term,
                    });
                }
                match total {
                    Some(total) => Ok(Gradients::Candle(total.backward()?)),
                    None => candle_core::bail!("nothing to differentiate"),
                }
            }
            Recording::Own(nodes) => {
                let nodes = nodes.into_inner().unwrap_or_else(PoisonError::into_inner);
                let mut seeds = HashMap::new();
                for (output, weight) in outputs {
                    let seed = vec![*weight as f32; output.elem_count()];
                    accumulate(&mut seeds, output.id(), seed, &self.buffers);
                }
                differentiate(nodes, seeds, self.buffers)
            }
        }
    }
}

/// Walks back from `gradients`, which hold those of the outputs.
fn differentiate(
    mut nodes: Vec<Node>,
    mut gradients: HashMap<TensorId, Vec<f32>>,
    buffers: Arc<Buffers>,
) -> Result<Gradients> {
    // An input needs a gradient if it is a variable or was itself computed from one.
    let mut tracked: HashSet<TensorId> = HashSet::new();
    for node in &nodes {
        if node
            .inputs
            .iter()
            .any(|t| t.is_variable() || tracked.contains(&t.id()))
        {
            tracked.insert(node.output.id());
        }
    }
    while let Some(node) = nodes.pop() {
        let gradient = gradients.remove(&node.output.id());
        let Some(operator) = node.operator else {
            if let Some(gradient) = gradient {
                accumulate(&mut gradients, node.inputs[0].id(), gradient, &buffers);
            }
            continue;
        };
        if let Some(gradient) = gradient {
            let wanted: Vec<bool> = node
                .inputs
                .iter()
                .map(|t| t.is_variable() || tracked.contains(&t.id()))
                .collect();
            let mut tensors: Vec<&Tensor> = node.inputs.iter().collect();
            tensors.push(&node.output);
            let results = with_views(&tensors, |views| match views.split_last() {
                Some((output, inputs)) => {
                    operator.backward(inputs, *output, gradient, &wanted, &buffers)
                }
                None => Ok(Vec::new()),
            })?;
            for ((result, input), wanted) in results.into_iter().zip(&node.inputs).zip(&wanted) {
                match result {
                    Some(result) if *wanted => {
                        accumulate(&mut gradients, input.id(), result, &buffers);
                    }
                    Some(result) => buffers.give(result),
                    None => {}
                }
            }
        }
        // Its readers came later in the pass, so they are done.
        buffers.reclaim(&node.output)?;
    }
    Ok(Gradients::Own(gradients, buffers))
}

fn accumulate(
    gradients: &mut HashMap<TensorId, Vec<f32>>,
    id: TensorId,
    gradient: Vec<f32>,
    buffers: &Buffers,
) {
    match gradients.entry(id) {
        std::collections::hash_map::Entry::Vacant(slot) => {
            slot.insert(gradient);
        }
        std::collections::hash_map::Entry::Occupied(mut slot) => {
            cpu::accumulate(slot.get_mut(), &gradient);
            buffers.give(gradient);
        }
    }
}
