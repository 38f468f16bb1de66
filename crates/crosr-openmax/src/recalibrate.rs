//! From logits and w-scores to probabilities with an unknown class.

use std::{cmp::Ordering, fmt, str::FromStr};

use crate::error::{OpenMaxError, ParamError};

/// Where the softmax stands. `l` are logits, `w` w-scores, `α` rank weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SoftmaxOrder {
    /// `p = softmax(l)`, `known_k = p_k (1 - w_k α_k)`,
    /// `unknown = Σ p_k w_k α_k`: the reference implementation of CROSR.
    #[default]
    First,
    /// `v_k = l_k (1 - w_k α_k)`, `v_unknown = Σ l_k w_k α_k`, then softmax
    /// over K + 1 values: OpenMax (Bendale and Boult, CVPR 2016, algorithm 2).
    Last,
    /// As `Last`, with every term of `v_unknown` clipped at 0 from below.
    LastClipped,
}

impl fmt::Display for SoftmaxOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SoftmaxOrder::First => "first",
            SoftmaxOrder::Last => "last",
            SoftmaxOrder::LastClipped => "last-clipped",
        })
    }
}

impl FromStr for SoftmaxOrder {
    type Err = ParamError;

    fn from_str(name: &str) -> Result<Self, ParamError> {
        match name {
            "first" => Ok(SoftmaxOrder::First),
            "last" => Ok(SoftmaxOrder::Last),
            "last-clipped" => Ok(SoftmaxOrder::LastClipped),
            _ => Err(ParamError::SoftmaxOrderName {
                name: name.to_owned(),
            }),
        }
    }
}

/// How to recalibrate and decide, unchecked.
#[derive(Debug, Clone, PartialEq)]
pub struct RecalibrationParams {
    softmax: SoftmaxOrder,
    alpha: usize,
    epsilon: f64,
}

impl Default for RecalibrationParams {
    fn default() -> Self {
        Self::new()
    }
}

impl RecalibrationParams {
    /// Softmax first, α = 10, ε = 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            softmax: SoftmaxOrder::First,
            alpha: 10,
            epsilon: 0.0,
        }
    }

    /// Where the softmax stands. Default: first.
    #[must_use]
    pub fn softmax(mut self, softmax: SoftmaxOrder) -> Self {
        self.softmax = softmax;
        self
    }

    /// How many of the top-ranked classes are recalibrated; more than there
    /// are classes means all, with weights that fall more slowly. Default: 10.
    #[must_use]
    pub fn alpha(mut self, alpha: usize) -> Self {
        self.alpha = alpha;
        self
    }

    /// A sample whose largest known probability is below this is unknown.
    /// Default: 0, which leaves the argmax alone to decide.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ParamError::Alpha`] for zero, [`ParamError::Epsilon`] outside 0 to 1.
    pub fn check(self) -> Result<Recalibration, ParamError> {
        if self.alpha == 0 {
            return Err(ParamError::Alpha { alpha: self.alpha });
        }
        if !(0.0..=1.0).contains(&self.epsilon) {
            return Err(ParamError::Epsilon {
                epsilon: self.epsilon,
            });
        }
        Ok(Recalibration(self))
    }
}

/// How to recalibrate and decide, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalibration(RecalibrationParams);

impl Recalibration {
    /// Where the softmax stands.
    #[must_use]
    pub fn softmax(&self) -> SoftmaxOrder {
        self.0.softmax
    }

    /// How many of the top-ranked classes are recalibrated.
    #[must_use]
    pub fn alpha(&self) -> usize {
        self.0.alpha
    }

    /// The rejection threshold.
    #[must_use]
    pub fn epsilon(&self) -> f64 {
        self.0.epsilon
    }
}

/// The decision on one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// One of the known classes, by index.
    Known(usize),
    /// None of them.
    Unknown,
}

/// Recalibrates logits `[K]` by the w-scores `[K]` of the same classes: the
/// probabilities `[K + 1]`, unknown last.
///
/// Classes are ranked by logit, largest first, equal ones by index;
/// `α_i = (α + 1 - i) / α` for ranks `i = 1..α`, 0 beyond. The formulas stand
/// on [`SoftmaxOrder`]. The softmax is stable for any finite logits, and the
/// result sums to 1 up to rounding.
///
/// # Errors
/// [`OpenMaxError::NoClasses`], [`OpenMaxError::ClassCountMismatch`] for
/// different lengths, [`OpenMaxError::NonFinite`] (row 0) for a logit, or
/// [`OpenMaxError::WScore`] outside 0 to 1.
///
/// ```
/// use crosr_openmax::{RecalibrationParams, recalibrate};
/// let params = RecalibrationParams::new().alpha(1).check()?;
/// let probabilities = recalibrate(&[0.0, 0.0], &[0.5, 0.9], &params)?;
/// assert_eq!(probabilities, [0.25, 0.5, 0.25]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn recalibrate(
    logits: &[f32],
    w_scores: &[f64],
    recalibration: &Recalibration,
) -> Result<Vec<f64>, OpenMaxError> {
    if logits.is_empty() {
        return Err(OpenMaxError::NoClasses);
    }
    if w_scores.len() != logits.len() {
        return Err(OpenMaxError::ClassCountMismatch {
            expected: logits.len(),
            found: w_scores.len(),
        });
    }
    crate::rows::check_finite(0, logits)?;
    if let Some(class_idx) = w_scores.iter().position(|w| !(0.0..=1.0).contains(w)) {
        return Err(OpenMaxError::WScore {
            class_idx,
            value: w_scores[class_idx],
        });
    }
    Ok(recalibrate_finite(
        logits,
        w_scores,
        recalibration,
        &mut Vec::new(),
    ))
}

/// [`recalibrate`] for checked input, with a buffer for the ranking.
pub(crate) fn recalibrate_finite(
    logits: &[f32],
    w_scores: &[f64],
    recalibration: &Recalibration,
    ranked: &mut Vec<usize>,
) -> Vec<f64> {
    let (order, alpha) = (recalibration.softmax(), recalibration.alpha());
    rank(logits, alpha, ranked);
    let mut values = Vec::with_capacity(logits.len() + 1);
    values.extend(logits.iter().map(|&l| f64::from(l)));
    if order == SoftmaxOrder::First {
        softmax(&mut values);
    }
    transfer(&mut values, w_scores, ranked, order, alpha);
    values
}

/// Moves what the w-scores `[K]` say from the `ranked` classes, best first and at most `alpha` of
/// them, to the unknown one: `values` `[K]` are probabilities for softmax first, else logits, and
/// become the probabilities `[K + 1]`.
pub(crate) fn transfer(
    values: &mut Vec<f64>,
    w_scores: &[f64],
    ranked: &[usize],
    order: SoftmaxOrder,
    alpha: usize,
) {
    let mut unknown = 0.0;
    for (position, &class_idx) in ranked.iter().enumerate() {
        let rank_weight = (alpha - position) as f64 / alpha as f64;
        let share = w_scores[class_idx] * rank_weight;
        let moved = values[class_idx] * share;
        values[class_idx] *= 1.0 - share;
        unknown += match order {
            SoftmaxOrder::LastClipped => moved.max(0.0),
            SoftmaxOrder::First | SoftmaxOrder::Last => moved,
        };
    }
    values.push(unknown);
    if order != SoftmaxOrder::First {
        softmax(values);
    }
}

/// Leaves in `ranked` the `alpha` classes with the largest logits, best first.
pub(crate) fn rank(logits: &[f32], alpha: usize, ranked: &mut Vec<usize>) {
    let better = |&a: &usize, &b: &usize| {
        logits[b]
            .partial_cmp(&logits[a])
            .unwrap_or(Ordering::Equal)
            .then(a.cmp(&b))
    };
    ranked.clear();
    ranked.extend(0..logits.len());
    if alpha < logits.len() {
        ranked.select_nth_unstable_by(alpha - 1, better);
        ranked.truncate(alpha);
    }
    ranked.sort_unstable_by(better);
}

/// `e^(v_i - max v) / Σ e^(v_j - max v)`, in place; overflow is impossible.
pub(crate) fn softmax(values: &mut [f64]) {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = (*value - max).exp();
        sum += *value;
    }
    for value in values {
        *value /= sum;
    }
}

/// Decides on probabilities `[K + 1]`, unknown last: unknown if that is the
/// largest or if the largest known one is below `epsilon` (Bendale and Boult,
/// CVPR 2016, algorithm 2, step 6).
///
/// Of equal probabilities the lowest index wins, so a known class wins against
/// unknown. Without a known class, or with nothing but NaN, it is unknown.
///
/// ```
/// use crosr_openmax::{Verdict, decide};
/// assert_eq!(decide(&[0.2, 0.5, 0.3], 0.0), Verdict::Known(1));
/// assert_eq!(decide(&[0.2, 0.5, 0.3], 0.6), Verdict::Unknown);
/// assert_eq!(decide(&[0.2, 0.3, 0.5], 0.0), Verdict::Unknown);
/// ```
#[must_use]
pub fn decide(probabilities: &[f64], epsilon: f64) -> Verdict {
    Standing::of(probabilities).map_or(Verdict::Unknown, |standing| standing.verdict(epsilon))
}

/// What is left of probabilities `[K + 1]` for a decision, whatever its ε.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Probability of the unknown class.
    pub unknown: f64,
    /// The largest probability of a known class; negative infinity without one.
    pub largest_known: f64,
    /// The class that has it, the first of equals.
    pub best_class: Option<usize>,
}

impl Standing {
    /// Reads it off probabilities `[K + 1]`, unknown last; `None` of an empty slice.
    pub(crate) fn of(probabilities: &[f64]) -> Option<Self> {
        let (&unknown, known) = probabilities.split_last()?;
        let mut standing = Self {
            unknown,
            largest_known: f64::NEG_INFINITY,
            best_class: None,
        };
        for (class_idx, &p) in known.iter().enumerate() {
            if p > standing.largest_known {
                (standing.best_class, standing.largest_known) = (Some(class_idx), p);
            }
        }
        Some(standing)
    }

    /// The decision at this ε, by the rule of [`decide`].
    #[must_use]
    pub fn verdict(&self, epsilon: f64) -> Verdict {
        match self.best_class {
            Some(class_idx)
                if self.largest_known >= self.unknown && self.largest_known >= epsilon =>
            {
                Verdict::Known(class_idx)
            }
            _ => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranking_breaks_ties_by_index() {
        let mut ranked = Vec::new();
        for (logits, alpha, expected) in [
            (&[1.0, 3.0, 3.0, 2.0][..], 10, &[1, 2, 3, 0][..]),
            (&[1.0, 3.0, 3.0, 2.0], 1, &[1]),
            (&[0.0, -0.0, 0.0], 2, &[0, 1]),
            (&[-0.0, 0.0], 1, &[0]),
            (&[5.0], 1, &[0]),
        ] {
            rank(logits, alpha, &mut ranked);
            assert_eq!(ranked, expected, "{logits:?}, alpha {alpha}");
        }
    }

    #[test]
    fn softmax_survives_the_widest_logits() {
        let mut values = [f64::from(f32::MAX), 0.0, f64::from(f32::MIN)];
        softmax(&mut values);
        assert_eq!(values, [1.0, 0.0, 0.0]);
    }
}
