//! Checkpoints: safetensors that say what they hold.

mod card;
mod read;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};

use crate::config::DhrConfig;
use crate::error::Result;
use crate::network::DhrNet;

use self::write::serialise_as;

pub use self::{card::ModelCard, write::sort_safetensors_header};
pub(crate) use self::{
    card::described,
    read::{Stored, TensorFile, check_values, compare},
    write::{Values, serialise, to_values},
};

impl DhrNet {
    /// The weights file: every parameter and running statistic as f32, with class names,
    /// normalisation and architecture in the metadata.
    ///
    /// # Errors
    /// [`crate::ModelError::ClassCount`] when the card names another number of classes,
    /// [`crate::ModelError::Card`] when it makes no sense.
    pub fn to_safetensors(&self, card: &ModelCard) -> Result<Vec<u8>> {
        serialise(&self.values()?, self.card_metadata(card)?)
    }

    /// The weights file at half its size: weights in half precision where that holds them; biases,
    /// norms and statistics as they are. [`DhrNet::from_safetensors`] reads it.
    ///
    /// # Errors
    /// As for [`DhrNet::to_safetensors`].
    pub fn to_half_safetensors(&self, card: &ModelCard) -> Result<Vec<u8>> {
        serialise_as(&self.values()?, self.card_metadata(card)?, true)
    }

    /// Reads a weights file; `path` is named in errors.
    ///
    /// Whatever the file says, no more memory is taken than a small multiple of its size: nothing
    /// is built before names and shapes (compared both ways) are right.
    ///
    /// # Errors
    /// What is wrong with the file: not safetensors, no description, another architecture's
    /// parameters, or values that are not finite.
    pub fn from_safetensors(
        bytes: &[u8],
        path: &Path,
        device: &Device,
    ) -> Result<(Self, ModelCard)> {
        let file = TensorFile::read(bytes, path)?;
        let (config, card) = described(&file.metadata, path)?;
        let tensors = file.tensors.iter();
        let tensors = tensors.map(|(name, stored)| (name.as_str(), stored));
        Ok((
            Self::stored(&config, &tensors.collect(), path, device)?,
            card,
        ))
    }

    /// The network of this shape whose parameters these are.
    pub(crate) fn stored(
        config: &DhrConfig,
        tensors: &BTreeMap<&str, &Stored<'_>>,
        path: &Path,
        device: &Device,
    ) -> Result<Self> {
        let shapes = tensors.iter().map(|(&name, s)| (name, s.shape.as_slice()));
        let values = |name: &str| tensors.get(name).map(|stored| stored.values());
        Self::filled(config, &shapes.collect(), values, path, device)
    }

    /// The network of this shape with the values that `values` gives by name. `shapes` must be
    /// exactly the network's, and is compared before anything is built.
    pub(crate) fn filled(
        config: &DhrConfig,
        shapes: &BTreeMap<&str, &[usize]>,
        values: impl Fn(&str) -> Option<Vec<f32>>,
        path: &Path,
        device: &Device,
    ) -> Result<Self> {
        compare(&Self::shapes(config)?, shapes, path)?;
        let network = Self::zeroed(config, device)?;
        for (name, variable) in network.parameters().all() {
            let Some(values) = values(&name) else {
                continue;
            };
            check_values(&name, &values, path)?;
            variable.set(&Tensor::from_vec(values, variable.shape(), device)?)?;
        }
        Ok(network)
    }

    pub(crate) fn card_metadata(&self, card: &ModelCard) -> Result<HashMap<String, String>> {
        card.metadata(self.config())
    }

    /// Parameters and running statistics as plain values.
    pub(crate) fn values(&self) -> Result<Values> {
        self.named_tensors()
            .into_iter()
            .map(|(name, t)| Ok((name, to_values(&t)?)))
            .collect()
    }
}
