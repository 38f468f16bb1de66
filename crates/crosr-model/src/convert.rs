//! Published PyTorch checkpoints as networks.

use std::path::Path;

use candle_core::Device;

use crate::checkpoint::Values;
use crate::config::{DhrConfig, ReconstructionActivation};
use crate::error::{ModelError, Result};
use crate::network::DhrNet;
use crate::torch::TorchCheckpoint;

impl DhrNet {
    /// The network that a PyTorch checkpoint holds; its shape follows from the tensors' shapes,
    /// and every name and shape is checked both ways.
    ///
    /// A state dict does not say what is done to the reconstruction, so `reconstruction` does:
    /// the published code applies ReLU.
    ///
    /// # Errors
    /// [`ModelError::Architecture`] naming what is missing, too much or of another shape.
    pub fn from_torch(
        checkpoint: &TorchCheckpoint,
        path: &Path,
        reconstruction: ReconstructionActivation,
        device: &Device,
    ) -> Result<Self> {
        let mut values = Values::new();
        for (name, tensor) in &checkpoint.tensors {
            if !name.ends_with(".num_batches_tracked") {
                values.insert(name.clone(), (tensor.shape.clone(), tensor.to_f32()));
            }
        }
        let network = Self::zeroed(&config_of(&values, path, reconstruction)?, device)?;
        network.load(&values, path)?;
        Ok(network)
    }
}

/// Reads the widths off the shapes.
fn config_of(
    values: &Values,
    path: &Path,
    reconstruction: ReconstructionActivation,
) -> Result<DhrConfig> {
    let wrong = |what: String| ModelError::Architecture {
        path: path.to_owned(),
        what,
    };
    let dim = |name: &str, rank: usize, axis: usize| match values.get(name) {
        None => Err(wrong(format!("{name} is missing"))),
        Some((shape, _)) if shape.len() != rank => Err(wrong(format!(
            "{name} has shape {shape:?}, {rank} dimensions are expected"
        ))),
        Some((shape, _)) => Ok(shape[axis]),
    };
    let widths = [
        dim("conv1_1.weight", 4, 0)?,
        dim("conv2_1.weight", 4, 0)?,
        dim("conv3_1.weight", 4, 0)?,
    ];
    let flattened = dim("fc4.weight", 2, 1)?;
    let side = (flattened / widths[2].max(1)).isqrt();
    if side * side * widths[2] != flattened {
        return Err(wrong(format!(
            "fc4.weight takes {flattened} inputs, no square picture gives that of {} channels",
            widths[2]
        )));
    }
    Ok(DhrConfig {
        n_classes: dim("fc6.weight", 2, 0)?,
        image_size: 8 * side,
        widths,
        latent_channels: dim("btl1.weight", 4, 0)?,
        hidden: dim("fc4.weight", 2, 0)?,
        reconstruction,
        ..DhrConfig::cifar10(2)
    })
}
