//! Published PyTorch checkpoints as networks.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Device;

use crate::config::{DhrConfig, ReconstructionActivation};
use crate::error::{ModelError, Result};
use crate::network::DhrNet;
use crate::torch::{TorchCheckpoint, TorchTensor};

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
        let tensors = checkpoint.tensors.iter();
        let shapes: BTreeMap<&str, &[usize]> = tensors
            .filter(|(name, _)| !name.ends_with(".num_batches_tracked"))
            .map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()))
            .collect();
        let config = config_of(&shapes, path, reconstruction)?;
        let values = |name: &str| checkpoint.tensors.get(name).map(TorchTensor::to_f32);
        Self::filled(&config, &shapes, values, path, device)
    }
}

/// Reads the widths off the shapes.
fn config_of(
    shapes: &BTreeMap<&str, &[usize]>,
    path: &Path,
    reconstruction: ReconstructionActivation,
) -> Result<DhrConfig> {
    let wrong = |what: String| ModelError::Architecture {
        path: path.to_owned(),
        what,
    };
    let dim = |name: &str, rank: usize, axis: usize| match shapes.get(name) {
        None => Err(wrong(format!("{name} is missing"))),
        Some(shape) if shape.len() != rank => Err(wrong(format!(
            "{name} has {} dimensions, {rank} are expected",
            shape.len()
        ))),
        Some(shape) => Ok(shape[axis]),
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
    let config = DhrConfig {
        n_classes: dim("fc6.weight", 2, 0)?,
        image_size: 8 * side,
        widths,
        latent_channels: dim("btl1.weight", 4, 0)?,
        hidden: dim("fc4.weight", 2, 0)?,
        reconstruction,
        ..DhrConfig::cifar10(2)
    };
    config.check().map_err(|e| wrong(e.to_string()))?;
    Ok(config)
}
