//! Activation vectors, as a stream.

use std::sync::Arc;

use candle_core::Tensor;
use crosr_data::{Batch, BatchPlan, Batches, Dataset, batches};

use crate::error::Result;
use crate::network::{DhrNet, DhrOutput, Mode};
use crate::ops;

/// How a latent's map becomes one number per channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Global maximum, as published.
    Max,
    /// Global mean.
    Mean,
}

/// Activation vectors of one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations {
    /// Row-major (N, D): the K logits, then the pooled latents z3, z2, z1.
    pub rows: Vec<f32>,
    /// Length D of a vector.
    pub dim: usize,
    /// Class of each sample; `None` where it has no known class.
    pub labels: Vec<Option<usize>>,
    /// Position of each sample in its dataset.
    pub indices: Vec<usize>,
    /// Mean squared error of each reconstruction, in the normalised units of the input.
    pub reconstruction_errors: Vec<f32>,
}

impl DhrNet {
    /// Activation vectors of a whole dataset, a batch at a time; nothing is kept, so memory does
    /// not grow with the dataset.
    ///
    /// # Errors
    /// Those of reading the data, here and from the iterator.
    pub fn activations(
        &self,
        dataset: Arc<dyn Dataset>,
        plan: &BatchPlan,
        pooling: Pooling,
    ) -> Result<ActivationStream<'_>> {
        Ok(ActivationStream {
            network: self,
            batches: batches(dataset, plan)?,
            pooling,
        })
    }

    /// Everything the network computes for one batch of pictures, in evaluation mode.
    ///
    /// # Errors
    /// [`crate::ModelError::Candle`] when the pictures' size is not the network's.
    pub fn infer(&self, batch: &Batch) -> Result<DhrOutput> {
        let images = Tensor::from_slice(&batch.images, &batch.shape, self.device())?;
        self.forward(&images, Mode::Eval)
    }

    /// Activation vectors of one batch of pictures.
    ///
    /// # Errors
    /// [`crate::ModelError::Candle`] when the pictures' size is not the network's.
    pub fn activate(&self, batch: &Batch, pooling: Pooling) -> Result<Activations> {
        let images = Tensor::from_slice(&batch.images, &batch.shape, self.device())?;
        let tape = self.evaluation_tape();
        let images = ops::from_nchw(&tape, &images)?;
        let output = self.forward_on(&tape, &images, Mode::Eval)?;
        let mut parts = vec![output.logits];
        for latent in &output.latents {
            parts.push(ops::global_pool(&tape, latent, pooling)?);
        }
        let rows = Tensor::cat(&parts, 1)?.flatten_all()?.to_vec1()?;
        let reconstruction_errors =
            ops::squared_errors(&tape, &output.reconstruction, &images)?.to_vec1()?;
        tape.finish(&[])?;
        Ok(Activations {
            rows,
            dim: self.config().activation_len(),
            labels: batch.labels.clone(),
            indices: batch.indices.clone(),
            reconstruction_errors,
        })
    }
}

/// Iterator over the activation vectors of a dataset, from [`DhrNet::activations`].
pub struct ActivationStream<'a> {
    network: &'a DhrNet,
    batches: Batches,
    pooling: Pooling,
}

impl Iterator for ActivationStream<'_> {
    type Item = Result<Activations>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(
            batch
                .map_err(Into::into)
                .and_then(|b| self.network.activate(&b, self.pooling)),
        )
    }
}
