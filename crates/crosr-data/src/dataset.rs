//! The loader trait, and datasets made of datasets.

use std::path::PathBuf;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use crate::error::{DataError, Result};
use crate::image::Image;
use crate::random::{generator, shuffle};

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
    if index < len { Ok(()) } else { Err(DataError::OutOfRange { index, len }) }
}

/// Some samples of a dataset, in a given order.
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

    fn at(&self, index: usize) -> Result<usize> {
        let len = self.indices.len();
        self.indices.get(index).copied().ok_or(DataError::OutOfRange { index, len })
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
pub struct Concat {
    parts: Vec<Arc<dyn Dataset>>,
}

impl Concat {
    /// All samples of `parts`, in their order.
    ///
    /// # Errors
    /// [`DataError::Classes`] when there is no part, or the parts' class names differ.
    pub fn new(parts: Vec<Arc<dyn Dataset>>) -> Result<Self> {
        let Some(first) = parts.first() else {
            return Err(DataError::Classes { what: "nothing to join".to_owned() });
        };
        if let Some(other) = parts.iter().find(|part| part.class_names() != first.class_names()) {
            return Err(DataError::Classes {
                what: format!(
                    "{} and {} cannot be joined",
                    first.class_names().join(", "),
                    other.class_names().join(", ")
                ),
            });
        }
        Ok(Self { parts })
    }

    fn find(&self, index: usize) -> Result<(&Arc<dyn Dataset>, usize)> {
        let mut rest = index;
        for part in &self.parts {
            if rest < part.len() {
                return Ok((part, rest));
            }
            rest -= part.len();
        }
        Err(DataError::OutOfRange { index, len: self.len() })
    }
}

impl Dataset for Concat {
    fn class_names(&self) -> &[String] {
        self.parts.first().map_or(&[], |part| part.class_names())
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
pub struct ClassSplit<D> {
    inner: D,
    class_names: Vec<String>,
    indices: Vec<(usize, Option<usize>)>,
}

impl<D: Dataset + Clone> ClassSplit<D> {
    /// The samples of the `known` classes, and those of all others without a label.
    ///
    /// # Errors
    /// [`DataError::Classes`] for a class that does not exist or is named twice, and whatever
    /// reading the labels meets.
    pub fn new(inner: D, known: &[usize]) -> Result<(Self, Self)> {
        let names = inner.class_names();
        for (position, &class) in known.iter().enumerate() {
            if class >= names.len() || known[..position].contains(&class) {
                return Err(DataError::Classes {
                    what: format!("class {class} of {} is named twice or missing", names.len()),
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
        let part = |indices| Self { inner: inner.clone(), class_names: class_names.clone(), indices };
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
        Ok(Sample { label, ..self.inner.sample(inner)? })
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
/// chosen by `seed`; both parts keep the dataset's order.
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
    let mut classes: Vec<Vec<usize>> = vec![Vec::new(); dataset.class_names().len() + 1];
    for index in 0..len {
        let class = dataset.label(index)?.unwrap_or(classes.len() - 1);
        let last = classes.len() - 1;
        classes[class.min(last)].push(index);
    }
    let mut random: ChaCha8Rng = generator(&[seed, 0x73_706c_6974]);
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
    Ok((Subset::new(dataset.clone(), rest)?, Subset::new(dataset, chosen)?))
}
