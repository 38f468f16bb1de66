//! Pictures of another size or format than a dataset has them.

use std::path::PathBuf;

use crate::dataset::{Dataset, Sample};
use crate::error::Result;

/// What happens to every picture of a [`Reshaped`] dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reshape {
    /// Three channels, whatever there were: [`Image::to_rgb`](crate::Image::to_rgb).
    Rgb,
    /// This width and height, whatever the proportions:
    /// [`Image::resize`](crate::Image::resize).
    Resize(usize, usize),
    /// The middle of this width and height:
    /// [`Image::center_crop`](crate::Image::center_crop).
    CenterCrop(usize, usize),
}

/// A dataset whose pictures are brought to another shape as they are read. Batches do this
/// themselves; this is for whoever takes samples one by one.
#[derive(Clone, Debug)]
pub struct Reshaped<D> {
    inner: D,
    reshape: Reshape,
}

impl<D: Dataset> Reshaped<D> {
    /// All samples of `inner`, reshaped.
    pub fn new(inner: D, reshape: Reshape) -> Self {
        Self { inner, reshape }
    }
}

impl<D: Dataset> Dataset for Reshaped<D> {
    fn class_names(&self) -> &[String] {
        self.inner.class_names()
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let Sample { image, label } = self.inner.sample(index)?;
        let image = match self.reshape {
            Reshape::Rgb => image.to_rgb(),
            Reshape::Resize(width, height) => image.resize(width, height),
            Reshape::CenterCrop(width, height) => image.center_crop(width, height),
        };
        Ok(Sample { image, label })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        self.inner.label(index)
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        self.inner.path(index)
    }
}
