//! From raw scores to the positive data that are fitted.

use crate::{collector::TailCollector, error::FitError, score::Score};

/// Which end of the scores is the extreme one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum TailSide {
    /// The largest scores are the tail, as for distances.
    #[default]
    High,
    /// The smallest scores are the tail, as for similarities.
    Low,
}

impl TailSide {
    /// `1` for `High`, `-1` for `Low`: what scores are multiplied by, and libMR's `sign`.
    pub fn sign(self) -> f64 {
        match self {
            TailSide::High => 1.0,
            TailSide::Low => -1.0,
        }
    }
}

/// The data of a fit: `t = (s + translate) - small_score` for the largest `s = sign * score`.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The smallest `s` of the tail.
    pub(crate) small_score: f64,
    /// Ascending, positive, finite, first and last different.
    pub(crate) data: Vec<f64>,
}

impl Tail {
    /// Selects the tail and translates it.
    ///
    /// Sorting the tail (not the scores) makes every later sum independent of their order.
    pub(crate) fn select<T: Score>(
        scores: &[T],
        tail_size: usize,
        side: TailSide,
        translate: f64,
    ) -> Result<Self, FitError> {
        let mut collector = TailCollector::with_side(tail_size, side);
        collector.extend_from_slice(scores)?;
        if tail_size > scores.len() {
            return Err(FitError::TooFewScores {
                tail_size,
                given: scores.len(),
            });
        }
        let mut data = collector.into_flipped();
        data.sort_unstable_by(f64::total_cmp);
        Tail::translated(data, side, translate)
    }

    /// From the tail's scores, `sign` applied and ascending, of which there is at least one.
    ///
    /// The sum is evaluated in the order written above, as libMR does: where scores are
    /// large or tiny, differences vanish in it and another order would give other data.
    pub(crate) fn translated(
        mut data: Vec<f64>,
        side: TailSide,
        translate: f64,
    ) -> Result<Self, FitError> {
        let tail_size = data.len();
        let (Some(&small_score), Some(&largest)) = (data.first(), data.last()) else {
            return Err(FitError::TooFewScores {
                tail_size: 2,
                given: 0,
            });
        };
        let least_extreme = side.sign() * small_score;
        let most_extreme = side.sign() * largest;
        if small_score == largest {
            return Err(FitError::NoSpread {
                tail_size,
                value: least_extreme,
            });
        }
        for s in &mut data {
            *s = (*s + translate) - small_score;
        }
        // Rounding is monotone, so the ends of the sorted data tell about all of them.
        let (first, last) = (data[0], data[tail_size - 1]);
        if !(first.is_finite() && last.is_finite()) {
            return Err(FitError::RangeOverflow {
                least_extreme,
                most_extreme,
                translate,
            });
        }
        if first <= 0.0 {
            return Err(FitError::TranslateLost {
                score: least_extreme,
                translate,
            });
        }
        if first == last {
            return Err(FitError::SpreadLost {
                least_extreme,
                most_extreme,
                translate,
            });
        }
        Ok(Tail { small_score, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_largest_or_the_smallest() {
        let scores = [3.0, -1.0, 7.0, 2.0, 5.0];
        let high = Tail::select(&scores, 3, TailSide::High, 1.0).unwrap();
        assert_eq!((high.small_score, high.data), (3.0, vec![1.0, 3.0, 5.0]));
        let low = Tail::select(&scores, 3, TailSide::Low, 0.5).unwrap();
        assert_eq!((low.small_score, low.data), (-3.0, vec![0.5, 1.5, 4.5]));
    }

    // Compensated sums hide the order so well that only the data themselves can show it.
    #[test]
    fn the_data_ascend_whatever_the_order_of_the_scores() {
        let mut scores: Vec<f64> = (0..200).map(|i| f64::from(i * 83 % 200).sqrt()).collect();
        let reference = Tail::select(&scores, 150, TailSide::High, 1.0).unwrap();
        assert!(reference.data.is_sorted());
        for step in [1, 7, 77, 199] {
            scores.rotate_left(step);
            scores[..step].reverse();
            let tail = Tail::select(&scores, 150, TailSide::High, 1.0).unwrap();
            assert_eq!(tail.data, reference.data);
        }
    }

    #[test]
    fn the_whole_list_may_be_the_tail() {
        let tail = Tail::select(&[2.0, 1.0], 2, TailSide::High, 1.0).unwrap();
        assert_eq!((tail.small_score, tail.data), (1.0, vec![1.0, 2.0]));
    }

    #[test]
    fn a_negative_zero_is_a_zero() {
        let tail = Tail::select(&[0.0, 1.0, -0.0, -2.0], 3, TailSide::Low, 1.0).unwrap();
        assert!(tail.small_score.is_sign_positive());
        assert_eq!(tail.data, [1.0, 1.0, 3.0]);
    }
}
