//! Pictures from anywhere, in batches, where some may be unreadable.

use std::fmt;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::ahead::Ahead;
use crate::batches::{Batch, BatchPlan};
use crate::decode::open_and;
use crate::error::{DataError, Result};
use crate::paint::{Changes, Painter};
use crate::walk::Listed;

/// How long a batch that is not full waits for the next path, so that a slow list is answered as
/// it comes.
const PATIENCE: Duration = Duration::from_millis(100);

/// Some pictures of a list, in its order.
#[derive(Debug)]
pub struct PictureBatch {
    /// All of them, each with what is wrong with it.
    pub pictures: Vec<Listed>,
    /// Those that could be read, without labels; its indices are positions in `pictures`.
    pub batch: Batch,
}

/// Decodes pictures on rayon's global threads ahead of being asked for, in the order of the list,
/// which may be endless: besides the picture that each thread decodes, no more than
/// `plan.prefetch + 1` batches of prepared pictures are in memory, and pictures of tens of
/// megapixels are decoded one at a time.
///
/// A picture that cannot be read costs its own place only. A batch holds fewer pictures than
/// `plan.batch_size` where the list comes slowly. Order, augmentation and `drop_last` of the plan
/// count for nothing here.
///
/// # Errors
/// [`BatchPlan::check`]'s, and [`DataError::Worker`] when no thread can be started.
pub fn picture_batches<I>(pictures: I, plan: &BatchPlan) -> Result<PictureBatches>
where
    I: IntoIterator<Item = Listed>,
    I::IntoIter: Send + 'static,
{
    plan.check()?;
    let pictures = pictures.into_iter();
    let plan = plan.clone();
    let painter = Painter::new(plan.normalisation);
    // One more than the channel holds is ready in the worker's hands.
    let ahead = Ahead::start("crosr-pictures", plan.prefetch - 1, move |sender| {
        let (listing, list) = sync_channel(2 * plan.batch_size);
        // Never joined but at its own end: it may be asleep, waiting for somebody's next line.
        let lister = std::thread::spawn(move || {
            for listed in pictures {
                if listing.send(listed).is_err() {
                    return;
                }
            }
        });
        loop {
            let chunk = take(&list, plan.batch_size);
            if chunk.is_empty() {
                break;
            }
            if sender.send(prepare(chunk, &plan, &painter)).is_err() {
                return;
            }
        }
        if let Err(panic) = lister.join() {
            std::panic::resume_unwind(panic);
        }
    })?;
    Ok(PictureBatches { ahead })
}

/// Up to `size` places; none only at the end of the list.
fn take(list: &Receiver<Listed>, size: usize) -> Vec<Listed> {
    let mut chunk: Vec<Listed> = list.recv().into_iter().collect();
    let deadline = Instant::now() + PATIENCE;
    while !chunk.is_empty() && chunk.len() < size {
        match list.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(listed) => chunk.push(listed),
            Err(_) => break,
        }
    }
    chunk
}

fn prepare(mut pictures: Vec<Listed>, plan: &BatchPlan, painter: &Painter) -> PictureBatch {
    let (width, height) = (plan.width, plan.height);
    let sample_len = 3 * width * height;
    let mut images = vec![0.0; pictures.len() * sample_len];
    images
        .par_chunks_mut(sample_len)
        .zip(&mut pictures)
        .filter(|(_, listed)| listed.error.is_none())
        .for_each(|(planes, listed)| {
            listed.error = paint(&listed.path, plan, painter, planes).err();
        });
    let read = |(index, listed): (usize, &Listed)| listed.error.is_none().then_some(index);
    let indices: Vec<usize> = pictures.iter().enumerate().filter_map(read).collect();
    for (to, &from) in indices.iter().enumerate() {
        if to != from {
            let from = from * sample_len;
            images.copy_within(from..from + sample_len, to * sample_len);
        }
    }
    images.truncate(indices.len() * sample_len);
    PictureBatch {
        batch: Batch {
            images,
            shape: [indices.len(), 3, height, width],
            labels: vec![None; indices.len()],
            indices,
        },
        pictures,
    }
}

fn paint(path: &Path, plan: &BatchPlan, painter: &Painter, planes: &mut [f32]) -> Result<()> {
    open_and(path, |image| {
        painter.paint(&plan.fitted(image), &Changes::default(), planes);
    })
}

/// Iterator over batches of pictures, from [`picture_batches`]. Dropping it stops the preparation.
pub struct PictureBatches {
    ahead: Ahead<PictureBatch>,
}

impl Iterator for PictureBatches {
    /// An error is [`DataError::Worker`], and the end.
    type Item = Result<PictureBatch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ahead.next().transpose()
    }
}

impl fmt::Debug for PictureBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PictureBatches").finish_non_exhaustive()
    }
}
