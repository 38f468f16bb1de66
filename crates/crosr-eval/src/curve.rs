//! What is read off a ROC curve, point by point: nothing is kept of a point, so that a curve of
//! any number of samples takes the memory of their scores.

use crate::order::{Groups, share_of_pairs};
use crate::ranking::Youden;

/// What a threshold lets through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Samples with at least this score are called positive; infinite for the first point.
    pub(crate) threshold: f64,
    /// Positive samples called positive.
    pub(crate) hits: u64,
    /// Negative samples called positive.
    pub(crate) alarms: u64,
}

impl Point {
    /// Where nothing is called positive.
    pub(crate) const FIRST: Self = Self {
        threshold: f64::INFINITY,
        hits: 0,
        alarms: 0,
    };
}

/// A ROC curve with samples on both sides.
pub(crate) trait Curve {
    /// Positive and negative samples there are.
    fn sides(&self) -> (u64, u64);

    /// A point per distinct score, the highest first, after [`Point::FIRST`].
    fn points(&self) -> impl Iterator<Item = Point>;

    /// See [`Ranking::auroc`](crate::Ranking::auroc).
    fn auroc(&self) -> f64 {
        let (mut doubled, mut last) = (0u128, Point::FIRST);
        for point in self.points() {
            doubled += u128::from(point.hits + last.hits) * u128::from(point.alarms - last.alarms);
            last = point;
        }
        let (positives, negatives) = self.sides();
        share_of_pairs(doubled, positives, negatives)
    }

    /// See [`Ranking::average_precision`](crate::Ranking::average_precision).
    fn average_precision(&self) -> f64 {
        // Millions of terms: what each addition loses is carried along (Neumaier, 1974).
        let (mut last, mut sum, mut lost) = (0, 0.0f64, 0.0);
        for Point { hits, alarms, .. } in self.points().skip(1) {
            let term = (hits - last) as f64 * (hits as f64 / (hits + alarms) as f64);
            let next = sum + term;
            lost += if sum >= term {
                (sum - next) + term
            } else {
                (term - next) + sum
            };
            (last, sum) = (hits, next);
        }
        (sum + lost) / self.sides().0 as f64
    }

    /// See [`Ranking::fpr_at_tpr`](crate::Ranking::fpr_at_tpr).
    fn fpr_at_tpr(&self, tpr: f64) -> f64 {
        let (positives, negatives) = self.sides();
        let enough = |point: &Point| point.hits as f64 / positives as f64 >= tpr;
        let alarms = self.points().find(enough).map_or(negatives, |p| p.alarms);
        alarms as f64 / negatives as f64
    }

    /// See [`Ranking::detection_error`](crate::Ranking::detection_error).
    fn detection_error(&self) -> f64 {
        let (positives, negatives) = self.sides();
        let doubled = |point: Point| {
            u128::from(positives - point.hits) * u128::from(negatives)
                + u128::from(point.alarms) * u128::from(positives)
        };
        // The first point, where everything is called negative, always gives ½.
        let least = self.points().map(doubled).min().unwrap_or(0);
        share_of_pairs(least, positives, negatives)
    }

    /// See [`Ranking::detection_error_at_95_tpr`](crate::Ranking::detection_error_at_95_tpr).
    fn detection_error_at_95_tpr(&self) -> f64 {
        0.5 * 0.05 + 0.5 * self.fpr_at_tpr(0.95)
    }

    /// See [`Ranking::youden`](crate::Ranking::youden).
    fn youden(&self) -> Youden {
        let (positives, negatives) = self.sides();
        let mut best = Youden {
            index: 0,
            j: 0.0,
            threshold: f64::INFINITY,
            f1: 0.0,
        };
        for (index, point) in self.points().enumerate() {
            let Point { hits, alarms, .. } = point;
            let j = hits as f64 / positives as f64 - alarms as f64 / negatives as f64;
            if j > best.j {
                best = Youden {
                    index,
                    j,
                    threshold: point.threshold,
                    f1: 2.0 * hits as f64 / (positives + hits + alarms) as f64,
                };
            }
        }
        best
    }
}

/// The curve of three groups of samples, some of them positive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupCurve<'a> {
    groups: Groups<'a>,
    positive: [bool; 3],
    /// Whether a low score means positive.
    upwards: bool,
}

impl<'a> GroupCurve<'a> {
    /// A high score means one of the `positive` groups. `None` where a side has no sample.
    pub(crate) fn new(groups: Groups<'a>, positive: [bool; 3]) -> Option<Self> {
        let curve = Self {
            groups,
            positive,
            upwards: false,
        };
        let (positives, negatives) = curve.sides();
        (positives > 0 && negatives > 0).then_some(curve)
    }

    /// The same samples by negated score and with the sides exchanged: how well a low score finds
    /// the negative side.
    pub(crate) fn mirrored(self) -> Self {
        Self {
            positive: self.positive.map(|positive| !positive),
            upwards: !self.upwards,
            ..self
        }
    }

    fn split(&self, counts: [u64; 3]) -> (u64, u64) {
        let mut sides = (0, 0);
        for (count, positive) in counts.into_iter().zip(self.positive) {
            let side = if positive { &mut sides.0 } else { &mut sides.1 };
            *side += count;
        }
        sides
    }
}

impl Curve for GroupCurve<'_> {
    fn sides(&self) -> (u64, u64) {
        self.split(self.groups.sizes())
    }

    fn points(&self) -> impl Iterator<Item = Point> {
        let steps = if self.upwards {
            self.groups.upwards()
        } else {
            self.groups.downwards()
        };
        let (mut hits, mut alarms) = (0, 0);
        let further = steps.map(move |(threshold, counts)| {
            let (more_hits, more_alarms) = self.split(counts);
            hits += more_hits;
            alarms += more_alarms;
            Point {
                threshold,
                hits,
                alarms,
            }
        });
        std::iter::once(Point::FIRST).chain(further)
    }
}
