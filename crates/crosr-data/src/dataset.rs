//! The loader trait.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{DataError, Result};
use crate::image::Image;

/// A picture and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The picture.
    pub image: Image,
    /// Position of its class in [`Dataset::class_names`]; `None` if it belongs to none of them.
    pub label: Option<usize>,
}

/// Pictures by number. Implement this for a new dataset; training, fitting and evaluation take
/// any.
pub trait Dataset: Send + Sync {
    /// Names of the known classes, in the order of the labels.
    fn class_names(&self) -> &[String];

    /// Number of samples.
    fn len(&self) -> usize;

    /// The sample at `index`, the same one each time.
    ///
    /// # Errors
    /// [`DataError::OutOfRange`] from [`Dataset::len`] on, and whatever reading it meets.
    fn sample(&self, index: usize) -> Result<Sample>;

    /// The label of the sample at `index`; implement it where it can be had without the picture.
    ///
    /// # Errors
    /// As [`Dataset::sample`].
    fn label(&self, index: usize) -> Result<Option<usize>> {
        self.sample(index).map(|sample| sample.label)
    }

    /// The file that a sample comes from, where it has one of its own.
    fn path(&self, _index: usize) -> Option<PathBuf> {
        None
    }

    /// Whether there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Dataset + ?Sized> Dataset for $pointer {
            fn class_names(&self) -> &[String] {
                (**self).class_names()
            }

            fn len(&self) -> usize {
                (**self).len()
            }

            fn sample(&self, index: usize) -> Result<Sample> {
                (**self).sample(index)
            }

            fn label(&self, index: usize) -> Result<Option<usize>> {
                (**self).label(index)
            }

            fn path(&self, index: usize) -> Option<PathBuf> {
                (**self).path(index)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

/// Refuses a position past the end.
pub(crate) fn in_range(index: usize, len: usize) -> Result<()> {
    if index < len {
        Ok(())
    } else {
        Err(DataError::OutOfRange { index, len })
    }
}
