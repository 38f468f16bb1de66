//! Many settings of OpenMax on the same activation vectors.

mod scoring;

use crosr_libmr::Weibull;
use rayon::prelude::*;

pub use self::scoring::SweepSamples;
use crate::{
    distance::Distance,
    error::{OpenMaxError, ParamError},
    fit::OpenMaxParams,
    mav::{MeanAccumulator, MeanActivationVectors, Probe},
    recalibrate::{RecalibrationParams, SoftmaxOrder},
    rows::correct_members,
    tail::fit_tail,
};

/// Which settings to try, unchecked: every combination of the listed choices.
///
/// ε is none of them: a [`Standing`](crate::Standing) tells the decision at any.
///
/// ```
/// use crosr_openmax::{Distance, SoftmaxOrder, SweepParams};
/// let params = SweepParams::new(&[20, 100])
///     .distances(&[Distance::Euclidean, Distance::Cosine])
///     .softmax_orders(&[SoftmaxOrder::First, SoftmaxOrder::Last])
///     .alphas(&[3, 10])
///     .check()?;
/// # let rows: Vec<f32> = (0..400)
/// #     .flat_map(|i| [5.0 * (i % 2) as f32 + (i as f32).sin(), 2.5 + (i as f32 * 0.7).cos()])
/// #     .collect();
/// # let labels: Vec<usize> = (0..400).map(|i| 1 - i % 2).collect();
/// // `rows` are [N, 2], two logits; `labels` are [N].
/// let sweep = params.fit(2, &rows, 2, &labels)?;
/// let samples = sweep.samples(&rows)?;
/// let unknown_at_half = sweep.score_each(&[&samples], |setting, standings| {
///     let unknown = |s: &&crosr_openmax::Standing| s.verdict(0.5) == crosr_openmax::Verdict::Unknown;
///     (setting, standings[0].iter().filter(unknown).count())
/// })?;
/// assert_eq!(unknown_at_half.len(), 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SweepParams {
    tail_sizes: Vec<usize>,
    distances: Vec<Distance>,
    softmax_orders: Vec<SoftmaxOrder>,
    alphas: Vec<usize>,
    shrink_tail: bool,
}

impl SweepParams {
    /// These tail sizes, and the defaults below for the rest.
    #[must_use]
    pub fn new(tail_sizes: &[usize]) -> Self {
        Self {
            tail_sizes: tail_sizes.to_vec(),
            distances: vec![Distance::Euclidean],
            softmax_orders: vec![SoftmaxOrder::First],
            alphas: vec![10],
            shrink_tail: false,
        }
    }

    /// The distances from the class means. Default: Euclidean alone.
    #[must_use]
    pub fn distances(mut self, distances: &[Distance]) -> Self {
        self.distances = distances.to_vec();
        self
    }

    /// Where the softmax stands. Default: first alone.
    #[must_use]
    pub fn softmax_orders(mut self, softmax_orders: &[SoftmaxOrder]) -> Self {
        self.softmax_orders = softmax_orders.to_vec();
        self
    }

    /// How many of the top-ranked classes are recalibrated. Default: 10 alone.
    #[must_use]
    pub fn alphas(mut self, alphas: &[usize]) -> Self {
        self.alphas = alphas.to_vec();
        self
    }

    /// Whether a class with fewer correctly classified samples than a tail size is fitted to those
    /// it has. Default: no, the settings with that tail size fail.
    #[must_use]
    pub fn shrink_tail(mut self, shrink_tail: bool) -> Self {
        self.shrink_tail = shrink_tail;
        self
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ParamError::EmptyAxis`] without a choice of something, [`ParamError::TailSize`] and
    /// [`ParamError::Alpha`] for what no setting may have.
    pub fn check(self) -> Result<CheckedSweepParams, ParamError> {
        for (axis, empty) in [
            ("tail sizes", self.tail_sizes.is_empty()),
            ("distances", self.distances.is_empty()),
            ("softmax orders", self.softmax_orders.is_empty()),
            ("alphas", self.alphas.is_empty()),
        ] {
            if empty {
                return Err(ParamError::EmptyAxis { axis });
            }
        }
        for &tail_size in &self.tail_sizes {
            OpenMaxParams::new(tail_size).check()?;
        }
        for &alpha in &self.alphas {
            RecalibrationParams::new().alpha(alpha).check()?;
        }
        Ok(CheckedSweepParams(self))
    }
}

/// Which settings to try, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedSweepParams(SweepParams);

/// One combination of choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SweepSetting {
    /// Largest distances of each class that its Weibull is fitted to.
    pub tail_size: usize,
    /// The distance from the class means.
    pub distance: Distance,
    /// Where the softmax stands.
    pub softmax: SoftmaxOrder,
    /// How many of the top-ranked classes are recalibrated.
    pub alpha: usize,
}

/// Why no setting with this distance and tail size can be scored.
#[derive(Debug)]
pub struct SweepFailure {
    /// The distance from the class means.
    pub distance: Distance,
    /// The tail size asked for.
    pub tail_size: usize,
    /// What was wrong, for the first class that failed.
    pub error: OpenMaxError,
}

/// Models of every distance and tail size over the same means: what [`CheckedSweepParams::fit`]
/// makes and [`Sweep::score_each`] reads.
#[derive(Debug)]
pub struct Sweep {
    params: SweepParams,
    mavs: MeanActivationVectors,
    /// Distance by distance, the tail sizes in turn.
    fitted: Vec<Tails>,
    failures: Vec<SweepFailure>,
}

/// The Weibulls of one distance and tail size, in class order.
#[derive(Debug)]
struct Tails {
    distance: Distance,
    tail_size: usize,
    weibulls: Vec<Weibull>,
}

impl CheckedSweepParams {
    /// Settings to be tried, those that will fail among them.
    #[must_use]
    pub fn n_settings(&self) -> usize {
        let SweepParams {
            tail_sizes,
            distances,
            softmax_orders,
            alphas,
            ..
        } = &self.0;
        [distances.len(), softmax_orders.len(), alphas.len()]
            .iter()
            .fold(tail_sizes.len(), |n, &more| n.saturating_mul(more))
    }

    /// Fits the means once, and the Weibulls of every distance and tail size: those that
    /// [`CheckedParams::fit`](crate::CheckedParams::fit) would give one by one, to the bit.
    ///
    /// `rows` is `[N, dim]` row-major, the first `n_classes` columns are logits; `labels` is
    /// `[N]`, each below `n_classes`. The distances of a class are sorted once for all tail sizes.
    /// A tail that cannot be fitted is no error here but one of [`Sweep::failures`].
    ///
    /// # Errors
    /// Those of [`CheckedParams::fit`](crate::CheckedParams::fit) but for the tails'.
    pub fn fit(
        &self,
        n_classes: usize,
        rows: &[f32],
        dim: usize,
        labels: &[usize],
    ) -> Result<Sweep, OpenMaxError> {
        let by_class = correct_members(n_classes, rows, dim, labels)?;
        let mut means = MeanAccumulator::new(n_classes, dim);
        means.add_members(rows, &by_class);
        let mavs = means.finish()?;
        let (mut fitted, mut failures) = (Vec::new(), Vec::new());
        for &distance in &self.0.distances {
            let of_class = |(class_idx, members): (usize, &Vec<usize>)| {
                let distances = descending(&mavs, class_idx, distance, rows, members);
                self.class_fits(class_idx, &distances)
            };
            let classes: Vec<_> = by_class.par_iter().enumerate().map(of_class).collect();
            let mut classes: Vec<_> = classes.into_iter().map(Vec::into_iter).collect();
            for &tail_size in &self.0.tail_sizes {
                // All classes take their step, whether or not an earlier one failed.
                let fits: Vec<_> = classes.iter_mut().filter_map(Iterator::next).collect();
                match fits.into_iter().collect() {
                    Ok(weibulls) => fitted.push(Tails {
                        distance,
                        tail_size,
                        weibulls,
                    }),
                    Err(error) => failures.push(SweepFailure {
                        distance,
                        tail_size,
                        error,
                    }),
                }
            }
        }
        Ok(Sweep {
            params: self.0.clone(),
            mavs,
            fitted,
            failures,
        })
    }

    /// A class's Weibull for every tail size, out of its sorted distances.
    fn class_fits(
        &self,
        class_idx: usize,
        distances: &[f64],
    ) -> Vec<Result<Weibull, OpenMaxError>> {
        let samples = distances.len() as u64;
        let fit = |&tail_size: &usize| {
            let tail = &distances[..tail_size.min(distances.len())];
            fit_tail(class_idx, samples, tail, (tail_size, self.0.shrink_tail))
                .map(|fit| fit.weibull)
        };
        self.0.tail_sizes.iter().map(fit).collect()
    }
}

/// Distances of the members of a class from its mean, the largest first.
fn descending(
    mavs: &MeanActivationVectors,
    class_idx: usize,
    distance: Distance,
    rows: &[f32],
    members: &[usize],
) -> Vec<f64> {
    let dim = mavs.dim();
    let mut probe = Probe::default();
    let mut distances: Vec<f64> = members
        .iter()
        .map(|&row| {
            probe.load(&rows[row * dim..][..dim], distance);
            mavs.distance_to(class_idx, &probe, distance)
        })
        .collect();
    distances.sort_unstable_by(|a, b| b.total_cmp(a));
    distances
}

impl Sweep {
    /// Number of known classes K.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.mavs.n_classes()
    }

    /// Length D of an activation vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.mavs.dim()
    }

    /// The distances and tail sizes without a model, in the order they were asked for.
    #[must_use]
    pub fn failures(&self) -> &[SweepFailure] {
        &self.failures
    }

    /// The settings that can be scored: distance by distance, then tail size, softmax order, α, each
    /// in the order asked for.
    pub fn settings(&self) -> impl Iterator<Item = SweepSetting> + '_ {
        self.fitted.iter().flat_map(|tails| self.settings_of(tails))
    }

    fn settings_of(&self, tails: &Tails) -> impl Iterator<Item = SweepSetting> + use<'_> {
        let (distance, tail_size) = (tails.distance, tails.tail_size);
        self.params.softmax_orders.iter().flat_map(move |&softmax| {
            self.params.alphas.iter().map(move |&alpha| SweepSetting {
                tail_size,
                distance,
                softmax,
                alpha,
            })
        })
    }
}
