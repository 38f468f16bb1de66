//! The largest distances of each class, and the Weibull fitted to them.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use crosr_libmr::{FitReport, Weibull, WeibullParams};
use rayon::prelude::*;

use crate::{
    distance::Distance,
    error::OpenMaxError,
    mav::{MeanActivationVectors, Probe},
    rows::{check_class, correct_by_class},
};

/// Keeps the `tail_size` largest distances of every class, in one pass.
///
/// The largest distances of all samples do not depend on how the samples are
/// split or ordered, so merged accumulators fit to the same bits as one.
/// Memory is O(K·tail), whatever the number of samples.
#[derive(Debug, Clone)]
pub struct TailAccumulator {
    tail_size: usize,
    shrink_tail: bool,
    classes: Vec<ClassTail>,
}

#[derive(Debug, Clone, Default)]
struct ClassTail {
    /// Distances seen, kept or not.
    count: u64,
    /// The smallest of the kept ones on top.
    largest: BinaryHeap<Reverse<Finite>>,
}

impl ClassTail {
    fn keep(&mut self, tail_size: usize, distance: f64) {
        if self.largest.len() < tail_size {
            self.largest.push(Reverse(Finite(distance)));
        } else if let Some(mut smallest) = self.largest.peek_mut()
            && smallest.0.0 < distance
        {
            *smallest = Reverse(Finite(distance));
        }
    }

    fn descending(&self) -> Vec<f64> {
        let mut tail: Vec<f64> = self.largest.iter().map(|kept| kept.0.0).collect();
        tail.sort_unstable_by(|a, b| b.total_cmp(a));
        tail
    }
}

/// A finite number, never -0, hence totally ordered.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Finite(f64);

impl Eq for Finite {}

impl Ord for Finite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Finite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The Weibull of one class and what it was fitted to.
#[derive(Debug, Clone)]
pub struct TailFit {
    /// The fitted model.
    pub weibull: Weibull,
    /// How the fit went.
    pub report: FitReport,
    /// Distances seen, that is, correctly classified samples.
    pub samples: u64,
    /// Distances fitted: the tail size asked for, or less where it shrank.
    pub tail_size: usize,
}

impl TailAccumulator {
    /// An empty accumulator for the `tail_size` largest distances of each of
    /// `n_classes` classes. Tails do not shrink by default.
    #[must_use]
    pub fn new(n_classes: usize, tail_size: usize) -> Self {
        Self {
            tail_size,
            shrink_tail: false,
            classes: vec![ClassTail::default(); n_classes],
        }
    }

    /// Whether a class with too few samples is fitted to those it has, two at
    /// least. Default: no, it is an error.
    #[must_use]
    pub fn shrink_tail(mut self, shrink_tail: bool) -> Self {
        self.shrink_tail = shrink_tail;
        self
    }

    /// Number of classes K.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.classes.len()
    }

    /// The tail size asked for.
    #[must_use]
    pub fn tail_size(&self) -> usize {
        self.tail_size
    }

    /// Adds one sample of a class, by its distance from the class mean.
    ///
    /// # Errors
    /// [`OpenMaxError::ClassIndex`] or [`OpenMaxError::NonFiniteDistance`]. The
    /// accumulator is then as it was.
    pub fn push(&mut self, class_idx: usize, distance: f64) -> Result<(), OpenMaxError> {
        check_class(class_idx, self.classes.len())?;
        if !distance.is_finite() {
            return Err(OpenMaxError::NonFiniteDistance {
                class_idx,
                value: distance,
            });
        }
        let class = &mut self.classes[class_idx];
        class.count += 1;
        class.keep(self.tail_size, distance + 0.0); // + 0.0 turns -0 into 0
        Ok(())
    }

    /// Adds those of the rows `[N, D]` whose largest logit, among the first K
    /// columns, is that of their label, by the distance from the mean of that
    /// class; returns how many these are.
    ///
    /// # Errors
    /// [`OpenMaxError::ClassCountMismatch`], and those of
    /// [`MeanAccumulator::push_correct`](crate::MeanAccumulator::push_correct).
    /// The accumulator is then as it was.
    pub fn push_correct(
        &mut self,
        mavs: &MeanActivationVectors,
        distance: Distance,
        rows: &[f32],
        labels: &[usize],
    ) -> Result<usize, OpenMaxError> {
        if mavs.n_classes() != self.classes.len() {
            return Err(OpenMaxError::ClassCountMismatch {
                expected: self.classes.len(),
                found: mavs.n_classes(),
            });
        }
        let by_class = correct_by_class(rows, mavs.dim(), labels, self.classes.len())?;
        self.add_members(mavs, distance, rows, &by_class);
        Ok(by_class.iter().map(Vec::len).sum())
    }

    /// Adds checked rows to their classes, classes in parallel.
    pub(crate) fn add_members(
        &mut self,
        mavs: &MeanActivationVectors,
        distance: Distance,
        rows: &[f32],
        by_class: &[Vec<usize>],
    ) {
        let (dim, tail_size) = (mavs.dim(), self.tail_size);
        self.classes
            .par_iter_mut()
            .zip(by_class)
            .enumerate()
            .for_each(|(class_idx, (class, members))| {
                let mut probe = Probe::default();
                for &row in members {
                    probe.load(&rows[row * dim..][..dim], distance);
                    class.count += 1;
                    class.keep(tail_size, mavs.distance_to(class_idx, &probe, distance));
                }
            });
    }

    /// Takes in the samples of another accumulator.
    ///
    /// # Errors
    /// [`OpenMaxError::ClassCountMismatch`] or
    /// [`OpenMaxError::TailSizeMismatch`] if the shapes differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), OpenMaxError> {
        if other.classes.len() != self.classes.len() {
            return Err(OpenMaxError::ClassCountMismatch {
                expected: self.classes.len(),
                found: other.classes.len(),
            });
        }
        if other.tail_size != self.tail_size {
            return Err(OpenMaxError::TailSizeMismatch {
                expected: self.tail_size,
                found: other.tail_size,
            });
        }
        for (class, more) in self.classes.iter_mut().zip(&other.classes) {
            class.count += more.count;
            for kept in &more.largest {
                class.keep(self.tail_size, kept.0.0);
            }
        }
        Ok(())
    }

    /// Samples seen of one class; zero for a class there is not.
    #[must_use]
    pub fn count(&self, class_idx: usize) -> u64 {
        self.classes.get(class_idx).map_or(0, |class| class.count)
    }

    /// The largest distances of one class, largest first; none for a class
    /// there is not.
    #[must_use]
    pub fn tail(&self, class_idx: usize) -> Vec<f64> {
        self.classes
            .get(class_idx)
            .map_or_else(Vec::new, ClassTail::descending)
    }

    /// Fits the high tail of every class, classes in parallel.
    ///
    /// # Errors
    /// For the first class that fails: [`OpenMaxError::ClassWithoutSamples`],
    /// [`OpenMaxError::TooFewSamples`], or [`OpenMaxError::TailFit`] for a
    /// tail without a maximum-likelihood Weibull, such as a constant one.
    /// [`OpenMaxError::NoClasses`] if there is none.
    pub fn finish(&self) -> Result<Vec<TailFit>, OpenMaxError> {
        if self.classes.is_empty() {
            return Err(OpenMaxError::NoClasses);
        }
        let fits: Vec<_> = self
            .classes
            .par_iter()
            .enumerate()
            .map(|(class_idx, class)| self.fit_class(class_idx, class))
            .collect();
        // In class order, so that the error does not depend on the threads.
        fits.into_iter().collect()
    }

    fn fit_class(&self, class_idx: usize, class: &ClassTail) -> Result<TailFit, OpenMaxError> {
        let wanted = (self.tail_size, self.shrink_tail);
        fit_tail(class_idx, class.count, &class.descending(), wanted)
    }
}

/// Fits the Weibull of a class of that many `samples` to its largest distances, as many as were
/// `wanted`: the tail size, and whether it may shrink to what there is.
pub(crate) fn fit_tail(
    class_idx: usize,
    samples: u64,
    tail: &[f64],
    wanted: (usize, bool),
) -> Result<TailFit, OpenMaxError> {
    let (wanted, shrink_tail) = wanted;
    if samples == 0 {
        return Err(OpenMaxError::ClassWithoutSamples { class_idx });
    }
    if tail.len() < wanted && !(shrink_tail && tail.len() >= 2) {
        return Err(OpenMaxError::TooFewSamples {
            class_idx,
            samples,
            tail_size: wanted,
        });
    }
    let tail_size = tail.len();
    let (weibull, report) = WeibullParams::new(tail_size)
        .check()
        .map_err(|source| OpenMaxError::TailParams {
            class_idx,
            tail_size,
            source,
        })?
        .fit(tail)
        .map_err(|source| OpenMaxError::TailFit {
            class_idx,
            tail_size,
            source,
        })?;
    Ok(TailFit {
        weibull,
        report,
        samples,
        tail_size,
    })
}
