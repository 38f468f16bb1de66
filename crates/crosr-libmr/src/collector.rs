//! The most extreme scores of a stream, without keeping or sorting the rest.

use pulp::Arch;

use crate::{
    error::{FitError, ParamError},
    kernels::vectorised,
    score::Score,
    tail::TailSide,
};

/// Scores that one quick test rejects together.
const CHUNK: usize = 128;
/// Room for candidates when the tail itself is tiny.
const LEAST_ROOM: usize = 64;

/// Collects the `tail_size` most extreme scores of any number of them.
///
/// Memory is twice the tail, however many scores pass. Once the tail is full, a score that is
/// no more extreme than the least extreme one kept is rejected by a comparison, a chunk at a
/// time. What is collected does not depend on the order or on the division into chunks.
///
/// ```
/// use crosr_libmr::{TailCollector, TailSide, WeibullParams};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut collector = TailCollector::new(20, TailSide::High)?;
/// for part in 0..100 {
///     let scores: Vec<f32> = (0..1000).map(|i| ((part * 1000 + i) as f32).sin()).collect();
///     collector.extend_from_slice(&scores)?;
/// }
/// let (weibull, _) = WeibullParams::new(20).check()?.fit(&collector.into_scores())?;
/// assert!(weibull.small_score() > 0.999);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TailCollector {
    arch: Arch,
    tail_size: usize,
    side: TailSide,
    /// Scores offered so far.
    seen: u64,
    /// The `tail_size`-th largest of the kept scores at the last pruning: with `sign` applied,
    /// as are all of `kept`. Negative infinity before.
    threshold: f64,
    /// Every score of the tail, and others above the threshold.
    kept: Vec<f64>,
}

impl TailCollector {
    /// An empty collector of the `tail_size` most extreme scores.
    ///
    /// # Errors
    /// [`ParamError::TailSize`] for a tail of less than 2 scores: no fit could use it.
    pub fn new(tail_size: usize, side: TailSide) -> Result<Self, ParamError> {
        if tail_size < 2 {
            return Err(ParamError::TailSize { given: tail_size });
        }
        Ok(TailCollector::with_side(tail_size, side))
    }

    /// [`TailCollector::new`] for a tail size that was checked.
    pub(crate) fn with_side(tail_size: usize, side: TailSide) -> Self {
        TailCollector {
            arch: Arch::new(),
            tail_size,
            side,
            seen: 0,
            threshold: f64::NEG_INFINITY,
            kept: Vec::new(),
        }
    }

    /// Offers one score.
    ///
    /// # Errors
    /// [`FitError::NonFinite`] for a NaN or an infinity, with the number of scores offered
    /// before as its index. The collector stays as it was.
    pub fn push<T: Score>(&mut self, score: T) -> Result<(), FitError> {
        let score = score.to_f64();
        if !score.is_finite() {
            return Err(FitError::NonFinite {
                index: usize::try_from(self.seen).unwrap_or(usize::MAX),
                value: score,
            });
        }
        self.seen += 1;
        self.take(score);
        Ok(())
    }

    /// Offers every score of a slice, in order.
    ///
    /// # Errors
    /// [`FitError::NonFinite`] for the first NaN or infinity, with the number of scores offered
    /// before as its index. Those before it have been taken.
    pub fn extend_from_slice<T: Score>(&mut self, mut scores: &[T]) -> Result<(), FitError> {
        // Until there is a threshold nothing can be rejected.
        while let Some(room) = self.room_without_threshold() {
            let (now, later) = scores.split_at(room.min(scores.len()));
            self.fill(now)?;
            scores = later;
            if scores.is_empty() {
                return Ok(());
            }
        }
        vectorised(
            self.arch,
            #[inline(always)]
            || self.sift(scores),
        )
    }

    /// Takes over what another collector of the same kind has.
    ///
    /// # Errors
    /// [`ParamError::Merge`] unless tail size and side agree.
    pub fn merge(&mut self, other: &TailCollector) -> Result<(), ParamError> {
        if self.tail_size != other.tail_size || self.side != other.side {
            return Err(ParamError::Merge {
                tail_size: self.tail_size,
                side: self.side,
                other_tail_size: other.tail_size,
                other_side: other.side,
            });
        }
        self.seen += other.seen;
        for &s in &other.kept {
            self.take(s * self.side.sign());
        }
        Ok(())
    }

    /// Number of scores that are collected.
    pub fn tail_size(&self) -> usize {
        self.tail_size
    }

    /// Which end of the scores is collected.
    pub fn side(&self) -> TailSide {
        self.side
    }

    /// Number of scores offered so far.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The collected scores, most extreme first: all that were offered when they were fewer
    /// than the tail size.
    pub fn into_scores(self) -> Vec<f64> {
        let sign = self.side.sign();
        let mut kept = self.into_flipped();
        kept.sort_unstable_by(|a, b| b.total_cmp(a));
        for s in &mut kept {
            *s = sign * *s + 0.0;
        }
        kept
    }

    /// The collected scores with `sign` applied, in no order.
    pub(crate) fn into_flipped(mut self) -> Vec<f64> {
        self.prune();
        self.kept
    }

    /// How many candidates are held before they are pruned to the tail.
    fn room(&self) -> usize {
        self.tail_size.saturating_mul(2).max(LEAST_ROOM)
    }

    /// How many more scores fit in before there is a threshold; `None` when there is one.
    fn room_without_threshold(&self) -> Option<usize> {
        (self.threshold == f64::NEG_INFINITY).then(|| self.room() - self.kept.len())
    }

    /// Takes scores while there is no threshold; there is room for them.
    fn fill<T: Score>(&mut self, scores: &[T]) -> Result<(), FitError> {
        let sign = self.side.sign();
        let before = self.kept.len();
        // Padding follows in a fit: with room for it the data stay where they are.
        self.kept.reserve(scores.len().next_multiple_of(64));
        let mut finite = true;
        self.kept.extend(scores.iter().map(|score| {
            let score = score.to_f64();
            finite &= score.abs() <= f64::MAX;
            // Adding 0.0 turns -0.0 into 0.0, so that equal scores have equal bits.
            sign * score + 0.0
        }));
        if !finite {
            let at = scores
                .iter()
                .position(|score| !score.to_f64().is_finite())
                .unwrap_or_default();
            self.kept.truncate(before + at);
            self.seen += at as u64;
            return Err(FitError::NonFinite {
                index: usize::try_from(self.seen).unwrap_or(usize::MAX),
                value: scores[at].to_f64(),
            });
        }
        self.seen += scores.len() as u64;
        if self.kept.len() == self.room() {
            self.prune();
        }
        Ok(())
    }

    /// Takes from `scores` what passes the threshold.
    #[inline(always)]
    fn sift<T: Score>(&mut self, scores: &[T]) -> Result<(), FitError> {
        let sign = self.side.sign();
        let (chunks, rest) = scores.as_chunks::<CHUNK>();
        for chunk in chunks {
            let threshold = self.threshold;
            let mut passed = 0u64;
            for score in chunk {
                let score = score.to_f64();
                // A NaN is above the threshold and not finite.
                let rejected = (sign * score <= threshold) & (score.abs() <= f64::MAX);
                passed |= u64::from(!rejected);
            }
            if passed == 0 {
                self.seen += CHUNK as u64;
            } else {
                self.sift_slowly(chunk)?;
            }
        }
        self.sift_slowly(rest)
    }

    #[inline(never)]
    fn sift_slowly<T: Score>(&mut self, scores: &[T]) -> Result<(), FitError> {
        scores.iter().try_for_each(|&score| self.push(score))
    }

    /// Keeps a finite score if it may belong to the tail.
    #[inline]
    fn take(&mut self, score: f64) {
        let s = self.side.sign() * score + 0.0;
        if s > self.threshold {
            self.kept.push(s);
            if self.kept.len() >= self.room() {
                self.prune();
            }
        }
    }

    /// Drops what is not of the tail, and raises the threshold.
    fn prune(&mut self) {
        let Some(below) = self.kept.len().checked_sub(self.tail_size) else {
            return;
        };
        if below > 0 {
            self.kept
                .select_nth_unstable_by(self.tail_size - 1, |a, b| b.total_cmp(a));
            self.kept.truncate(self.tail_size);
            self.threshold = self.kept[self.tail_size - 1];
        }
    }
}
