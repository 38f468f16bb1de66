//! What a training needs to go on as if it had never stopped.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::Device;

use super::{TrainParams, Trainer};
use crate::checkpoint::{TensorFile, Values, described, serialise};
use crate::error::{ModelError, Result, shown};
use crate::network::DhrNet;
use crate::sgd::VELOCITY;
use crate::tape::Backend;

/// In front of a parameter's name in a training state.
const PARAMETER: &str = "parameter/";

/// More steps than any training takes.
const MOST_STEPS: u64 = 1 << 48;

/// How far a training is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Epochs completed.
    pub(super) epochs: usize,
    /// Batches that have had their turn, bad ones too.
    pub(super) steps: u64,
    /// Bad batches among them.
    pub(super) skipped_batches: u64,
}

impl Done {
    fn read(metadata: &HashMap<String, String>, path: &Path) -> Result<Self> {
        let wrong = |what: String| ModelError::Metadata {
            path: path.to_owned(),
            what: format!("training state: {what}"),
        };
        let count = |key: &str| match metadata.get(key) {
            None => Err(wrong(format!(
                "{key} is missing; last.safetensors of a run folder has it"
            ))),
            Some(text) => text
                .parse::<u64>()
                .map_err(|e| wrong(format!("{key} is {}: {e}", shown(text)))),
        };
        let epochs = count("epochs_done")?;
        let steps = count("steps_done")?;
        // States of versions that stopped at the first bad batch do not have it.
        let skipped_batches = match metadata.get("skipped_batches") {
            None => 0,
            Some(_) => count("skipped_batches")?,
        };
        if steps > MOST_STEPS {
            return Err(wrong(format!(
                "steps_done is {steps}, more than any training takes"
            )));
        }
        // An epoch has one step at least, and a bad batch is a step.
        for (key, count) in [
            ("epochs_done", epochs),
            ("skipped_batches", skipped_batches),
        ] {
            if count > steps {
                return Err(wrong(format!("{key} is {count} with {steps} steps_done")));
            }
        }
        Ok(Self {
            epochs: usize::try_from(epochs)
                .map_err(|_| wrong(format!("epochs_done is {epochs}, too many")))?,
            steps,
            skipped_batches,
        })
    }

    fn write(self, metadata: &mut HashMap<String, String>) {
        for (key, count) in [
            ("epochs_done", self.epochs as u64),
            ("steps_done", self.steps),
            ("skipped_batches", self.skipped_batches),
        ] {
            metadata.insert(key.to_owned(), count.to_string());
        }
    }

    /// Steps that changed the parameters.
    fn updates(self) -> u64 {
        self.steps - self.skipped_batches
    }
}

impl Trainer {
    /// Goes on from a state written by [`Trainer::state`]: the rest of the training gives the
    /// same bits as if it had never stopped. `path` is named in errors.
    ///
    /// # Errors
    /// What is wrong with the file; the parameters, and the velocities once there has been a step,
    /// must be complete and finite.
    pub fn resume(bytes: &[u8], path: &Path, params: TrainParams, device: &Device) -> Result<Self> {
        params.check()?;
        let file = TensorFile::read(bytes, path)?;
        let (config, card) = described(&file.metadata, path)?;
        let done = Done::read(&file.metadata, path)?;
        let (mut parameters, mut velocities) = (BTreeMap::new(), BTreeMap::new());
        for (name, stored) in &file.tensors {
            if name.starts_with(VELOCITY) {
                velocities.insert(name.as_str(), stored);
            } else if let Some(name) = name.strip_prefix(PARAMETER) {
                parameters.insert(name, stored);
            } else {
                return Err(ModelError::Architecture {
                    path: path.to_owned(),
                    what: format!("{} has no place in a training state", shown(name)),
                });
            }
        }
        let network = DhrNet::stored(&config, &parameters, path, device)?;
        let mut trainer = Self::with_network(network, card, params);
        if done.updates() > 0 || !velocities.is_empty() {
            let in_memory = Backend::of(device) == Backend::Kernels;
            trainer.sgd.restore(&velocities, in_memory, path)?;
        }
        trainer.done = done;
        Ok(trainer)
    }

    /// Everything an exact resume needs, as a safetensors file. Order, augmentation and dropout
    /// follow from the seed and the counts of epochs and steps, so no generator has a state.
    ///
    /// # Errors
    /// Failure to copy tensors from the device.
    pub fn state(&self) -> Result<Vec<u8>> {
        let mut values = Values::new();
        for (name, value) in self.network.values()? {
            values.insert(format!("{PARAMETER}{name}"), value);
        }
        values.extend(self.sgd.velocities()?);
        let mut metadata = self.network.card_metadata(&self.card)?;
        self.done.write(&mut metadata);
        serialise(&values, metadata)
    }
}
