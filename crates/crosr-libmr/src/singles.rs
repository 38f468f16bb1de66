//! The kernels of `kernels.rs` in single precision, for w-scores of `f32`.

// ln 2 in two singles.
const LN2_HIGH: f32 = std::f32::consts::LN_2;
const LN2_LOW: f32 = -1.904_654_3e-9;
/// Added and subtracted, it rounds to a whole number and leaves it in the low bits.
const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
/// Below, `exp` is 0 here; the true value is under 1.7e-38.
const EXP_LOWEST: f32 = -87.0;
const EXP_HIGHEST: f32 = 88.0;

/// The polynomial `(e^r - 1 - r) / r^2` of degree 4 with the least largest relative error of
/// `e^r` over `|r| <= ln(2) / 2`, which is 3.7e-9; constant term first (Remez, 60 digits).
const EXP: [f32; 5] = [
    0.499_999_94,
    0.166_665_21,
    0.041_668_39,
    0.008_368_724,
    0.001_381_458_4,
];

/// `(2^k, p)` with `e^x = 2^k (1 + p)`, for `x` within the two bounds above.
#[inline(always)]
fn exp_parts(x: f32) -> (f32, f32) {
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = k.mul_add(-LN2_LOW, k.mul_add(-LN2_HIGH, x));
    let polynomial = EXP[4]
        .mul_add(r, EXP[3])
        .mul_add(r, EXP[2])
        .mul_add(r, EXP[1])
        .mul_add(r, EXP[0]);
    let p = (r * r).mul_add(polynomial, r);
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    (power, p)
}

/// `e^x`, within 2 units in the last place; 0 below -87, `e^88` above 88. Not for a NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let inside = if x < EXP_LOWEST { EXP_LOWEST } else { x };
    let inside = if inside > EXP_HIGHEST {
        EXP_HIGHEST
    } else {
        inside
    };
    let (power, p) = exp_parts(inside);
    if x < EXP_LOWEST {
        0.0
    } else {
        power.mul_add(p, power)
    }
}

/// `1 - e^-z` for `z >= 0`, within 2 units in the last place. Not for a NaN.
#[inline(always)]
pub(crate) fn one_minus_exp_neg(z: f32) -> f32 {
    let z = if z < -EXP_LOWEST { z } else { -EXP_LOWEST };
    let (power, p) = exp_parts(-z);
    power.mul_add(-p, 1.0 - power)
}

/// `ln(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + R(s^2)))`, `s = f / (2 + f)`: the coefficients of
/// `R` in FreeBSD's `e_logf.c`, lowest first.
const LN: [f32; 4] = [0.666_666_6, 0.400_009_72, 0.284_987_87, 0.242_790_79];

/// `ln(a / b)` for the quotient `ratio`, a positive normal number, and `offset = (a - b) / b`,
/// within 2 units in the last place.
#[inline(always)]
pub(crate) fn ln_quotient(ratio: f32, offset: f32) -> f32 {
    const HALF_ROOT: u32 = 0x3f35_04f3; // sqrt(1/2)
    const ONE: u32 = 0x3f80_0000;
    let bits = ratio.to_bits().wrapping_sub(HALF_ROOT).wrapping_add(ONE);
    let exponent = bits >> 23; // k + 127
    let mantissa = f32::from_bits((bits & 0x007f_ffff).wrapping_add(HALF_ROOT));
    // 2^23 plus a small whole number, written into the mantissa.
    let k = f32::from_bits(exponent | 0x4b00_0000) - (8_388_608.0 + 127.0);
    let f = if exponent == 127 {
        offset
    } else {
        mantissa - 1.0
    };
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let series = LN[2]
        .mul_add(w, LN[0])
        .mul_add(z, LN[3].mul_add(w, LN[1]) * w);
    let half = 0.5 * f * f;
    let small = s.mul_add(half + series, k * LN2_LOW) - half;
    k.mul_add(LN2_HIGH, f + small)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest distance in units in the last place over points without pattern.
    fn worst(low: f64, high: f64, f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> f64 {
        (0..200_000)
            .map(|i| low + (high - low) * (f64::from(i) * 0.618_033_988_749_895).fract())
            .map(|x| {
                let expected = exact(f64::from(x as f32));
                let unit =
                    f32::from_bits((expected.abs() as f32).to_bits() + 1) - expected.abs() as f32;
                (f64::from(f(x as f32)) - expected).abs() / f64::from(unit)
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn within_two_units_in_the_last_place() {
        for (low, high) in [(-86.9, 87.9), (-2.0, 2.0), (-1e-3, 1e-3)] {
            let worst = worst(low, high, exp, f64::exp);
            assert!(worst <= 2.0, "exp: {worst}");
        }
        for (low, high) in [(1e-30, 40.0), (1e-30, 1.0), (1e-30, 1e-6)] {
            let worst = worst(low, high, one_minus_exp_neg, |z| -(-z).exp_m1());
            assert!(worst <= 2.0, "1 - exp: {worst}");
        }
        for (low, high) in [(1e-30, 1e30), (0.3, 3.0), (0.999, 1.001)] {
            let worst = worst(low, high, |x| ln_quotient(x, x - 1.0), f64::ln);
            assert!(worst <= 2.0, "ln: {worst}");
        }
        assert_eq!(exp(-1e30), 0.0);
        assert_eq!(one_minus_exp_neg(1e30), 1.0);
        assert_eq!(one_minus_exp_neg(0.0), 0.0);
    }
}
