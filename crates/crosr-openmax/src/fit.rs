//! From labelled activation vectors to a fitted model.

use crosr_libmr::FitReport;

use crate::{
    distance::Distance,
    error::{OpenMaxError, ParamError},
    mav::{MeanAccumulator, MeanActivationVectors},
    model::OpenMax,
    rows::correct_members,
    tail::TailAccumulator,
};

/// What to fit, unchecked.
///
/// ```
/// use crosr_openmax::{Distance, OpenMaxParams};
/// let params = OpenMaxParams::new(100).distance(Distance::Cosine).check()?;
/// assert_eq!(params.tail_size(), 100);
/// # Ok::<(), crosr_openmax::ParamError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct OpenMaxParams {
    tail_size: usize,
    distance: Distance,
    shrink_tail: bool,
}

impl OpenMaxParams {
    /// Weibulls on the `tail_size` largest distances of each class.
    #[must_use]
    pub fn new(tail_size: usize) -> Self {
        Self {
            tail_size,
            distance: Distance::Euclidean,
            shrink_tail: false,
        }
    }

    /// The distance from the class means. Default: Euclidean.
    #[must_use]
    pub fn distance(mut self, distance: Distance) -> Self {
        self.distance = distance;
        self
    }

    /// Whether a class with fewer correctly classified samples than the tail
    /// size is fitted to those it has; the report then says so. Default: no,
    /// it is an error.
    #[must_use]
    pub fn shrink_tail(mut self, shrink_tail: bool) -> Self {
        self.shrink_tail = shrink_tail;
        self
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ParamError::TailSize`] below 2.
    pub fn check(self) -> Result<CheckedParams, ParamError> {
        if self.tail_size < 2 {
            return Err(ParamError::TailSize {
                tail_size: self.tail_size,
            });
        }
        Ok(CheckedParams(self))
    }
}

/// What to fit, checked.
///
/// [`CheckedParams::fit`] does everything with all vectors in memory. Where
/// they stream by, go over them twice: first into a [`MeanAccumulator`], then
/// into a [`CheckedParams::tail_accumulator`], and end with
/// [`CheckedParams::finish`]. Both ways give the same bits.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedParams(OpenMaxParams);

/// How the fit of one class went.
#[derive(Debug, Clone)]
pub struct ClassReport {
    /// Correctly classified samples.
    pub samples: u64,
    /// Distances fitted.
    pub tail_size: usize,
    /// Whether that is less than was asked for.
    pub shrunk: bool,
    /// How the Weibull fit went.
    pub fit: FitReport,
}

/// How the fit of a model went.
#[derive(Debug, Clone)]
pub struct OpenMaxReport {
    /// One entry a class, in class order.
    pub classes: Vec<ClassReport>,
}

impl OpenMaxReport {
    /// Correctly classified samples of all classes.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.classes.iter().map(|class| class.samples).sum()
    }
}

impl CheckedParams {
    /// The tail size asked for.
    #[must_use]
    pub fn tail_size(&self) -> usize {
        self.0.tail_size
    }

    /// The distance from the class means.
    #[must_use]
    pub fn distance(&self) -> Distance {
        self.0.distance
    }

    /// An empty accumulator for the second pass.
    #[must_use]
    pub fn tail_accumulator(&self, n_classes: usize) -> TailAccumulator {
        TailAccumulator::new(n_classes, self.0.tail_size).shrink_tail(self.0.shrink_tail)
    }

    /// Fits a model (Bendale and Boult, CVPR 2016, algorithm 1).
    ///
    /// `rows` is `[N, dim]` row-major, the first `n_classes` columns are
    /// logits; `labels` is `[N]`, each below `n_classes`. Only samples whose
    /// largest logit is that of their label count. The result does not depend
    /// on the order of the samples or the number of threads.
    ///
    /// # Errors
    /// Those of [`MeanAccumulator::push_correct`], [`MeanAccumulator::finish`]
    /// and [`TailAccumulator::finish`].
    pub fn fit(
        &self,
        n_classes: usize,
        rows: &[f32],
        dim: usize,
        labels: &[usize],
    ) -> Result<(OpenMax, OpenMaxReport), OpenMaxError> {
        let by_class = correct_members(n_classes, rows, dim, labels)?;
        let mut means = MeanAccumulator::new(n_classes, dim);
        means.add_members(rows, &by_class);
        let mavs = means.finish()?;
        let mut tails = self.tail_accumulator(n_classes);
        tails.add_members(&mavs, self.0.distance, rows, &by_class);
        self.finish(mavs, &tails)
    }

    /// Fits the Weibulls and puts the model together.
    ///
    /// # Errors
    /// Those of [`TailAccumulator::finish`] and [`OpenMax::from_parts`].
    pub fn finish(
        &self,
        mavs: MeanActivationVectors,
        tails: &TailAccumulator,
    ) -> Result<(OpenMax, OpenMaxReport), OpenMaxError> {
        let mut weibulls = Vec::with_capacity(tails.n_classes());
        let mut classes = Vec::with_capacity(tails.n_classes());
        for fit in tails.finish()? {
            weibulls.push(fit.weibull);
            classes.push(ClassReport {
                samples: fit.samples,
                tail_size: fit.tail_size,
                shrunk: fit.tail_size < tails.tail_size(),
                fit: fit.report,
            });
        }
        let model = OpenMax::from_parts(mavs, weibulls, self.0.distance)?;
        Ok((model, OpenMaxReport { classes }))
    }
}
