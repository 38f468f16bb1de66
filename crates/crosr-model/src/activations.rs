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
        let (mut rows, mut reconstruction_errors) = self.read(&batch.images, batch, pooling)?;
        if self.is_mirrored() {
            let (more_rows, more_errors) = self.read(&mirrored(batch), batch, pooling)?;
            average(&mut rows, &more_rows);
            average(&mut reconstruction_errors, &more_errors);
        }
        Ok(Activations {
            rows,
            dim: self.config().activation_len(),
            labels: batch.labels.clone(),
            indices: batch.indices.clone(),
            reconstruction_errors,
        })
    }

    /// Activation vectors and reconstruction errors of `images`, of the shape of `batch`.
    fn read(
        &self,
        images: &[f32],
        batch: &Batch,
        pooling: Pooling,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let images = Tensor::from_slice(images, &batch.shape, self.device())?;
        let tape = self.evaluation_tape();
        let images = ops::from_nchw(&tape, &images)?;
        let output = self.forward_on(&tape, &images, Mode::Eval)?;
        let mut parts = vec![output.logits];
        for latent in &output.latents {
            parts.push(ops::global_pool(&tape, latent, pooling)?);
        }
        let rows = Tensor::cat(&parts, 1)?.flatten_all()?.to_vec1()?;
        let errors = ops::squared_errors(&tape, &output.reconstruction, &images)?.to_vec1()?;
        tape.finish(&[])?;
        Ok((rows, errors))
    }
}

/// The pictures of a batch with left and right exchanged.
fn mirrored(batch: &Batch) -> Vec<f32> {
    let mut images = batch.images.clone();
    let width = batch.shape.last().copied().unwrap_or(1).max(1);
    images.chunks_exact_mut(width).for_each(<[f32]>::reverse);
    images
}

fn average(values: &mut [f32], others: &[f32]) {
    for (value, other) in values.iter_mut().zip(others) {
        *value = 0.5 * (*value + other);
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

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use crosr_data::{BatchPlan, Shapes};

    use super::*;
    use crate::config::DhrConfig;

    #[test]
    fn a_picture_and_its_mirror_image_read_the_same() {
        let config = DhrConfig::cifar10(3).with_width(0.05);
        let network = DhrNet::new(&config, 1, &Device::Cpu).expect("valid");
        let plan = BatchPlan::default();
        let mut stream = batches(Arc::new(Shapes::known(8, 1)), &plan).expect("valid");
        let batch = stream.next().expect("one batch").expect("drawn");
        let mut flipped = batch.clone();
        flipped.images = mirrored(&batch);
        let plain = network.activate(&batch, Pooling::Max).expect("fits");
        let other = network.activate(&flipped, Pooling::Max).expect("fits");
        assert_ne!(plain.rows, other.rows);

        let network = network.mirrored(true);
        let both = network.activate(&batch, Pooling::Max).expect("fits");
        let also = network.activate(&flipped, Pooling::Max).expect("fits");
        assert_eq!(both, also);
        let rows = both.rows.iter().zip(plain.rows.iter().zip(&other.rows));
        for (mean, (a, b)) in rows {
            assert_eq!(*mean, 0.5 * (a + b));
        }
    }
}
