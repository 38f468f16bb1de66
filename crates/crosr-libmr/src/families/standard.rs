//! The standardised variable of the distributions with an extreme-value shape.
//!
//! With the offset `y` from threshold or location, `v = ln(1 + shape y / scale) / shape`
//! (`y / scale` for shape 0) is exponentially distributed for a generalised Pareto `y` and
//! Gumbel distributed for a generalised extreme-value `y`.

use std::cmp::Ordering;

/// Where an offset lies in the support.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// Below the lower end, which a shape above 0 has.
    Below,
    /// Inside, with this `v`; infinite only where `y` is or where `v` leaves the doubles.
    Inside(f64),
    /// Exactly at the upper end, which a shape below 0 has.
    UpperEnd,
    /// Beyond the upper end.
    Above,
}

/// Finds the place of the offset `y` for a finite `shape` and a finite `scale > 0`.
///
/// A NaN gives `Inside(NaN)`. Small `shape y / scale` keep all digits; where the product
/// overflows, logarithms are added instead.
pub(crate) fn place(shape: f64, y: f64, scale: f64) -> Place {
    let z = y / scale;
    let product = shape * z;
    if shape == 0.0 || product == 0.0 {
        return Place::Inside(z);
    }
    if product.is_infinite() {
        return match (product > 0.0, shape > 0.0) {
            (true, _) => Place::Inside((shape.abs().ln() + y.abs().ln() - scale.ln()) / shape),
            (false, true) => Place::Below,
            (false, false) => Place::Above,
        };
    }
    match product.partial_cmp(&-1.0) {
        Some(Ordering::Less) if shape > 0.0 => Place::Below,
        Some(Ordering::Equal) if shape > 0.0 => Place::Below,
        Some(Ordering::Less) => Place::Above,
        Some(Ordering::Equal) => Place::UpperEnd,
        _ if product.abs() < 0.5 => Place::Inside(z * (product.ln_1p() / product)),
        _ => Place::Inside(product.ln_1p() / shape),
    }
}

/// `y / scale = (exp(shape v) - 1) / shape`, `v` for shape 0: the inverse of [`place`].
pub(crate) fn offset(shape: f64, v: f64) -> f64 {
    let product = shape * v;
    if shape == 0.0 || product == 0.0 {
        v
    } else if product.abs() < 0.5 {
        v * (product.exp_m1() / product)
    } else {
        product.exp_m1() / shape
    }
}

/// The logarithm of the density at [`Place::UpperEnd`], where it is
/// `lim (1 + shape y / scale)^(-1 / shape - 1) / scale`.
pub(crate) fn log_pdf_at_upper_end(shape: f64, scale: f64) -> f64 {
    match shape.partial_cmp(&-1.0) {
        Some(Ordering::Less) => f64::INFINITY,
        Some(Ordering::Equal) => -scale.ln(),
        _ => f64::NEG_INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offset_undoes_place() {
        for shape in [-2.0, -0.5, -1e-3, -1e-12, 0.0, 1e-300, 1e-9, 0.3, 4.0] {
            for v in [1e-300, 1e-9, 0.1, 1.0, 5.0] {
                let y = 3.0 * offset(shape, v);
                let Place::Inside(back) = place(shape, y, 3.0) else {
                    panic!("{shape} {v} outside");
                };
                let conditioning = (shape * v).abs().exp();
                assert!(
                    (back / v - 1.0).abs() < 1e-15 * (4.0 + 2.0 * conditioning),
                    "shape {shape}: {back} for {v}"
                );
            }
        }
    }

    #[test]
    fn the_ends_of_the_support() {
        assert_eq!(place(-1.0, 2.0, 2.0), Place::UpperEnd);
        assert_eq!(place(-1.0, 2.1, 2.0), Place::Above);
        assert_eq!(place(0.5, -4.0, 2.0), Place::Below);
        assert_eq!(place(0.5, f64::NEG_INFINITY, 2.0), Place::Below);
        assert_eq!(place(-0.5, f64::INFINITY, 2.0), Place::Above);
        let far = [
            (0.5, f64::INFINITY),
            (0.0, f64::INFINITY),
            (-0.5, f64::NEG_INFINITY),
        ];
        for (shape, y) in far {
            assert_eq!(place(shape, y, 2.0), Place::Inside(y), "{shape}");
        }
    }

    #[test]
    fn a_product_beyond_the_doubles_is_still_a_number() {
        // ln(1e10 1e300 / 1e-5) / 1e10.
        let Place::Inside(v) = place(1e10, 1e300, 1e-5) else {
            panic!("outside");
        };
        assert!((v / (315.0 * std::f64::consts::LN_10 * 1e-10) - 1.0).abs() < 1e-14);
    }
}
