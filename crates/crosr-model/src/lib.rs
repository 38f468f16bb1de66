//! DHRNet on candle: operators, training, checkpoints, activation vectors.
//!
//! The Deep Hierarchical Reconstruction Net of CROSR (Yoshihashi et al., *Classification-
//! Reconstruction Learning for Open-Set Recognition*, arXiv 1812.04246) classifies and
//! reconstructs at once; its logits and latents together make the activation vector that open-set
//! recognition works on.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use crosr_model::{DhrConfig, DhrNet, Mode};
//!
//! let config = DhrConfig::cifar10(10).with_width(0.125);
//! let network = DhrNet::new(&config, 7, &Device::Cpu)?;
//! let images = Tensor::zeros((2, 3, 32, 32), candle_core::DType::F32, &Device::Cpu)?;
//! let output = network.forward(&images, Mode::Eval)?;
//! assert_eq!(output.logits.dims(), [2, 10]);
//! assert_eq!(output.reconstruction.dims(), [2, 3, 32, 32]);
//! # Ok::<(), crosr_model::ModelError>(())
//! ```
//!
//! On a CPU the operators are this crate's own ([`cpu`]), on other devices candle's.
//!
//! Not here: mean activation vectors, Weibulls, thresholds, the unknown class (crosr-openmax);
//! metrics (crosr-eval); reading pictures (crosr-data); writing files.

mod activations;
mod buffers;
mod checkpoint;
mod config;
mod convert;
pub mod cpu;
mod device;
mod error;
#[cfg(test)]
mod golden;
mod gradients;
mod network;
mod operator;
mod ops;
mod parameters;
mod schedule;
mod sgd;
mod sync;
mod tape;
mod torch;
mod train;
mod views;

pub use crate::{
    activations::{ActivationStream, Activations, Pooling},
    checkpoint::{ModelCard, sort_safetensors_header},
    config::{DhrConfig, ReconstructionActivation},
    device::{device, device_name},
    error::{ModelError, Result},
    network::{DhrNet, DhrOutput, Mode},
    schedule::Schedule,
    torch::{TorchCheckpoint, TorchDtype, TorchError, TorchTensor},
    train::{
        BatchFault, BatchLosses, BatchOutcome, EpochReport, StepReport, TrainParams, Trainer,
        Validation, evaluation_plan, validate,
    },
    views::Views,
};
