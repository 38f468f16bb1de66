//! Activation vectors, as a stream.

use std::sync::Arc;

use candle_core::Tensor;
use crosr_data::{Batch, BatchPlan, Batches, Dataset, batches};

use crate::error::Result;
use crate::network::{DhrNet, DhrOutput, Mode};
use crate::ops;
use crate::views::viewed;

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
        let mut readings = self.views().readings().into_iter();
        let (mut rows, mut reconstruction_errors) = (Vec::new(), Vec::new());
        if let Some((.., part)) = readings.next() {
            // The first is always the picture as it is.
            (rows, reconstruction_errors) = self.read(&batch.images, batch, pooling)?;
            scale(&mut rows, part);
            scale(&mut reconstruction_errors, part);
        }
        for (shift, mirrored, part) in readings {
            let images = viewed(batch, shift, mirrored);
            let (more_rows, more_errors) = self.read(&images, batch, pooling)?;
            add(&mut rows, &more_rows, part);
            add(&mut reconstruction_errors, &more_errors, part);
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
        let mode = if self.keeps_dropout() {
            // Other masks for other pictures, the same ones each time.
            Mode::EvalWithDropout {
                dropout_seed: batch.indices.first().map_or(0, |&index| index as u64),
            }
        } else {
            Mode::Eval
        };
        let output = self.forward_on(&tape, &images, mode)?;
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

fn scale(values: &mut [f32], factor: f32) {
    if factor != 1.0 {
        values.iter_mut().for_each(|value| *value *= factor);
    }
}

fn add(values: &mut [f32], others: &[f32], factor: f32) {
    for (value, other) in values.iter_mut().zip(others) {
        *value += factor * other;
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
    use crate::views::Views;

    #[test]
    fn readings_are_averaged() {
        let config = DhrConfig::cifar10(3).with_width(0.05);
        let network = DhrNet::new(&config, 1, &Device::Cpu).expect("valid");
        let plan = BatchPlan::default();
        let mut stream = batches(Arc::new(Shapes::known(8, 1)), &plan).expect("valid");
        let batch = stream.next().expect("one batch").expect("drawn");
        let seen = |shift, mirrored| Batch {
            images: viewed(&batch, shift, mirrored),
            ..batch.clone()
        };
        let network = network.with_views(Views::Single);
        let read = |batch: &Batch| network.activate(batch, Pooling::Max).expect("fits");
        let (plain, flipped) = (read(&batch), read(&seen(0, true)));
        assert_ne!(plain.rows, flipped.rows);
        let shifted: Vec<Activations> = [(-1, false), (-1, true), (1, false), (1, true)]
            .map(|(shift, mirrored)| read(&seen(shift, mirrored)))
            .into();

        let network = network.with_views(Views::Mirrored);
        let both = network.activate(&batch, Pooling::Max).expect("fits");
        let also = network
            .activate(&seen(0, true), Pooling::Max)
            .expect("fits");
        assert_eq!(both, also, "a picture and its mirror image read the same");
        for (i, mean) in both.rows.iter().enumerate() {
            assert_eq!(*mean, 0.5 * plain.rows[i] + 0.5 * flipped.rows[i]);
        }

        let network = network.with_views(Views::Shifted);
        let all = network.activate(&batch, Pooling::Max).expect("fits");
        let mean = |of: fn(&Activations) -> &[f32], i: usize| {
            let moved: f32 = shifted.iter().map(|one| of(one)[i]).sum();
            0.25 * (of(&plain)[i] + of(&flipped)[i]) + 0.125 * moved
        };
        for (i, found) in all.rows.iter().enumerate() {
            assert!((found - mean(|a| &a.rows, i)).abs() < 1e-4);
        }
        for (i, found) in all.reconstruction_errors.iter().enumerate() {
            assert!((found - mean(|a| &a.reconstruction_errors, i)).abs() < 1e-4);
        }
    }

    #[test]
    fn dropout_may_stay_on_as_published() {
        let config = DhrConfig::cifar10(3).with_width(0.05);
        let network = DhrNet::new(&config, 1, &Device::Cpu).expect("valid");
        let plan = BatchPlan {
            batch_size: 4,
            ..BatchPlan::default()
        };
        let data = Arc::new(Shapes::known(8, 1));
        let network = network.keeping_dropout(true);
        let rows = |network: &DhrNet| -> Vec<f32> {
            let stream = network.activations(data.clone(), &plan, Pooling::Max);
            let batches = stream
                .expect("valid")
                .map(|batch| batch.expect("drawn").rows);
            batches.flatten().collect()
        };
        let noisy = rows(&network);
        assert_eq!(noisy, rows(&network), "the same masks each time");
        let network = network.keeping_dropout(false);
        assert_ne!(noisy, rows(&network));
    }
}
