//! What can go wrong in this crate.

use std::path::PathBuf;

use crosr_data::DataError;

use crate::train::BatchFault;

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
    /// A checkpoint lacks its description, or the description makes no sense.
    #[error("{path}: {what}", path = path.display())]
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
    /// A checkpoint holds values that no network works with.
    #[error(
        "{path}: {name} holds {value} at position {index}, it must be {wanted}",
        path = path.display()
    )]
    Value {
        /// The file.
        path: PathBuf,
        /// The parameter, running statistic or velocity.
        name: String,
        /// Position of the first such value.
        index: usize,
        /// The value.
        value: f32,
        /// What would be right.
        wanted: &'static str,
    },
    /// A model card that cannot be written.
    #[error("model description: {what}")]
    Card {
        /// What is wrong with it.
        what: String,
    },
    /// A PyTorch checkpoint could not be read.
    #[error(transparent)]
    Torch(#[from] crate::torch::TorchError),
    /// A batch that the network cannot learn from, and no more such are allowed.
    #[error(
        "{fault} at epoch {epoch}, step {step}, learning rate {learning_rate:.2e}{after}; \
         try a smaller learning rate, --clip-gradients 1 or --skip-bad-batches {more}",
        after = after_skipped(*skipped),
        more = skipped.saturating_add(10)
    )]
    BadBatch {
        /// Epoch, counted from 1.
        epoch: usize,
        /// Step within the epoch, counted from 1.
        step: usize,
        /// Learning rate of that step.
        learning_rate: f64,
        /// Bad batches that were left out before it, in the whole training.
        skipped: u64,
        /// What is wrong, with the loss.
        #[source]
        fault: BatchFault,
    },
    /// A training has left a parameter that is not finite.
    #[error(
        "{name} is not finite after epoch {epoch}, learning rate {learning_rate:.2e}; \
         try a smaller learning rate or --clip-gradients 1"
    )]
    ParametersNotFinite {
        /// The parameter or running statistic.
        name: String,
        /// Epoch, counted from 1.
        epoch: usize,
        /// Learning rate of its last step.
        learning_rate: f64,
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

/// Longest excerpt of a file in a message, in characters.
const LONGEST_EXCERPT: usize = 120;

/// Text out of a file as a message can hold it: one line, not too long.
pub(crate) fn shown(text: &str) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(LONGEST_EXCERPT).collect();
    let rest = if characters.next().is_some() {
        "..."
    } else {
        ""
    };
    format!("{}{rest}", start.escape_debug())
}

fn after_skipped(skipped: u64) -> String {
    match skipped {
        0 => String::new(),
        1 => ", after 1 bad batch that was skipped".to_owned(),
        n => format!(", after {n} bad batches that were skipped"),
    }
}
