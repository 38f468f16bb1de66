//! Distances in directions of equal spread.

use nalgebra::{Cholesky, DMatrix};
use rayon::prelude::*;

use crate::error::OpenMaxError;
use crate::mav::MeanActivationVectors;

/// Rows whose products are summed by one thread; fixes the order of additions.
const CHUNK: usize = 512;

/// A linear map under which known samples spread equally in all directions about the mean of their
/// class, and the cosine distance from that mean there.
///
/// The covariance is one for all classes, shrunk towards a multiple of the identity as Ledoit and
/// Wolf ("A well-conditioned estimator for large-dimensional covariance matrices", Journal of
/// Multivariate Analysis 88, 2004, theorem 3.2 and equation 14) have it, so that directions without
/// spread do no harm. Angles are measured about the mean of all class means; that is the
/// Mahalanobis cosine of face recognition (Beveridge, Bolme, Draper and Teixeira, "The CSU face
/// identification evaluation system", Machine Vision and Applications 16, 2005, Section 3.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Whitening {
    dim: usize,
    /// `[D, D]` row-major, lower triangular: the inverse Cholesky factor of the covariance.
    factor: Vec<f64>,
    /// `[D]`: the mean of the class means.
    origin: Vec<f64>,
    /// `[K, D]`: the class means, whitened, of length 1; zeros for one at the origin.
    means: Vec<f64>,
}

impl Whitening {
    /// From known samples `[N, D]` and the class that each is predicted as.
    pub(super) fn fit(mavs: &MeanActivationVectors, rows: &[f32], classes: &[usize]) -> Self {
        let dim = mavs.dim();
        let covariance = shrunk(mavs, rows, classes);
        let identity = || DMatrix::identity(dim, dim);
        // Shrinking leaves no direction without spread unless there is none at all.
        let factor = Cholesky::new(covariance)
            .and_then(|cholesky| cholesky.l().solve_lower_triangular(&identity()))
            .unwrap_or_else(identity);
        // Columns of the transpose are rows.
        Self::new(mavs, factor.transpose().as_slice().to_vec())
    }

    /// Puts a whitening together from its `factor`, `[D, D]` row-major, and the class means.
    ///
    /// # Errors
    /// [`OpenMaxError::RaggedRows`] for another size, [`OpenMaxError::NonFinite`].
    pub fn from_factor(
        mavs: &MeanActivationVectors,
        factor: Vec<f64>,
    ) -> Result<Self, OpenMaxError> {
        let dim = mavs.dim();
        if factor.len() != dim * dim {
            return Err(OpenMaxError::RaggedRows {
                len: factor.len(),
                dim,
            });
        }
        if let Some(at) = factor.iter().position(|x| !x.is_finite()) {
            return Err(OpenMaxError::NonFinite {
                row: at / dim,
                column: at % dim,
            });
        }
        Ok(Self::new(mavs, factor))
    }

    fn new(mavs: &MeanActivationVectors, factor: Vec<f64>) -> Self {
        let (dim, n_classes) = (mavs.dim(), mavs.n_classes());
        let mut origin = vec![0.0; dim];
        for class in 0..n_classes {
            let mean = mavs.row(class).iter();
            origin.iter_mut().zip(mean).for_each(|(sum, x)| *sum += x);
        }
        origin.iter_mut().for_each(|sum| *sum /= n_classes as f64);
        let mut whitening = Self {
            dim,
            factor,
            origin,
            means: Vec::with_capacity(n_classes * dim),
        };
        for class in 0..n_classes {
            let mut mean = whitening.whitened(mavs.row(class).iter().copied());
            let norm = length(&mean);
            if norm > 0.0 {
                mean.iter_mut().for_each(|x| *x /= norm);
            }
            whitening.means.extend(mean);
        }
        whitening
    }

    /// The factor, `[D, D]` row-major.
    #[must_use]
    pub fn factor(&self) -> &[f64] {
        &self.factor
    }

    /// One minus the cosine of the angle between a vector and the mean of a class, 0 to 2; 1 for a
    /// vector or mean without direction.
    pub(super) fn distance(&self, row: &[f32], class: usize) -> f64 {
        let whitened = self.whitened(row.iter().map(|&x| f64::from(x)));
        let norm = length(&whitened);
        if norm > 0.0 {
            1.0 - dot(&whitened, &self.means[class * self.dim..][..self.dim]) / norm
        } else {
            1.0
        }
    }

    fn whitened(&self, row: impl Iterator<Item = f64>) -> Vec<f64> {
        let centred: Vec<f64> = row
            .zip(&self.origin)
            .map(|(x, origin)| x - origin)
            .collect();
        let rows = self.factor.chunks_exact(self.dim).enumerate();
        // Lower triangular: the rest of each row is zero.
        rows.map(|(i, row)| dot(&row[..=i], &centred[..=i]))
            .collect()
    }
}

/// The covariance of samples about their class means, shrunk (Ledoit and Wolf, 2004).
fn shrunk(mavs: &MeanActivationVectors, rows: &[f32], classes: &[usize]) -> DMatrix<f64> {
    let dim = mavs.dim();
    let residual = |row: &[f32], class: usize| -> Vec<f64> {
        let mean = mavs.row(class).iter();
        row.iter()
            .zip(mean)
            .map(|(&x, mean)| f64::from(x) - mean)
            .collect()
    };
    // Sums of products and of fourth powers of lengths, chunk by chunk in order.
    let parts: Vec<(Vec<f64>, f64)> = rows
        .par_chunks(CHUNK * dim)
        .zip(classes.par_chunks(CHUNK))
        .map(|(rows, classes)| {
            let (mut products, mut fourth) = (vec![0.0; dim * dim], 0.0);
            for (row, &class) in rows.chunks_exact(dim).zip(classes) {
                let residual = residual(row, class);
                for (i, &x) in residual.iter().enumerate() {
                    let sums = products[i * dim..][..=i].iter_mut();
                    sums.zip(&residual).for_each(|(sum, y)| *sum += x * y);
                }
                fourth += dot(&residual, &residual).powi(2);
            }
            (products, fourth)
        })
        .collect();
    let n = classes.len() as f64;
    let (mut sums, mut fourth) = (vec![0.0; dim * dim], 0.0);
    for (products, part) in parts {
        sums.iter_mut()
            .zip(&products)
            .for_each(|(sum, x)| *sum += x);
        fourth += part;
    }
    let sample = DMatrix::from_fn(dim, dim, |i, j| sums[i.max(j) * dim + i.min(j)] / n);
    let size = dim as f64;
    let scale = sample.trace() / size;
    // In the paper's terms m = scale, d^2, and b^2 at most d^2, all divided by D.
    let squared = sample.norm_squared();
    let spread = squared / size - scale * scale;
    let noise = ((fourth / n - squared) / n / size).clamp(0.0, spread.max(0.0));
    let shrinkage = if spread > 0.0 { noise / spread } else { 1.0 };
    sample * (1.0 - shrinkage) + DMatrix::identity(dim, dim) * (shrinkage * scale)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(row: &[f64]) -> f64 {
    dot(row, row).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mavs() -> MeanActivationVectors {
        let means = [4.0, 0.0, 1.0, 0.0, 4.0, 1.0];
        MeanActivationVectors::from_rows(3, &means, &[1, 1]).expect("two means")
    }

    /// Four samples about each mean, at these steps along each axis, up and down.
    fn samples(steps: [f32; 3]) -> (Vec<f32>, Vec<usize>) {
        let mavs = mavs();
        let (mut rows, mut classes) = (Vec::new(), Vec::new());
        for class in 0..2 {
            for axis in 0..3 {
                for sign in [-1.0, 1.0] {
                    let mut row: Vec<f32> = mavs.row(class).iter().map(|&x| x as f32).collect();
                    row[axis] += sign * steps[axis];
                    rows.extend(row);
                    classes.push(class);
                }
            }
        }
        (rows, classes)
    }

    #[test]
    fn the_covariance_is_shrunk_as_scikit_learn_shrinks_it() {
        // sklearn.covariance.ledoit_wolf on these residuals, assume_centered=True.
        let (rows, classes) = samples([3.0, 1.0, 0.5]);
        let found = shrunk(&mavs(), &rows, &classes);
        let expected = [2.4588930715480757, 0.5675437949020766, 0.3902298002165142];
        for i in 0..3 {
            for j in 0..3 {
                let wanted = if i == j { expected[i] } else { 0.0 };
                assert!((found[(i, j)] - wanted).abs() < 1e-12, "{i} {j} {found}");
            }
        }
    }

    #[test]
    fn spread_along_an_axis_makes_it_count_less() {
        let (rows, classes) = samples([0.3, 0.3, 3.0]);
        let whitening = Whitening::fit(&mavs(), &rows, &classes);
        // As far from the mean of class 0: where known samples spread, and where they do not.
        let usual = whitening.distance(&[4.0, 0.0, 2.0], 0);
        let unusual = whitening.distance(&[4.0, 1.0, 1.0], 0);
        assert!(whitening.distance(&[4.0, 0.0, 1.0], 0).abs() < 1e-12);
        assert!(usual < unusual / 3.0, "{usual} {unusual}");
        // Twice as far from the origin is the same direction.
        assert!(whitening.distance(&[6.0, -2.0, 1.0], 0).abs() < 1e-12);
        assert!(
            (whitening.distance(&[2.0, 2.0, 1.0], 0) - 1.0).abs() < 1e-12,
            "no direction"
        );
    }

    #[test]
    fn samples_without_spread_leave_the_axes_as_they_are() {
        let (rows, classes) = samples([0.0; 3]);
        let whitening = Whitening::fit(&mavs(), &rows, &classes);
        assert_eq!(
            whitening.factor(),
            DMatrix::<f64>::identity(3, 3).as_slice()
        );
    }

    #[test]
    fn a_whitening_rebuilt_from_its_factor_is_the_same() {
        let (rows, classes) = samples([0.7, 0.2, 1.1]);
        let whitening = Whitening::fit(&mavs(), &rows, &classes);
        let again = Whitening::from_factor(&mavs(), whitening.factor().to_vec());
        assert_eq!(again.expect("its own"), whitening);
        assert!(matches!(
            Whitening::from_factor(&mavs(), vec![0.0; 8]),
            Err(OpenMaxError::RaggedRows { len: 8, dim: 3 })
        ));
        let mut broken = whitening.factor().to_vec();
        broken[4] = f64::NAN;
        assert!(matches!(
            Whitening::from_factor(&mavs(), broken),
            Err(OpenMaxError::NonFinite { row: 1, column: 1 })
        ));
    }
}
