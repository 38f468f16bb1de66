//! The rejection threshold, from known data alone.

use crate::{error::ParamError, model::Recalibrated, recalibrate::Standing};

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
