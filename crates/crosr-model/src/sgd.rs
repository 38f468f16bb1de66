//! Stochastic gradient descent with momentum and L2, as PyTorch defines it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use candle_core::{CpuStorage, Error, InplaceOp1, Layout, Tensor, Var};

use crate::checkpoint::{Stored, Values, check_values, compare, to_values};
use crate::cpu;
use crate::error::Result;
use crate::gradients::Gradients;
use crate::parameters::Shapes;
use crate::sync::locked;

/// In front of a parameter's name, the name of its velocity in a training state.
pub(crate) const VELOCITY: &str = "velocity/";

/// Moving averages of the gradients, by parameter.
enum Velocity {
    InMemory(Vec<f32>),
    OnDevice(Tensor),
}

/// Per parameter p with gradient g: d = scale · g + L2 · p; v = d at first, then momentum · v + d;
/// p -= rate · v.
pub(crate) struct Sgd {
    parameters: Vec<(String, Var)>,
    velocities: BTreeMap<String, Velocity>,
    momentum: f64,
    weight_decay: f64,
    /// Whether L2 acts on biases, batch norms and the reconstruction too.
    decay_all: bool,
}

impl Sgd {
    pub(crate) fn new(
        parameters: Vec<(String, Var)>,
        momentum: f64,
        weight_decay: f64,
        decay_all: bool,
    ) -> Self {
        Self {
            parameters,
            velocities: BTreeMap::new(),
            momentum,
            weight_decay,
            decay_all,
        }
    }

    /// Euclidean norm of the gradients of all parameters together.
    pub(crate) fn norm(&self, gradients: &Gradients) -> Result<f64> {
        Ok(gradients.norm(self.parameters.iter().map(|(_, variable)| variable))?)
    }

    /// One update of every parameter that has a gradient, which counts `scale` times.
    pub(crate) fn step(
        &mut self,
        gradients: &Gradients,
        learning_rate: f64,
        scale: f64,
    ) -> Result<()> {
        for (name, variable) in &self.parameters {
            // Biases and batch norms have one dimension.
            let decays = self.decay_all || variable.dims().len() > 1 && !reconstructs(name);
            let weight_decay = if decays { self.weight_decay } else { 0.0 };
            if let Some(gradient) = gradients.slice(variable) {
                let first = !self.velocities.contains_key(name);
                let velocity = self
                    .velocities
                    .entry(name.clone())
                    .or_insert_with(|| Velocity::InMemory(vec![0.0; gradient.len()]));
                if let Velocity::InMemory(velocity) = velocity {
                    variable.inplace_op1(&InMemoryStep {
                        gradient,
                        velocity: Mutex::new(velocity),
                        step: cpu::SgdStep {
                            gradient_scale: scale as f32,
                            learning_rate: learning_rate as f32,
                            momentum: self.momentum as f32,
                            weight_decay: weight_decay as f32,
                            first,
                        },
                    })?;
                }
            } else if let Some(mut gradient) = gradients.get(variable)? {
                if scale != 1.0 {
                    gradient = (gradient * scale)?;
                }
                let mut direction = (gradient + (variable.as_tensor() * weight_decay)?)?;
                if let Some(Velocity::OnDevice(velocity)) = self.velocities.get(name) {
                    direction = ((velocity * self.momentum)? + direction)?;
                }
                let direction = direction.detach();
                variable.set(&(variable.as_tensor().detach() - (&direction * learning_rate)?)?)?;
                self.velocities
                    .insert(name.clone(), Velocity::OnDevice(direction));
            }
        }
        Ok(())
    }

    /// The state, for an exact resume: velocities by [`VELOCITY`] and the parameter's name.
    pub(crate) fn velocities(&self) -> Result<Values> {
        let shapes: BTreeMap<&String, &[usize]> = self
            .parameters
            .iter()
            .map(|(name, v)| (name, v.dims()))
            .collect();
        self.velocities
            .iter()
            .map(|(name, velocity)| {
                let values = match velocity {
                    Velocity::InMemory(data) => (
                        shapes.get(name).map_or(Vec::new(), |s| s.to_vec()),
                        data.clone(),
                    ),
                    Velocity::OnDevice(tensor) => to_values(tensor)?,
                };
                Ok((format!("{VELOCITY}{name}"), values))
            })
            .collect()
    }

    /// Takes the state back: the velocity of every parameter, by its name. `in_memory` where
    /// gradients come as slices; `path` is named in errors.
    pub(crate) fn restore(
        &mut self,
        stored: &BTreeMap<&str, &Stored<'_>>,
        in_memory: bool,
        path: &Path,
    ) -> Result<()> {
        let key = |name: &str| format!("{VELOCITY}{name}");
        let parameters = self.parameters.iter();
        let expected: Shapes = parameters
            .map(|(name, variable)| (key(name), variable.dims().to_vec()))
            .collect();
        let found = stored.iter().map(|(&name, s)| (name, s.shape.as_slice()));
        compare(&expected, &found.collect(), path)?;
        self.velocities.clear();
        for (name, variable) in &self.parameters {
            let key = key(name);
            let Some(stored) = stored.get(key.as_str()) else {
                continue;
            };
            let values = stored.values();
            check_values(&key, &values, path)?;
            let velocity = if in_memory {
                Velocity::InMemory(values)
            } else {
                let (shape, device) = (variable.shape(), variable.device());
                Velocity::OnDevice(Tensor::from_vec(values, shape, device)?)
            };
            self.velocities.insert(name.clone(), velocity);
        }
        Ok(())
    }
}

/// Whether a parameter is of the bottlenecks or the decoder.
fn reconstructs(name: &str) -> bool {
    name.starts_with("btl") || name.starts_with("deconv")
}

struct InMemoryStep<'a> {
    gradient: &'a [f32],
    velocity: Mutex<&'a mut Vec<f32>>,
    step: cpu::SgdStep,
}

impl InplaceOp1 for InMemoryStep<'_> {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let CpuStorage::F32(data) = storage else {
            return Err(Error::Msg("parameters are f32".to_owned()));
        };
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(Error::Msg("parameters are contiguous".to_owned()));
        };
        let mut velocity = locked(&self.velocity);
        cpu::sgd_step(
            self.step,
            &mut data[start..end],
            self.gradient,
            &mut velocity,
        );
        Ok(())
    }
}
