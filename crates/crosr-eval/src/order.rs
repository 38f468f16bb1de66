//! Scores of three groups of samples, walked in order, equal ones together.

use rayon::prelude::*;

/// Sorts scores, among which the caller has made sure there is no NaN, from the highest down;
/// -0.0 becomes 0.0, as the two are one score.
pub(crate) fn sort_descending(scores: &mut [f64]) {
    scores.iter_mut().for_each(|score| *score += 0.0);
    scores.par_sort_unstable_by(|a, b| b.total_cmp(a));
}

/// Three groups of samples, each by falling score; a sample takes 8 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Groups<'a>(pub(crate) [&'a [f64]; 3]);

impl<'a> Groups<'a> {
    /// Each distinct score with the samples of each group that have it, the highest first.
    pub(crate) fn downwards(self) -> Steps<'a> {
        Steps {
            rest: self.0,
            upwards: false,
        }
    }

    /// The same by negated score, so that the lowest comes first.
    pub(crate) fn upwards(self) -> Steps<'a> {
        Steps {
            rest: self.0,
            upwards: true,
        }
    }

    /// Samples of each group.
    pub(crate) fn sizes(&self) -> [u64; 3] {
        self.0.map(|group| group.len() as u64)
    }
}

/// Iterator over distinct scores.
#[derive(Clone, Debug)]
pub(crate) struct Steps<'a> {
    rest: [&'a [f64]; 3],
    upwards: bool,
}

impl Iterator for Steps<'_> {
    type Item = (f64, [u64; 3]);

    fn next(&mut self) -> Option<Self::Item> {
        let upwards = self.upwards;
        let next = |group: &[f64]| {
            if upwards {
                group.last().map(|score| 0.0 - score)
            } else {
                group.first().copied()
            }
        };
        let score = self.rest.iter().filter_map(|group| next(group));
        let score = score.reduce(f64::max)?;
        let taken = self.rest.each_mut().map(|group| {
            let mut count = 0;
            while next(group) == Some(score) {
                *group = if upwards {
                    &group[..group.len() - 1]
                } else {
                    &group[1..]
                };
                count += 1;
            }
            count
        });
        Some((score, taken))
    }
}

/// Position of the first NaN.
pub(crate) fn first_nan(scores: &[f64]) -> Option<usize> {
    scores.iter().position(|score| score.is_nan())
}

/// `doubled / (2 · positives · negatives)`: whole numbers up to this one division, so that the
/// result does not depend on the order of the samples.
///
/// Counts fit in 64 bits, so no product or sum of products here can leave 128.
pub(crate) fn share_of_pairs(doubled: u128, positives: u64, negatives: u64) -> f64 {
    doubled as f64 / (2 * u128::from(positives) * u128::from(negatives)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_walked_together_both_ways() {
        let (mut a, mut b) = ([0.5, -0.0, 2.0, 0.5], [0.5, 3.0]);
        sort_descending(&mut a);
        sort_descending(&mut b);
        let groups = Groups([&a, &b, &[0.0]]);
        assert_eq!(groups.sizes(), [4, 2, 1]);
        let down: Vec<_> = groups.downwards().collect();
        let wanted = [
            (3.0, [0, 1, 0]),
            (2.0, [1, 0, 0]),
            (0.5, [2, 1, 0]),
            (0.0, [1, 0, 1]),
        ];
        assert_eq!(down, wanted);
        assert!(down[3].0.is_sign_positive());
        let mut up: Vec<_> = groups.upwards().collect();
        up.reverse();
        assert_eq!(up, wanted.map(|(score, counts)| (0.0 - score, counts)));
    }
}
