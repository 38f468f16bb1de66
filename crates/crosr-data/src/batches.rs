//! Batches, prepared ahead while the network computes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::random::{generator, shuffle};
use crate::transform::{Augmentation, Fit, Normalisation};

/// In which order samples are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// That of the dataset.
    Sequential,
    /// A fresh one each epoch, which follows from (seed, epoch).
    Shuffled,
}

/// How samples become batches.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPlan {
    /// Samples per batch.
    pub batch_size: usize,
    /// Width that pictures are brought to, in pixels.
    pub width: usize,
    /// Height that pictures are brought to, in pixels.
    pub height: usize,
    /// How they are brought to it.
    pub fit: Fit,
    /// What their values are normalised with.
    pub normalisation: Normalisation,
    /// Random changes.
    pub augmentation: Option<Augmentation>,
    /// In which order samples are visited.
    pub order: Order,
    /// Leaves out a last batch that is not full.
    pub drop_last: bool,
    /// Fixes order and changes.
    pub seed: u64,
    /// Pass over the data, from 0.
    pub epoch: u64,
    /// Batches prepared ahead; 2 keeps a network busy.
    pub prefetch: usize,
}

impl BatchPlan {
    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// [`DataError::Param`] naming the setting.
    pub fn check(&self) -> Result<()> {
        for (field, value) in
            [("batch size", self.batch_size), ("width", self.width), ("height", self.height)]
        {
            if value == 0 {
                return Err(DataError::Param { field, value: "0".to_owned(), wanted: "positive" });
            }
        }
        if !self.normalisation.std.iter().all(|s| *s > 0.0 && s.is_finite()) {
            return Err(DataError::Param {
                field: "standard deviation",
                value: format!("{:?}", self.normalisation.std),
                wanted: "positive in every channel",
            });
        }
        self.augmentation.as_ref().map_or(Ok(()), Augmentation::check)
    }
}

/// Samples as the network takes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// (N, 3, height, width), normalised; grey pictures have three equal channels.
    pub images: Vec<f32>,
    /// N, 3, height, width.
    pub shape: [usize; 4],
    /// Class of each sample; `None` where it has no known class.
    pub labels: Vec<Option<usize>>,
    /// Position of each sample in the dataset.
    pub indices: Vec<usize>,
}

/// Batches of a dataset, prepared on rayon's threads ahead of being asked for.
///
/// The bits do not depend on the number of threads or on `prefetch`.
///
/// # Errors
/// [`BatchPlan::check`]'s, and [`DataError::Worker`] when no thread can be started.
pub fn batches(dataset: Arc<dyn Dataset>, plan: &BatchPlan) -> Result<Batches> {
    plan.check()?;
    let mut order: Vec<usize> = (0..dataset.len()).collect();
    if plan.order == Order::Shuffled {
        shuffle(&mut order, &mut generator(&[plan.seed, 0x6f_7264_6572, plan.epoch]));
    }
    if plan.drop_last {
        order.truncate(order.len() / plan.batch_size * plan.batch_size);
    }
    let left = order.len().div_ceil(plan.batch_size);
    let (sender, receiver) = sync_channel(plan.prefetch.max(1));
    let plan = plan.clone();
    let worker = std::thread::Builder::new()
        .name("crosr-batches".to_owned())
        .spawn(move || {
            let preparation = Preparation::new(dataset, plan);
            for indices in order.chunks(preparation.plan.batch_size) {
                let batch = preparation.batch(indices);
                let failed = batch.is_err();
                // Nobody listens any more: the consumer has had enough.
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        })
        .map_err(|e| DataError::Worker { what: e.to_string() })?;
    Ok(Batches { receiver: Some(receiver), worker: Some(worker), left })
}

struct Preparation {
    dataset: Arc<dyn Dataset>,
    plan: BatchPlan,
    tables: [[f32; 256]; 3],
}

impl Preparation {
    fn new(dataset: Arc<dyn Dataset>, plan: BatchPlan) -> Self {
        let tables = std::array::from_fn(|channel| plan.normalisation.table(channel));
        Self { dataset, plan, tables }
    }

    fn batch(&self, indices: &[usize]) -> Result<Batch> {
        let plane = self.plan.width * self.plan.height;
        let mut images = vec![0.0; indices.len() * 3 * plane];
        let labels: Vec<Result<Option<usize>>> = images
            .par_chunks_mut(3 * plane)
            .zip(indices)
            .map(|(planes, &index)| self.sample(index, planes))
            .collect();
        // The first error in the batch's order, whichever thread met one first.
        let labels = labels.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(Batch {
            images,
            shape: [indices.len(), 3, self.plan.height, self.plan.width],
            labels,
            indices: indices.to_vec(),
        })
    }

    fn sample(&self, index: usize, planes: &mut [f32]) -> Result<Option<usize>> {
        let sample = self.dataset.sample(index)?;
        let (width, height) = (self.plan.width, self.plan.height);
        let mut image = sample.image;
        if (image.width(), image.height()) != (width, height) {
            image = match self.plan.fit {
                Fit::Resize => image.resize(width, height),
                Fit::CenterCrop => image.center_crop(width, height),
            };
        }
        image = image.to_rgb();
        if let Some(augmentation) = &self.plan.augmentation {
            let purpose = [self.plan.seed, 0x61_7567, self.plan.epoch, index as u64];
            image = augmentation.apply(image, &mut generator(&purpose));
        }
        for (channel, plane) in planes.chunks_exact_mut(width * height).enumerate() {
            let table = &self.tables[channel];
            for (value, pixel) in plane.iter_mut().zip(image.pixels().as_chunks::<3>().0) {
                *value = table[usize::from(pixel[channel])];
            }
        }
        Ok(sample.label)
    }
}

/// Iterator over batches, from [`batches`]. An error ends it. Dropping it stops the preparation.
pub struct Batches {
    receiver: Option<Receiver<Result<Batch>>>,
    worker: Option<JoinHandle<()>>,
    left: usize,
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let receiver = self.receiver.as_ref()?;
        if self.left == 0 {
            return None;
        }
        match receiver.recv() {
            Ok(Ok(batch)) => {
                self.left -= 1;
                Some(Ok(batch))
            }
            Ok(Err(error)) => {
                self.receiver = None;
                Some(Err(error))
            }
            Err(_) => {
                // A dataset of somebody else's may panic; that must not look like the end.
                self.receiver = None;
                Some(Err(DataError::Worker {
                    what: "the thread that reads the data stopped; a dataset panicked".to_owned(),
                }))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl Batches {
    /// Batches still to come, if all goes well.
    pub fn remaining(&self) -> usize {
        self.left
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // Without a receiver the worker's next send fails, and it ends.
        self.receiver = None;
        if let Some(worker) = self.worker.take() {
            worker.join().ok();
        }
    }
}
