//! Floating-point helpers that keep relative accuracy.

use std::f64::consts::LN_2;

/// A sum with Neumaier's compensation: its error does not grow with the number of terms.
///
/// A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher
/// Summen", ZAMM 54 (1974).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, term: f64) {
        let total = self.total + term;
        self.lost += if self.total.abs() >= term.abs() {
            (self.total - total) + term
        } else {
            (term - total) + self.total
        };
        self.total = total;
    }

    pub(crate) fn value(self) -> f64 {
        // An infinite or NaN total makes the compensation NaN; the total itself is right.
        if self.total.is_finite() {
            self.total + self.lost
        } else {
            self.total
        }
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Sum::default();
        for term in terms {
            sum.add(term);
        }
        sum
    }
}

/// `ln(a / b)` for `a >= 0` and finite `b > 0`, to a few units in the last place.
///
/// Close to `a = b` the quotient would round away what matters, far from it the
/// quotient may leave the range of doubles; each has its own formula.
pub(crate) fn ln_ratio(a: f64, b: f64) -> f64 {
    let ratio = a / b;
    if (0.5..=2.0).contains(&ratio) {
        // a - b is exact here (Sterbenz).
        ((a - b) / b).ln_1p()
    } else if ratio.is_normal() || a == 0.0 || a.is_infinite() {
        ratio.ln()
    } else {
        ln_any(a) - ln_any(b)
    }
}

/// `ln(x)` for `x > 0`, subnormal numbers included.
fn ln_any(x: f64) -> f64 {
    if x < f64::MIN_POSITIVE {
        (x * 2f64.powi(60)).ln() - 60.0 * LN_2
    } else {
        x.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_keeps_what_plain_addition_loses() {
        let terms = [1.0, 1e100, 1.0, -1e100];
        assert_eq!(terms.iter().sum::<f64>(), 0.0);
        assert_eq!(terms.into_iter().collect::<Sum>().value(), 2.0);
    }

    #[test]
    fn sum_of_an_infinity_is_the_infinity() {
        let sum: Sum = [1.0, f64::NEG_INFINITY, 2.0].into_iter().collect();
        assert_eq!(sum.value(), f64::NEG_INFINITY);
    }

    #[test]
    fn ln_ratio_near_one_and_far_away() {
        let tiny = f64::EPSILON;
        assert_eq!(ln_ratio(1.0 + tiny, 1.0), tiny.ln_1p());
        assert_eq!(ln_ratio(0.0, 3.0), f64::NEG_INFINITY);
        assert_eq!(ln_ratio(f64::INFINITY, 3.0), f64::INFINITY);
        let cases = [
            (1e300, 1e-300, 600.0),
            (1e-300, 1e300, -600.0),
            (1e-320, 1.0, -320.0),
        ];
        for (a, b, decades) in cases {
            let expected = decades * std::f64::consts::LN_10;
            let got = ln_ratio(a, b);
            // 1e-320 is a subnormal number with three digits.
            let tolerance = if a == 1e-320 { 1e-6 } else { 1e-15 };
            assert!(
                (got / expected - 1.0).abs() < tolerance,
                "{a} / {b}: {got} {expected}"
            );
        }
    }
}
