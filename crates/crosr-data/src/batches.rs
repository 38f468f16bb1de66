//! Batches, prepared ahead while the network computes.

use std::fmt;
use std::sync::Arc;

use rayon::prelude::*;

use crate::ahead::Ahead;
use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::image::Image;
use crate::paint::{Changes, Painter};
use crate::random::{Purpose, generator, shuffle};
use crate::transform::{Augmentation, Fit, Normalisation, param};

/// Longest side of the pictures in a batch.
const MAX_SIDE: usize = 4096;

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
    /// Samples per batch; 128 by default.
    pub batch_size: usize,
    /// Width that pictures are brought to, in pixels, at most 4096; 32 by default.
    pub width: usize,
    /// Height that pictures are brought to, in pixels, at most 4096; 32 by default.
    pub height: usize,
    /// How they are brought to it; by default they are resized.
    pub fit: Fit,
    /// What their values are normalised with; [`Normalisation::HALF`] by default.
    pub normalisation: Normalisation,
    /// Random changes, after the fit; none by default.
    pub augmentation: Option<Augmentation>,
    /// In which order samples are visited; sequential by default.
    pub order: Order,
    /// Leaves out a last batch that is not full; off by default.
    pub drop_last: bool,
    /// Fixes order and changes; 0 by default.
    pub seed: u64,
    /// Pass over the data, from 0.
    pub epoch: u64,
    /// Batches prepared ahead, at least 1; 2 by default, which keeps a network busy.
    pub prefetch: usize,
}

impl Default for BatchPlan {
    fn default() -> Self {
        Self {
            batch_size: 128,
            width: 32,
            height: 32,
            fit: Fit::Resize,
            normalisation: Normalisation::HALF,
            augmentation: None,
            order: Order::Sequential,
            drop_last: false,
            seed: 0,
            epoch: 0,
            prefetch: 2,
        }
    }
}

impl BatchPlan {
    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// [`DataError::Param`] naming the setting.
    pub fn check(&self) -> Result<()> {
        for (field, value) in [("batch size", self.batch_size), ("prefetch", self.prefetch)] {
            if value == 0 {
                return Err(param(field, value, "positive"));
            }
        }
        for (field, side) in [("width", self.width), ("height", self.height)] {
            if !(1..=MAX_SIDE).contains(&side) {
                return Err(param(field, side, "between 1 and 4096 pixels"));
            }
        }
        self.normalisation.check()?;
        match &self.augmentation {
            Some(augmentation) => augmentation.check(self.width.min(self.height)),
            None => Ok(()),
        }
    }

    /// A picture of the size that is asked for.
    pub(crate) fn fitted(&self, image: Image) -> Image {
        let (width, height) = (self.width, self.height);
        if (image.width(), image.height()) == (width, height) {
            return image;
        }
        match self.fit {
            Fit::Resize => image.resize(width, height),
            Fit::CenterCrop => image.center_crop(width, height),
        }
    }
}

/// Samples as the network takes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[N, 3, height, width]`, normalised; grey pictures have three equal channels before that.
    pub images: Vec<f32>,
    /// N, 3, height, width.
    pub shape: [usize; 4],
    /// Class of each sample; `None` where it has no known class.
    pub labels: Vec<Option<usize>>,
    /// Position of each sample in the dataset.
    pub indices: Vec<usize>,
}

/// Batches of a dataset, prepared on rayon's global threads ahead of being asked for.
///
/// The bits depend on nothing but data and plan: not on the number of threads, not on `prefetch`;
/// and those of one sample not on the batch it is in.
///
/// # Errors
/// [`BatchPlan::check`]'s, and [`DataError::Worker`] when no thread can be started.
pub fn batches(dataset: Arc<dyn Dataset>, plan: &BatchPlan) -> Result<Batches> {
    plan.check()?;
    let mut order: Vec<usize> = (0..dataset.len()).collect();
    if plan.order == Order::Shuffled {
        shuffle(
            &mut order,
            &mut generator(Purpose::Order, &[plan.seed, plan.epoch]),
        );
    }
    if plan.drop_last {
        order.truncate(order.len() / plan.batch_size * plan.batch_size);
    }
    let left = order.len().div_ceil(plan.batch_size);
    // One more than the channel holds is ready in the worker's hands.
    let depth = plan.prefetch.min(left).saturating_sub(1);
    let preparation = Preparation::new(dataset, plan.clone());
    let ahead = Ahead::start("crosr-batches", depth, move |sender| {
        for indices in order.chunks(preparation.plan.batch_size) {
            let batch = preparation.batch(indices);
            let failed = batch.is_err();
            // A failed send: the consumer has had enough.
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(Batches { ahead, left })
}

struct Preparation {
    dataset: Arc<dyn Dataset>,
    plan: BatchPlan,
    painter: Painter,
}

impl Preparation {
    fn new(dataset: Arc<dyn Dataset>, plan: BatchPlan) -> Self {
        Self {
            dataset,
            painter: Painter::new(plan.normalisation),
            plan,
        }
    }

    fn batch(&self, indices: &[usize]) -> Result<Batch> {
        let sample_len = 3 * self.plan.width * self.plan.height;
        let mut images = vec![0.0; indices.len() * sample_len];
        let labels: Vec<Result<Option<usize>>> = images
            .par_chunks_mut(sample_len)
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
        let n_classes = self.dataset.class_names().len();
        if let Some(label) = sample.label.filter(|&label| label >= n_classes) {
            return Err(DataError::SampleLabel {
                index,
                label,
                n_classes,
            });
        }
        let (width, height) = (self.plan.width, self.plan.height);
        let image = self.plan.fitted(sample.image);
        let changes = self
            .plan
            .augmentation
            .as_ref()
            .map_or_else(Changes::default, |wanted| {
                let numbers = [self.plan.seed, self.plan.epoch, index as u64];
                let mut random = generator(Purpose::Augmentation, &numbers);
                Changes::draw(wanted, (width, height), &mut random)
            });
        self.painter.paint(&image, &changes, planes);
        Ok(sample.label)
    }
}

/// Iterator over batches, from [`batches`]. An error ends it. Dropping it stops the preparation.
pub struct Batches {
    ahead: Ahead<Result<Batch>>,
    left: usize,
}

impl Batches {
    /// Batches still to come, if all goes well; none after an error.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether no batch is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let result = match self.ahead.next() {
            Ok(next) => next?,
            Err(error) => Err(error),
        };
        self.left = if result.is_ok() { self.left - 1 } else { 0 };
        Some(result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error may come instead of the first of them.
        (self.left.min(1), Some(self.left))
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
