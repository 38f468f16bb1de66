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
    /// Positive, finite and not all equal, in no order.
    pub(crate) data: Vec<f64>,
    /// The smallest and the largest datum.
    pub(crate) range: (f64, f64),
}

impl Tail {
    /// Selects the tail and translates it.
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
        Tail::translated(collector.into_flipped(), side, translate)
    }

    /// From the tail's scores, `sign` applied.
    ///
    /// The sum is evaluated in the order written above, as libMR does: where scores are
    /// large or tiny, differences vanish in it and another order would give other data.
    pub(crate) fn translated(
        mut data: Vec<f64>,
        side: TailSide,
        translate: f64,
    ) -> Result<Self, FitError> {
        let tail_size = data.len();
        let (small_score, largest) = range(&data);
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
        // Rounding is monotone, so the ends of the data tell about all of them.
        let [first, last] = [small_score, largest].map(|s| (s + translate) - small_score);
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
        Ok(Tail {
            small_score,
            data,
            range: (first, last),
        })
    }
}

/// The smallest and the largest number of a list without NaN; infinities for an empty one.
fn range(data: &[f64]) -> (f64, f64) {
    const LANES: usize = 8;
    let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let (chunks, rest) = data.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let s = chunk[lane];
            low[lane] = if s < low[lane] { s } else { low[lane] };
            high[lane] = if s > high[lane] { s } else { high[lane] };
        }
    }
    let low = low
        .iter()
        .chain(rest)
        .copied()
        .fold(f64::INFINITY, f64::min);
    let high = high
        .iter()
        .chain(rest)
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tail with its data in order.
    fn select(scores: &[f64], tail_size: usize, side: TailSide, translate: f64) -> Tail {
        let mut tail = Tail::select(scores, tail_size, side, translate).unwrap();
        tail.data.sort_by(f64::total_cmp);
        assert_eq!(tail.range, (tail.data[0], tail.data[tail_size - 1]));
        tail
    }

    #[test]
    fn takes_the_largest_or_the_smallest() {
        let scores = [3.0, -1.0, 7.0, 2.0, 5.0];
        let high = select(&scores, 3, TailSide::High, 1.0);
        assert_eq!((high.small_score, high.data), (3.0, vec![1.0, 3.0, 5.0]));
        let low = select(&scores, 3, TailSide::Low, 0.5);
        assert_eq!((low.small_score, low.data), (-3.0, vec![0.5, 1.5, 4.5]));
    }

    #[test]
    fn the_whole_list_may_be_the_tail() {
        let tail = select(&[2.0, 1.0], 2, TailSide::High, 1.0);
        assert_eq!((tail.small_score, tail.data), (1.0, vec![1.0, 2.0]));
    }

    #[test]
    fn a_negative_zero_is_a_zero() {
        let tail = select(&[0.0, 1.0, -0.0, -2.0], 3, TailSide::Low, 1.0);
        assert!(tail.small_score.is_sign_positive());
        assert_eq!(tail.data, [1.0, 1.0, 3.0]);
    }
}
