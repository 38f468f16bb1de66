//! What can go wrong in this crate.

use std::path::PathBuf;

use crosr_data::DataError;

/// An error of crosr-model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// An operator of candle, or a device, failed.
    #[error("tensor operation failed: {0}")]
    Candle(#[from] candle_core::Error),
    /// A dataset could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A network that cannot be built.
    #[error("network configuration: {field} is {value}, it must be {wanted}")]
    Config {
        /// The field at fault.
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// A training setting that makes no sense.
    #[error("training setting {field} is {value}, it must be {wanted}")]
    TrainParam {
        /// The setting at fault.
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// A file is not a safetensors file, or its header lies.
    #[error("{path}: not a readable safetensors file: {source}", path = path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What the safetensors reader says.
        source: safetensors::SafeTensorError,
    },
    /// A checkpoint lacks its description.
    #[error("{path}: {what}; files written by `crosr train` or `crosr convert` carry it", path = path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        what: String,
    },
    /// A checkpoint holds another network's parameters.
    #[error("{path}: another architecture: {what}", path = path.display())]
    Architecture {
        /// The file.
        path: PathBuf,
        /// Names missing, names too many, or shapes that differ.
        what: String,
    },
    /// A PyTorch checkpoint could not be read.
    #[error(transparent)]
    Torch(#[from] crate::torch::TorchError),
    /// The loss is no longer a number.
    #[error(
        "the loss is {loss} at epoch {epoch}, step {step}, learning rate {learning_rate:.2e}; \
         try a smaller learning rate"
    )]
    LossNotFinite {
        /// Epoch, counted from 1.
        epoch: usize,
        /// Optimiser step within the epoch, counted from 1.
        step: usize,
        /// Learning rate of that step.
        learning_rate: f64,
        /// The value of the loss.
        loss: f32,
    },
    /// A training sample without a known class.
    #[error(
        "sample {index} has no class, and the network is trained on known classes only; \
         leave unlabelled pictures to `crosr eval`"
    )]
    Unlabelled {
        /// Position of the sample in its dataset.
        index: usize,
    },
    /// A dataset and a network that disagree.
    #[error("the data have {data} classes, the network has {network}")]
    ClassCount {
        /// Classes of the dataset.
        data: usize,
        /// Classes of the network.
        network: usize,
    },
    /// A dataset too small for one training batch.
    #[error(
        "{samples} training samples make no full batch of {batch_size}; use a smaller batch size"
    )]
    TooFewSamples {
        /// Samples there are.
        samples: usize,
        /// Samples a batch needs.
        batch_size: usize,
    },
    /// A device that this build or machine does not offer.
    #[error("device {name}: {what}")]
    Device {
        /// The device asked for.
        name: String,
        /// Why it cannot be had.
        what: String,
    },
}

/// Result of this crate's functions.
pub type Result<T, E = ModelError> = std::result::Result<T, E>;
