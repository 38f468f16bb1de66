//! The fitted model, and what it says about an activation vector.

use crosr_libmr::Weibull;
use rayon::prelude::*;

use crate::{
    distance::Distance,
    error::OpenMaxError,
    mav::{MeanActivationVectors, Probe},
    recalibrate::{Recalibration, Verdict, decide, recalibrate_finite},
    rows::{check_finite, check_rows, check_shape, closed_set_class},
};

/// A fitted OpenMax model: a mean activation vector and a Weibull a class.
///
/// The first K of the D values of an activation vector are the logits. With
/// the penultimate layer alone this is OpenMax (Bendale and Boult, CVPR 2016);
/// with pooled latents of a reconstruction network appended it is CROSR
/// (Yoshihashi et al., CVPR 2019).
#[derive(Debug, Clone)]
pub struct OpenMax {
    mavs: MeanActivationVectors,
    weibulls: Vec<Weibull>,
    distance: Distance,
}

/// What a model says about one activation vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalibrated {
    /// `[K + 1]`, unknown last; they sum to 1 up to rounding.
    pub probabilities: Vec<f64>,
    /// `[K]`: the w-score of each class at the distance from its mean.
    pub w_scores: Vec<f64>,
    /// `[K]`: the distance from the mean of each class.
    pub distances: Vec<f64>,
    /// The class with the largest logit.
    pub closed_set_class: usize,
    /// The decision.
    pub verdict: Verdict,
}

impl Recalibrated {
    /// Probability of the unknown class, the score for telling known from
    /// unknown.
    #[must_use]
    pub fn unknown_probability(&self) -> f64 {
        self.probabilities.last().copied().unwrap_or(1.0)
    }

    /// The class whose mean is nearest, the first of equals; not always the one with the largest
    /// logit.
    #[must_use]
    pub fn nearest_class(&self) -> usize {
        let nearest = self.distances.iter().enumerate();
        let nearest = nearest.min_by(|(_, a), (_, b)| a.total_cmp(b));
        nearest.map_or(self.closed_set_class, |(class_idx, _)| class_idx)
    }
}

/// Buffers reused from row to row.
#[derive(Default)]
struct Scratch {
    probe: Probe,
    ranked: Vec<usize>,
}

impl OpenMax {
    /// Puts a model together from recorded parts.
    ///
    /// # Errors
    /// [`OpenMaxError::ClassCountMismatch`] unless there is one Weibull a
    /// mean, [`OpenMaxError::TooFewColumns`] if the means are too short to
    /// begin with K logits.
    pub fn from_parts(
        mavs: MeanActivationVectors,
        weibulls: Vec<Weibull>,
        distance: Distance,
    ) -> Result<Self, OpenMaxError> {
        if weibulls.len() != mavs.n_classes() {
            return Err(OpenMaxError::ClassCountMismatch {
                expected: mavs.n_classes(),
                found: weibulls.len(),
            });
        }
        check_shape(mavs.n_classes(), mavs.dim())?;
        Ok(Self {
            mavs,
            weibulls,
            distance,
        })
    }

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

    /// The mean activation vectors.
    #[must_use]
    pub fn mavs(&self) -> &MeanActivationVectors {
        &self.mavs
    }

    /// The Weibulls, in class order.
    #[must_use]
    pub fn weibulls(&self) -> &[Weibull] {
        &self.weibulls
    }

    /// The distance from the class means.
    #[must_use]
    pub fn distance(&self) -> Distance {
        self.distance
    }

    /// Scores one activation vector `[D]`.
    ///
    /// # Errors
    /// [`OpenMaxError::DimensionMismatch`], or [`OpenMaxError::NonFinite`] with
    /// row 0.
    pub fn score(
        &self,
        activation: &[f32],
        recalibration: &Recalibration,
    ) -> Result<Recalibrated, OpenMaxError> {
        if activation.len() != self.dim() {
            return Err(OpenMaxError::DimensionMismatch {
                expected: self.dim(),
                found: activation.len(),
            });
        }
        check_finite(0, activation)?;
        Ok(self.score_finite(activation, recalibration, &mut Scratch::default()))
    }

    /// Scores activation vectors `[N, D]`, row-major, in parallel; each as
    /// [`OpenMax::score`] does, to the bit.
    ///
    /// # Errors
    /// [`OpenMaxError::RaggedRows`], or [`OpenMaxError::NonFinite`] with the
    /// first offending row and column.
    pub fn score_rows(
        &self,
        rows: &[f32],
        recalibration: &Recalibration,
    ) -> Result<Vec<Recalibrated>, OpenMaxError> {
        check_rows(rows, self.dim())?;
        Ok(rows
            .par_chunks_exact(self.dim())
            .with_min_len(64)
            .map_init(Scratch::default, |scratch, row| {
                self.score_finite(row, recalibration, scratch)
            })
            .collect())
    }

    fn score_finite(
        &self,
        activation: &[f32],
        recalibration: &Recalibration,
        scratch: &mut Scratch,
    ) -> Recalibrated {
        let n_classes = self.n_classes();
        scratch.probe.load(activation, self.distance);
        let distances: Vec<f64> = (0..n_classes)
            .map(|class_idx| {
                self.mavs
                    .distance_to(class_idx, &scratch.probe, self.distance)
            })
            .collect();
        let w_scores: Vec<f64> = self
            .weibulls
            .iter()
            .zip(&distances)
            .map(|(weibull, &distance)| weibull.w_score(distance))
            .collect();
        let logits = &activation[..n_classes];
        let probabilities =
            recalibrate_finite(logits, &w_scores, recalibration, &mut scratch.ranked);
        Recalibrated {
            verdict: decide(&probabilities, recalibration.epsilon()),
            closed_set_class: closed_set_class(activation, n_classes),
            probabilities,
            w_scores,
            distances,
        }
    }
}
