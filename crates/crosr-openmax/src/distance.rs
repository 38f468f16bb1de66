//! Distances between an activation vector and a class mean.

use std::{fmt, str::FromStr};

use crate::error::ParamError;

/// How far an activation vector is from a mean activation vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Distance {
    /// `|a - b|`, the choice of CROSR (Yoshihashi et al., CVPR 2019).
    #[default]
    Euclidean,
    /// `1 - a·b / (|a| |b|)`, within 0 to 2; 1 when either vector is zero.
    Cosine,
    /// `euclidean / 200 + cosine`, the choice of OpenMax (Bendale and Boult,
    /// CVPR 2016, their released code).
    Eucos,
}

impl Distance {
    /// The distance between two vectors of the same length.
    ///
    /// Sums run in double precision over eight interleaved lanes in a fixed
    /// order, so a pair of vectors gives the same bits on every machine.
    /// Components beyond 1e150 overflow; single-precision input never does.
    ///
    /// # Panics
    /// If the lengths differ.
    ///
    /// ```
    /// use crosr_openmax::Distance;
    /// assert_eq!(Distance::Euclidean.between(&[0.0, 3.0], &[4.0, 0.0]), 5.0);
    /// assert_eq!(Distance::Cosine.between(&[0.0, 3.0], &[4.0, 0.0]), 1.0);
    /// assert_eq!(Distance::Eucos.between(&[0.0, 3.0], &[4.0, 0.0]), 1.025);
    /// ```
    #[must_use]
    pub fn between(self, a: &[f64], b: &[f64]) -> f64 {
        assert_eq!(a.len(), b.len(), "vectors of different lengths");
        let (norm_a, norm_b) = if self.needs_norms() {
            (norm(a), norm(b))
        } else {
            (0.0, 0.0)
        };
        self.with_norms(a, norm_a, b, norm_b)
    }

    /// Whether [`Distance::with_norms`] looks at the norms.
    pub(crate) fn needs_norms(self) -> bool {
        self != Distance::Euclidean
    }

    /// The distance, given both Euclidean norms, for callers that compare one
    /// vector with many.
    pub(crate) fn with_norms(self, a: &[f64], norm_a: f64, b: &[f64], norm_b: f64) -> f64 {
        match self {
            Distance::Euclidean => euclidean(a, b),
            Distance::Cosine => cosine(a, norm_a, b, norm_b),
            Distance::Eucos => euclidean(a, b) / 200.0 + cosine(a, norm_a, b, norm_b),
        }
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Distance::Euclidean => "euclidean",
            Distance::Cosine => "cosine",
            Distance::Eucos => "eucos",
        })
    }
}

impl FromStr for Distance {
    type Err = ParamError;

    fn from_str(name: &str) -> Result<Self, ParamError> {
        match name {
            "euclidean" => Ok(Distance::Euclidean),
            "cosine" => Ok(Distance::Cosine),
            "eucos" => Ok(Distance::Eucos),
            _ => Err(ParamError::DistanceName {
                name: name.to_owned(),
            }),
        }
    }
}

/// Number of partial sums: enough to fill two vector registers, and the order
/// of the additions does not depend on which registers there are.
const LANES: usize = 8;

/// `Σ term(a_i, b_i)`: element `i` goes to lane `i mod 8`, the lanes are added
/// pairwise at the end.
#[inline(always)]
fn sum_pairs(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (blocks_a, rest_a) = a.as_chunks::<LANES>();
    let (blocks_b, rest_b) = b.as_chunks::<LANES>();
    for (x, y) in blocks_a.iter().zip(blocks_b) {
        for lane in 0..LANES {
            lanes[lane] += term(x[lane], y[lane]);
        }
    }
    for (lane, (&x, &y)) in lanes.iter_mut().zip(rest_a.iter().zip(rest_b)) {
        *lane += term(x, y);
    }
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6]))
        + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}

/// `|a - b|`.
fn euclidean(a: &[f64], b: &[f64]) -> f64 {
    sum_pairs(a, b, |x, y| (x - y) * (x - y)).sqrt()
}

/// `|a|`.
pub(crate) fn norm(a: &[f64]) -> f64 {
    sum_pairs(a, a, |x, y| x * y).sqrt()
}

/// `1 - a·b / (|a| |b|)`, where rounding must not make it negative.
fn cosine(a: &[f64], norm_a: f64, b: &[f64], norm_b: f64) -> f64 {
    let norms = norm_a * norm_b;
    if norms == 0.0 {
        return 1.0; // a zero vector points nowhere: no similarity
    }
    (1.0 - sum_pairs(a, b, |x, y| x * y) / norms).clamp(0.0, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every remainder modulo the lanes agrees with the plain sum.
    #[test]
    fn lanes_cover_every_element() {
        for len in 0..40usize {
            let a: Vec<f64> = (0..len).map(|i| (i as f64).sin() * 3.0).collect();
            let b: Vec<f64> = (0..len).map(|i| (i as f64 * 0.7).cos() - 0.25).collect();
            let squares: f64 = a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum();
            let found = Distance::Euclidean.between(&a, &b);
            assert!((found - squares.sqrt()).abs() <= 1e-13, "length {len}");
        }
    }

    #[test]
    fn cosine_has_a_value_for_zero_vectors_and_never_leaves_its_range() {
        let zero = [0.0; 3];
        let tenth = [0.1, 0.2, 0.3];
        assert_eq!(Distance::Cosine.between(&zero, &tenth), 1.0);
        assert_eq!(Distance::Cosine.between(&zero, &zero), 1.0);
        for k in 1..200 {
            let scaled = tenth.map(|x| x * f64::from(k) / 7.0);
            let near = Distance::Cosine.between(&tenth, &scaled);
            assert!((0.0..1e-15).contains(&near), "{near}");
            let far = Distance::Cosine.between(&tenth, &scaled.map(|x| -x));
            assert!(far <= 2.0 && far > 2.0 - 1e-15, "{far}");
        }
    }

    #[test]
    fn names_go_both_ways() {
        for distance in [Distance::Euclidean, Distance::Cosine, Distance::Eucos] {
            assert_eq!(distance.to_string().parse(), Ok(distance));
        }
        assert_eq!(
            "manhattan".parse::<Distance>(),
            Err(ParamError::DistanceName {
                name: "manhattan".to_owned()
            })
        );
    }
}
