//! Datasets made of datasets: subsets, unions, class splits, held-out parts.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::dataset::{Dataset, Sample, in_range};
use crate::error::{DataError, Result};
use crate::random::{Purpose, generator, shuffle};

/// Some samples of a dataset, in a given order.
#[derive(Clone, Debug)]
pub struct Subset<D> {
    inner: D,
    indices: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    /// The samples at `indices`.
    ///
    /// # Errors
    /// [`DataError::OutOfRange`] for a position that `inner` does not have.
    pub fn new(inner: D, indices: Vec<usize>) -> Result<Self> {
        for &index in &indices {
            in_range(index, inner.len())?;
        }
        Ok(Self { inner, indices })
    }

    /// Where each sample lies in the inner dataset.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    fn at(&self, index: usize) -> Result<usize> {
        let len = self.indices.len();
        self.indices
            .get(index)
            .copied()
            .ok_or(DataError::OutOfRange { index, len })
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    fn class_names(&self) -> &[String] {
        self.inner.class_names()
    }

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        self.inner.sample(self.at(index)?)
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        self.inner.label(self.at(index)?)
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        self.inner.path(*self.indices.get(index)?)
    }
}

/// Datasets of the same classes, one after the other.
///
/// A part without any class names, such as a folder of outliers, goes with all others.
#[derive(Clone)]
pub struct Concat {
    class_names: Vec<String>,
    parts: Vec<Arc<dyn Dataset>>,
}

impl Concat {
    /// All samples of `parts`, in their order.
    ///
    /// # Errors
    /// [`DataError::Classes`] when there is no part, or the parts' class names differ.
    pub fn new(parts: Vec<Arc<dyn Dataset>>) -> Result<Self> {
        if parts.is_empty() {
            return Err(DataError::Classes {
                what: "there is no dataset to join".to_owned(),
            });
        }
        let mut class_names: &[String] = &[];
        for names in parts
            .iter()
            .map(|part| part.class_names())
            .filter(|n| !n.is_empty())
        {
            if class_names.is_empty() {
                class_names = names;
            } else if class_names != names {
                return Err(DataError::Classes {
                    what: format!(
                        "{} and {} cannot be joined",
                        class_names.join(", "),
                        names.join(", ")
                    ),
                });
            }
        }
        Ok(Self {
            class_names: class_names.to_vec(),
            parts,
        })
    }

    fn find(&self, index: usize) -> Result<(&Arc<dyn Dataset>, usize)> {
        let mut rest = index;
        for part in &self.parts {
            match rest.checked_sub(part.len()) {
                Some(beyond) => rest = beyond,
                None => return Ok((part, rest)),
            }
        }
        Err(DataError::OutOfRange {
            index,
            len: self.len(),
        })
    }
}

impl fmt::Debug for Concat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lens: Vec<usize> = self.parts.iter().map(|part| part.len()).collect();
        f.debug_struct("Concat")
            .field("lens", &lens)
            .finish_non_exhaustive()
    }
}

impl Dataset for Concat {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let (part, index) = self.find(index)?;
        part.sample(index)
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        let (part, index) = self.find(index)?;
        part.label(index)
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        let (part, index) = self.find(index).ok()?;
        part.path(index)
    }
}

/// Some classes of a dataset as known ones, numbered anew; the protocol of class splits.
#[derive(Clone, Debug)]
pub struct ClassSplit<D> {
    inner: D,
    class_names: Vec<String>,
    indices: Vec<(usize, Option<usize>)>,
}

impl<D: Dataset + Clone> ClassSplit<D> {
    /// The samples of the `known` classes, and those of all others without a label.
    ///
    /// # Errors
    /// [`DataError::Classes`] when no class is kept, for one that does not exist and one that is
    /// listed twice; whatever reading the labels meets.
    pub fn new(inner: D, known: &[usize]) -> Result<(Self, Self)> {
        let names = inner.class_names();
        if known.is_empty() {
            return Err(DataError::Classes {
                what: "no class is listed as known".to_owned(),
            });
        }
        for (position, &class) in known.iter().enumerate() {
            if class >= names.len() {
                return Err(DataError::Classes {
                    what: format!(
                        "class {class} is not one of 0 to {}",
                        names.len().max(1) - 1
                    ),
                });
            }
            if known[..position].contains(&class) {
                return Err(DataError::Classes {
                    what: format!("class {class} is listed twice"),
                });
            }
        }
        let class_names: Vec<String> = known.iter().map(|&class| names[class].clone()).collect();
        let (mut kept, mut others) = (Vec::new(), Vec::new());
        for index in 0..inner.len() {
            let label = inner.label(index)?;
            match known.iter().position(|&class| Some(class) == label) {
                Some(label) => kept.push((index, Some(label))),
                None => others.push((index, None)),
            }
        }
        let part = |indices| Self {
            inner: inner.clone(),
            class_names: class_names.clone(),
            indices,
        };
        Ok((part(kept), part(others)))
    }
}

impl<D: Dataset> Dataset for ClassSplit<D> {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        in_range(index, self.len())?;
        let (inner, label) = self.indices[index];
        Ok(Sample {
            label,
            ..self.inner.sample(inner)?
        })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        in_range(index, self.len())?;
        Ok(self.indices[index].1)
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        self.inner.path(self.indices.get(index)?.0)
    }
}

/// Splits off `held_out` samples, the same share of every class as far as whole numbers allow,
/// chosen by `seed`. Returns the rest and the held-out part, both in the dataset's order.
///
/// # Errors
/// [`DataError::Param`] when `held_out` is more than there are, and whatever reading labels meets.
pub fn split<D: Dataset + Clone>(
    dataset: D,
    held_out: usize,
    seed: u64,
) -> Result<(Subset<D>, Subset<D>)> {
    let len = dataset.len();
    if held_out > len {
        return Err(DataError::Param {
            field: "held-out samples",
            value: held_out.to_string(),
            wanted: "at most the number of samples",
        });
    }
    // One list a class, and one for samples of none.
    let n_classes = dataset.class_names().len();
    let mut classes: Vec<Vec<usize>> = vec![Vec::new(); n_classes + 1];
    for index in 0..len {
        match dataset.label(index)? {
            Some(label) if label >= n_classes => {
                return Err(DataError::SampleLabel {
                    index,
                    label,
                    n_classes,
                });
            }
            label => classes[label.unwrap_or(n_classes)].push(index),
        }
    }
    let mut random = generator(Purpose::Split, &[seed]);
    let mut chosen = Vec::with_capacity(held_out);
    let mut seen = 0;
    for class in &mut classes {
        shuffle(class, &mut random);
        // Rounding the running total leaves no class more than one sample from its share.
        seen += class.len();
        let total = (held_out as u128 * seen as u128 / len.max(1) as u128) as usize;
        let count = (total - chosen.len()).min(class.len());
        chosen.extend_from_slice(&class[..count]);
    }
    chosen.sort_unstable();
    let mut is_chosen = vec![false; len];
    chosen.iter().for_each(|&index| is_chosen[index] = true);
    let rest = (0..len).filter(|&index| !is_chosen[index]).collect();
    Ok((
        Subset::new(dataset.clone(), rest)?,
        Subset::new(dataset, chosen)?,
    ))
}
