//! How straight the mean excess is beyond each candidate threshold.

use crate::{families::SortedScores, numeric::Sum, tail_size::TailSizeError};

/// Fewer excesses than this have no reliable variance, and no point of the line.
const FEWEST_EXCESSES: usize = 10;
/// Two points determine a line; a third can lie beside it.
const FEWEST_POINTS: usize = 3;
/// The mean squared residual that a straight mean excess seldom has.
pub(super) const LIMIT: f64 = 0.5;

/// For each of the ascending `sizes` the mean squared residual of the line.
///
/// Excesses are measured from the most extreme score downwards, in units of the range of
/// the scores, so that sums of them and of their squares neither cancel nor overflow.
pub(super) fn curve(sorted: &SortedScores, sizes: &[usize]) -> Vec<Result<f64, TailSizeError>> {
    let ascending = sorted.ascending();
    let n_scores = ascending.len();
    let too_few = |tail_size| TailSizeError::TooFewPoints {
        tail_size,
        n_scores,
        needed: FEWEST_EXCESSES + FEWEST_POINTS - 1,
    };
    let mut values = Vec::with_capacity(sizes.len());
    let mut sizes = sizes.iter().copied().peekable();
    if let (Some(&least), Some(&most)) = (ascending.first(), ascending.last()) {
        // Halved, the range of finite scores is finite.
        let half_range = 0.5 * most - 0.5 * least;
        let depth = |s: f64| (0.5 * most - 0.5 * s) / half_range;
        let mut line = Line::default();
        let (mut sum, mut sum_of_squares) = (Sum::default(), Sum::default());
        for j in 1..n_scores {
            // The j-th most extreme score, and the threshold below it.
            let d = depth(ascending[n_scores - j]);
            sum.add(d);
            sum_of_squares.add(d * d);
            let threshold = depth(ascending[n_scores - 1 - j]);
            let n = j as f64;
            let mean = sum.value() / n;
            let variance = (sum_of_squares.value() - n * mean * mean) / (n - 1.0);
            if j >= FEWEST_EXCESSES && variance > 0.0 {
                // Both axes point downwards; a line stays a line.
                line.add(threshold, threshold - mean, n / variance);
            }
            while let Some(size) = sizes.next_if(|&size| size < j) {
                values.push(Err(too_few(size)));
            }
            if sizes.next_if_eq(&j).is_some() {
                values.push(line.mean_squared_residual().ok_or_else(|| too_few(j)));
            }
        }
    }
    values.extend(sizes.map(|size| Err(too_few(size))));
    values
}

/// A line through weighted points, point by point: means and moments about them.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    points: usize,
    weight: f64,
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Line {
    fn add(&mut self, x: f64, y: f64, weight: f64) {
        self.points += 1;
        self.weight += weight;
        let share = weight / self.weight;
        let (dx, dy) = (x - self.mean_x, y - self.mean_y);
        self.mean_x += share * dx;
        self.mean_y += share * dy;
        let rest = weight * (1.0 - share);
        self.xx += rest * dx * dx;
        self.xy += rest * dx * dy;
        self.yy += rest * dy * dy;
    }

    /// `sum w (y - line)^2 / points`, `None` for too few points or a single abscissa.
    fn mean_squared_residual(&self) -> Option<f64> {
        (self.points >= FEWEST_POINTS && self.xx > 0.0)
            .then(|| (self.yy - self.xy * self.xy / self.xx).max(0.0) / self.points as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::TailSide;

    #[test]
    fn the_residual_is_that_of_a_plain_regression() {
        let points = [
            (0.1, 1.0, 2.0),
            (0.4, 1.5, 1.0),
            (0.5, 0.2, 3.0),
            (0.9, 2.0, 0.5),
        ];
        let mut line = Line::default();
        for (x, y, w) in points {
            line.add(x, y, w);
        }
        // Normal equations, solved by hand with the same weights.
        let sum = |f: &dyn Fn((f64, f64, f64)) -> f64| points.into_iter().map(f).sum::<f64>();
        let (w, x, y) = (sum(&|p| p.2), sum(&|p| p.2 * p.0), sum(&|p| p.2 * p.1));
        let (xx, xy) = (sum(&|p| p.2 * p.0 * p.0), sum(&|p| p.2 * p.0 * p.1));
        let slope = (w * xy - x * y) / (w * xx - x * x);
        let intercept = (y - slope * x) / w;
        let expected = sum(&|p| p.2 * (p.1 - intercept - slope * p.0).powi(2)) / 4.0;
        let got = line.mean_squared_residual().unwrap();
        assert!((got / expected - 1.0).abs() < 1e-12, "{got} {expected}");
    }

    #[test]
    fn sizes_without_enough_points_are_refused() {
        let scores: Vec<f64> = (0..20).map(|i| f64::from(i).exp()).collect();
        let sorted = SortedScores::new(&scores, TailSide::High).unwrap();
        let judged = curve(&sorted, &[0, 1, 11, 12, 19, 20, 30]);
        let which: Vec<bool> = judged.iter().map(Result::is_ok).collect();
        assert_eq!(which, [false, false, false, true, true, false, false]);
    }
}
