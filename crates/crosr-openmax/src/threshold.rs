//! The rejection threshold, from known data alone.

use crate::{error::ParamError, model::Recalibrated, recalibrate::Standing};

/// The 99 % quantile of the standard normal distribution.
const CONFIDENCE: f64 = 2.326_347_874_040_841;

/// The part of `n` reference samples to keep so that at least the part `keep` of new samples like
/// them is kept, with 99 % confidence: a threshold at a plain quantile keeps less than that of all
/// others half of the time.
///
/// If the `k` largest of n scores are rejected, the part of all others that is rejected exceeds
/// `1 - keep` as often as a binomial count of n with that chance is at most k (Wilks,
/// "Determination of sample sizes for setting tolerance limits", Annals of Mathematical Statistics
/// 12, 1941). k is the 1 % quantile of that count, by Cornish and Fisher's expansion; where it is
/// below one, no reference sample is rejected.
///
/// ```
/// use crosr_openmax::assured_part;
///
/// assert_eq!(assured_part(0.85, 5_000), 1.0 - 691.0 / 5_000.0);
/// assert!((assured_part(0.85, 50_000_000) - 0.85).abs() < 2e-4);
/// ```
#[must_use]
pub fn assured_part(keep: f64, n: usize) -> f64 {
    // What is no part comes back as it is, for the caller to refuse.
    if !(keep > 0.0 && keep < 1.0) {
        return keep;
    }
    let n = n.max(1) as f64;
    let rejected = 1.0 - keep;
    let spread = (n * rejected * keep).sqrt();
    let skewness = (CONFIDENCE * CONFIDENCE - 1.0) * (keep - rejected) / 6.0;
    let count = n * rejected - CONFIDENCE * spread + skewness - 0.5;
    1.0 - (count.floor().max(0.5) / n).min(rejected)
}

/// The largest epsilon that keeps at least the part `keep` of these known samples: as many have a
/// largest known probability of at least epsilon.
///
/// Bendale and Boult (CVPR 2016, Section 3) reject below a threshold on the largest probability
/// and leave its choice open; a quantile of samples that took no part in fitting needs no
/// outliers. Samples whose unknown probability is the largest of all are rejected whatever the
/// threshold, so that fewer may be kept in the end.
///
/// # Errors
/// [`ParamError::Keep`] unless 0 < `keep` <= 1, [`ParamError::NoSamples`] without a sample.
pub fn threshold_keeping(known: &[Recalibrated], keep: f64) -> Result<f64, ParamError> {
    let standings = known
        .iter()
        .filter_map(|sample| Standing::of(&sample.probabilities));
    epsilon_keeping(standings, keep)
}

/// [`threshold_keeping`] of the known samples' standings under one setting of a sweep.
///
/// # Errors
/// Those of [`threshold_keeping`].
pub fn standing_threshold_keeping(known: &[Standing], keep: f64) -> Result<f64, ParamError> {
    epsilon_keeping(known.iter().copied(), keep)
}

fn epsilon_keeping(known: impl Iterator<Item = Standing>, keep: f64) -> Result<f64, ParamError> {
    let scores = known.map(|sample| -sample.largest_known.max(0.0)).collect();
    // Not the negative zero of a largest probability of 0.
    score_keeping(scores, keep).map(|score| 0.0 - score)
}

/// The least score that at least the part `keep` of these known samples do not exceed, for scores
/// that are larger the less known a sample looks.
///
/// # Errors
/// [`ParamError::Keep`] unless 0 < `keep` <= 1, [`ParamError::NoSamples`] without a score.
pub fn score_keeping(mut scores: Vec<f64>, keep: f64) -> Result<f64, ParamError> {
    if !(keep > 0.0 && keep <= 1.0) {
        return Err(ParamError::Keep { keep });
    }
    scores.sort_unstable_by(f64::total_cmp);
    let kept = (keep * scores.len() as f64).ceil() as usize;
    scores
        .get(kept.saturating_sub(1))
        .copied()
        .ok_or(ParamError::NoSamples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recalibrate::Verdict;

    fn samples(largest: &[f64]) -> Vec<Recalibrated> {
        let sample = |&p: &f64| Recalibrated {
            probabilities: vec![p, 0.0, 1.0 - p],
            w_scores: vec![0.0; 2],
            distances: vec![0.0; 2],
            closed_set_class: 0,
            verdict: Verdict::Known(0),
        };
        largest.iter().map(sample).collect()
    }

    #[test]
    fn nine_of_ten_are_kept() {
        let known = samples(&[0.5, 0.9, 0.3, 0.8, 0.7, 0.95, 0.6, 0.1, 0.85, 0.4]);
        assert_eq!(threshold_keeping(&known, 0.9), Ok(0.3));
        assert_eq!(threshold_keeping(&known, 1.0), Ok(0.1));
        assert_eq!(
            threshold_keeping(&known, 0.85),
            Ok(0.3),
            "at least the part asked for"
        );
        assert_eq!(threshold_keeping(&known, 0.01), Ok(0.95));
    }

    #[test]
    fn new_samples_are_kept_as_promised() {
        // The chance that at most k of n samples are beyond a threshold which rejects 1 - keep of
        // all: with k of them rejected here, how often less than `keep` of the others are kept.
        let at_most = |k: usize, n: usize, p: f64| -> f64 {
            let mut term = (n as f64 * (1.0 - p).ln()).exp();
            let mut sum = term;
            for i in 0..k {
                term *= (n - i) as f64 / (i + 1) as f64 * p / (1.0 - p);
                sum += term;
            }
            sum
        };
        for (keep, n) in [
            (0.85, 60),
            (0.85, 200),
            (0.85, 2_000),
            (0.9, 500),
            (0.95, 1_000),
        ] {
            let rejected = ((1.0 - assured_part(keep, n)) * n as f64).round() as usize;
            let (broken, beyond) = (
                at_most(rejected, n, 1.0 - keep),
                at_most(rejected + 1, n, 1.0 - keep),
            );
            assert!(
                broken <= 0.01 && beyond > 0.01,
                "{keep} of {n}: {broken} {beyond}"
            );
        }
        for n in [0, 1, 10, 1_000_000] {
            for keep in [0.01, 0.5, 0.85, 0.99] {
                let part = assured_part(keep, n);
                assert!(part >= keep && part < 1.0, "{keep} of {n}: {part}");
            }
        }
    }

    #[test]
    fn a_score_keeps_the_part_asked_for() {
        let scores = vec![5.0, 1.0, 4.0, 2.0, 3.0, 9.0, 8.0, 7.0, 6.0, 0.0];
        assert_eq!(score_keeping(scores.clone(), 0.9), Ok(8.0));
        assert_eq!(score_keeping(scores.clone(), 0.05), Ok(0.0));
        assert_eq!(score_keeping(scores, 0.999), Ok(9.0));
        assert_eq!(score_keeping(Vec::new(), 0.9), Err(ParamError::NoSamples));
    }

    #[test]
    fn nothing_to_keep_is_an_error() {
        assert_eq!(threshold_keeping(&[], 0.9), Err(ParamError::NoSamples));
        for keep in [0.0, 1.1, f64::NAN] {
            assert!(matches!(
                threshold_keeping(&samples(&[0.5]), keep),
                Err(ParamError::Keep { .. })
            ));
        }
    }
}
