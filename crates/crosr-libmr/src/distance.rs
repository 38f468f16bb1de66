//! How far a fitted distribution lies from the scores it was fitted to.

use crate::numeric::Sum;

/// Why values have no distance from the uniform distribution.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DistanceError {
    /// No values.
    #[error("no values of the distribution function given, at least 1 is needed")]
    Empty,
    /// A value that is no probability.
    #[error("value {value} at index {index} is no probability, expected 0 to 1")]
    NotAProbability {
        /// Position of the value.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A value below the one before it.
    #[error("value at index {index} is below the one before it; sort the values first")]
    NotSorted {
        /// Position of the value.
        index: usize,
    },
}

/// Kolmogorov-Smirnov distance of a sample from a distribution.
///
/// `D = max_i max(i / n - F_i, F_i - (i - 1) / n)`, `i = 1..n`, for the values
/// `F_1 <= ... <= F_n` of the distribution function at the sorted sample: the largest gap
/// between it and the empirical distribution function. Between `1 / (2 n)` and 1.
///
/// ```
/// use crosr_libmr::kolmogorov_smirnov;
///
/// assert_eq!(kolmogorov_smirnov(&[0.125, 0.5, 0.625]), Ok(0.375));
/// ```
///
/// # Errors
/// [`DistanceError`] for no values, for one outside `[0, 1]` and for values out of order.
pub fn kolmogorov_smirnov(sorted_cdf_values: &[f64]) -> Result<f64, DistanceError> {
    check(sorted_cdf_values)?;
    let n = sorted_cdf_values.len() as f64;
    Ok(sorted_cdf_values
        .iter()
        .enumerate()
        .map(|(i, f)| f64::max((i + 1) as f64 / n - f, f - i as f64 / n))
        .fold(0.0, f64::max))
}

/// Anderson-Darling statistic of a sample under a distribution.
///
/// `A^2 = -n - (1 / n) sum_i (2 i - 1) (ln F_i + ln(1 - F_(n+1-i)))`, `i = 1..n`, for the
/// values `F_1 <= ... <= F_n` of the distribution function at the sorted sample (Anderson and
/// Darling, "A Test of Goodness of Fit", Journal of the American Statistical Association 49,
/// 1954). It weighs the ends more than [`kolmogorov_smirnov`] does. Infinite, by definition,
/// when a value is 0 or 1: a score at the very end of the support.
///
/// ```
/// use crosr_libmr::anderson_darling;
///
/// # fn main() -> Result<(), crosr_libmr::DistanceError> {
/// assert!((anderson_darling(&[0.5])? - (4f64.ln() - 1.0)).abs() < 1e-15);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`DistanceError`] for no values, for one outside `[0, 1]` and for values out of order.
pub fn anderson_darling(sorted_cdf_values: &[f64]) -> Result<f64, DistanceError> {
    check(sorted_cdf_values)?;
    let n = sorted_cdf_values.len() as f64;
    let sum: Sum = sorted_cdf_values
        .iter()
        .zip(sorted_cdf_values.iter().rev())
        .enumerate()
        .map(|(i, (low, high))| (2 * i + 1) as f64 * (low.ln() + (-high).ln_1p()))
        .collect();
    Ok(-n - sum.value() / n)
}

fn check(values: &[f64]) -> Result<(), DistanceError> {
    if values.is_empty() {
        return Err(DistanceError::Empty);
    }
    let mut before = 0.0;
    for (index, &value) in values.iter().enumerate() {
        if !(0.0..=1.0).contains(&value) {
            return Err(DistanceError::NotAProbability { index, value });
        }
        if value < before {
            return Err(DistanceError::NotSorted { index });
        }
        before = value;
    }
    Ok(())
}
