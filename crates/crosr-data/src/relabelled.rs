//! Datasets whose classes are numbered anew, or count for nothing.

use std::path::PathBuf;

use crate::dataset::{Dataset, Sample};
use crate::error::{DataError, Result};

/// A dataset with the class names, and the order of classes, of another.
#[derive(Clone, Debug)]
pub struct Relabelled<D> {
    inner: D,
    class_names: Vec<String>,
    /// The new class for each old one.
    classes: Vec<Option<usize>>,
}

impl<D: Dataset> Relabelled<D> {
    /// The samples of `inner` with the classes in the order of `class_names`: two folders of the
    /// same classes need not list all of them.
    ///
    /// # Errors
    /// [`DataError::Classes`] for a class of `inner` that is not among them.
    pub fn like(inner: D, class_names: &[String]) -> Result<Self> {
        let place = |name: &String| {
            let place = class_names.iter().position(|there| there == name);
            place.map(Some).ok_or_else(|| DataError::Classes {
                what: format!("{name:?} is not one of {}", class_names.join(", ")),
            })
        };
        let classes = inner.class_names().iter().map(place);
        Ok(Self {
            classes: classes.collect::<Result<_>>()?,
            class_names: class_names.to_vec(),
            inner,
        })
    }

    /// The samples of `inner`, belonging to no class: outliers.
    pub fn as_outliers(inner: D) -> Self {
        Self {
            classes: vec![None; inner.class_names().len()],
            class_names: Vec::new(),
            inner,
        }
    }

    fn class(&self, index: usize, label: Option<usize>) -> Result<Option<usize>> {
        let n_classes = self.classes.len();
        label.map_or(Ok(None), |label| {
            let class = self.classes.get(label).copied();
            class.ok_or(DataError::SampleLabel {
                index,
                label,
                n_classes,
            })
        })
    }
}

impl<D: Dataset> Dataset for Relabelled<D> {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let Sample { image, label } = self.inner.sample(index)?;
        let label = self.class(index, label)?;
        Ok(Sample { image, label })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        self.class(index, self.inner.label(index)?)
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        self.inner.path(index)
    }
}
