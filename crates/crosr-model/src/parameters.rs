//! The network's variables, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Error, Result, Shape, Tensor, Var};
use candle_nn::Init;
use candle_nn::var_builder::SimpleBackend;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::sync::locked;

/// Names and shapes.
pub(crate) type Shapes = BTreeMap<String, Vec<usize>>;

/// Parameters and running statistics in sorted name order.
///
/// A plain `candle_nn::VarMap` is a hash map filled from a generator that cannot be seeded; the
/// order of names and one seed fix everything here.
#[derive(Clone, Default)]
pub(crate) struct Parameters {
    variables: Arc<Mutex<BTreeMap<String, Var>>>,
}

/// Whether a name belongs to the running statistics, which no gradient reaches.
pub(crate) fn is_statistic(name: &str) -> bool {
    name.ends_with(".running_mean") || name.ends_with(".running_var")
}

impl Parameters {
    /// All variables, sorted by name.
    pub(crate) fn all(&self) -> BTreeMap<String, Var> {
        locked(&self.variables).clone()
    }

    /// What the optimiser changes, sorted by name.
    pub(crate) fn trainable(&self) -> Vec<(String, Var)> {
        self.all()
            .into_iter()
            .filter(|(name, _)| !is_statistic(name))
            .collect()
    }

    /// The running statistics, sorted by name.
    pub(crate) fn statistics(&self) -> Vec<Var> {
        self.all()
            .into_iter()
            .filter(|(name, _)| is_statistic(name))
            .map(|(_, variable)| variable)
            .collect()
    }

    /// Draws fresh weights, uniform with the variance that keeps a signal's size: 2 / fan-in in
    /// front of a ReLU (He et al., arXiv 1502.01852), 1 / fan-in elsewhere. Biases are 0; batch
    /// norms begin with 1 and 0.
    pub(crate) fn initialise(&self, seed: u64) -> Result<()> {
        for (position, (name, variable)) in self.all().iter().enumerate() {
            let count = variable.elem_count();
            let (layer, part) = name.rsplit_once('.').unwrap_or((name, ""));
            let values = match part {
                "weight" if !layer.starts_with("bn") => {
                    let gain = if before_relu(layer) { 6.0 } else { 3.0 };
                    let bound = (gain / fan_in(layer, variable.dims()).max(1) as f64).sqrt();
                    let mut generator = ChaCha8Rng::seed_from_u64(seed);
                    generator.set_stream(position as u64);
                    let draw = |_| {
                        let unit = (generator.next_u64() >> 11) as f64 * 2f64.powi(-53);
                        ((2.0 * unit - 1.0) * bound) as f32
                    };
                    (0..count).map(draw).collect()
                }
                "weight" | "running_var" => vec![1f32; count],
                _ => vec![0f32; count],
            };
            variable.set(&Tensor::from_vec(
                values,
                variable.shape(),
                variable.device(),
            )?)?;
        }
        Ok(())
    }
}

/// Whether a layer's output goes through a ReLU at once, or after a batch norm.
fn before_relu(layer: &str) -> bool {
    !layer.starts_with("btlu") && !matches!(layer, "fc6" | "deconv1")
}

/// Inputs that one output value depends on. A transposed convolution's weight is (in, out, 2, 2),
/// and with stride 2 each output sees one position of it.
fn fan_in(layer: &str, dims: &[usize]) -> usize {
    if layer.starts_with("deconv") {
        dims.first().copied().unwrap_or(1)
    } else {
        dims.iter().skip(1).product()
    }
}

/// Lets `VarBuilder` create the variables that a network's constructor asks for.
impl SimpleBackend for Parameters {
    fn get(&self, s: Shape, name: &str, _: Init, dtype: DType, dev: &Device) -> Result<Tensor> {
        let mut variables = locked(&self.variables);
        if variables.contains_key(name) {
            return Err(named_twice(name));
        }
        let variable = Var::zeros(s, dtype, dev)?;
        let tensor = variable.as_tensor().clone();
        variables.insert(name.to_owned(), variable);
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        Err(shapeless(name))
    }

    fn contains_tensor(&self, name: &str) -> bool {
        locked(&self.variables).contains_key(name)
    }
}

/// Notes what a network's constructor asks for and hands out views of a single zero in its place.
#[derive(Clone, Default)]
pub(crate) struct Survey {
    shapes: Arc<Mutex<Shapes>>,
}

impl Survey {
    /// What was asked for.
    pub(crate) fn shapes(&self) -> Shapes {
        locked(&self.shapes).clone()
    }
}

impl SimpleBackend for Survey {
    fn get(&self, s: Shape, name: &str, _: Init, dtype: DType, dev: &Device) -> Result<Tensor> {
        let dims = s.dims().to_vec();
        let values = dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim));
        if values.is_none_or(|n| n.checked_mul(dtype.size_in_bytes()).is_none()) {
            candle_core::bail!("{name}: no memory holds a tensor of shape {dims:?}");
        }
        if locked(&self.shapes).insert(name.to_owned(), dims).is_some() {
            return Err(named_twice(name));
        }
        Tensor::zeros((), dtype, dev)?.broadcast_as(s)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        Err(shapeless(name))
    }

    fn contains_tensor(&self, name: &str) -> bool {
        locked(&self.shapes).contains_key(name)
    }
}

fn named_twice(name: &str) -> Error {
    Error::Msg(format!("two layers are named {name}"))
}

fn shapeless(name: &str) -> Error {
    Error::Msg(format!("{name}: a variable is made with a shape only"))
}
