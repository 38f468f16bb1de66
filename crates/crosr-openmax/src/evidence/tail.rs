//! Probability of a score at least this extreme among known samples.

use crosr_libmr::{GeneralisedPareto, TailSide, WeibullParams};

/// Part of the reference scores that the extreme-value tail is fitted to.
const TAIL_PART: f64 = 0.1;
/// Scores that a tail needs at least, and the fewest that are worth counting.
const TAIL_AT_LEAST: usize = 20;

/// Logarithms of tail probabilities end here, so that sums of them stay numbers.
const LEAST: f64 = -1e9;

/// Reference scores, and a generalised Pareto distribution beyond the largest tenth of them.
///
/// The tail probability is counted as long as there are a few scores to count: up to the score
/// `v` that `k = 20` of the `n` exceed it is `(count + 1/2) / (n + 1)`. Beyond, the distribution
/// of the excess over the threshold `u` goes on from there: `(k + 1/2) / (n + 1)` times
/// `S(x - u) / S(v - u)`, `S(y) = (1 + shape y / scale)^(-1 / shape)` (Pickands, "Statistical
/// Inference Using Extreme Order Statistics", Annals of Statistics 3, 1975). A shape below 0,
/// which would call everything beyond some score impossible, is raised to 0: an exponential tail
/// with the mean of the excesses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tail {
    /// Rising.
    scores: Vec<f64>,
    /// Scores beyond the largest up to which they are counted.
    uncounted: usize,
    counted_to: f64,
    threshold: f64,
    scale: f64,
    shape: f64,
}

impl Tail {
    /// Fits finite scores. Without spread in the tail, what lies beyond has probability zero.
    pub(super) fn fit(mut scores: Vec<f64>) -> Self {
        scores.sort_unstable_by(f64::total_cmp);
        let n = scores.len();
        let wanted = ((TAIL_PART * n as f64).ceil() as usize).max(TAIL_AT_LEAST);
        let beyond = wanted.min(n.saturating_sub(1));
        let threshold = scores.get(n - 1 - beyond).copied().unwrap_or(f64::INFINITY);
        let excesses = scores[n - beyond..].iter().map(|score| score - threshold);
        let mean = excesses.sum::<f64>() / beyond.max(1) as f64;
        let (scale, shape) = WeibullParams::new(beyond)
            .side(TailSide::High)
            .check()
            .ok()
            .and_then(|params| GeneralisedPareto::fit(&scores, params).ok())
            .map(|(tail, _)| (tail.scale(), tail.shape()))
            .filter(|(_, shape)| *shape >= 0.0)
            .unwrap_or((mean, 0.0));
        let uncounted = beyond.min(TAIL_AT_LEAST);
        Self {
            counted_to: scores
                .get(n - 1 - uncounted)
                .copied()
                .unwrap_or(f64::INFINITY),
            uncounted,
            scores,
            threshold,
            scale,
            shape,
        }
    }

    /// `ln P(S >= score)`, at most 0.
    pub(super) fn ln_probability(&self, score: f64) -> f64 {
        let n = self.scores.len();
        let part = |count: usize| (count as f64 + 0.5) / (n as f64 + 1.0);
        if score <= self.counted_to {
            let below = self.scores.partition_point(|s| *s < score);
            return part(n - below).min(1.0).ln();
        }
        let further = self.ln_survival(score) - self.ln_survival(self.counted_to);
        // Without any spread `further` is no number: then what lies beyond is impossible.
        (part(self.uncounted).ln() + further).max(LEAST)
    }

    /// Of the excess over the threshold.
    fn ln_survival(&self, score: f64) -> f64 {
        let excess = (score - self.threshold) / self.scale;
        if self.shape == 0.0 {
            -excess
        } else {
            -(self.shape * excess).ln_1p() / self.shape
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exponential scores, evenly spread over their distribution.
    fn exponential(n: u32) -> Vec<f64> {
        (0..n)
            .map(|i| -(1.0 - (f64::from(i) + 0.5) / f64::from(n)).ln())
            .collect()
    }

    #[test]
    fn counts_inside_and_extrapolates_outside() {
        let tail = Tail::fit(exponential(5_000));
        for (score, tolerance) in [
            (0.1, 0.001),
            (1.0, 0.001),
            (2.0, 0.002),
            (5.0, 0.1),
            (20.0, 2.0),
        ] {
            let found = tail.ln_probability(score);
            assert!((found + score).abs() < tolerance, "{score}: {found}");
        }
    }

    #[test]
    fn never_rises_with_the_score() {
        for scores in [
            exponential(300),
            (0..50).map(f64::from).collect(),
            vec![1.0; 40],
        ] {
            let tail = Tail::fit(scores);
            let mut last = 0.0;
            for step in -20..400 {
                let found = tail.ln_probability(f64::from(step) * 0.25);
                assert!(found <= last, "step {step}: {found} after {last}");
                last = found;
            }
        }
    }

    #[test]
    fn a_bounded_tail_is_not_believed() {
        // Uniform scores: the fitted shape is -1, and 1.5 would be impossible.
        let tail = Tail::fit((0..1000).map(|i| f64::from(i) / 1000.0).collect());
        let found = tail.ln_probability(1.5);
        assert!(found.is_finite() && found < 0.001f64.ln(), "{found}");
    }

    #[test]
    fn heavy_tails_stay_heavy() {
        let pareto = |i: u32| (1.0 - (f64::from(i) + 0.5) / 5_000.0).powf(-0.5);
        let tail = Tail::fit((0..5_000).map(pareto).collect());
        let found = tail.ln_probability(1000.0);
        assert!((found - 1000f64.powi(-2).ln()).abs() < 2.0, "{found}");
    }
}
