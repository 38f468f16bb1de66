//! Exponential and logarithm as plain arithmetic, for loops that the compiler vectorises.
//!
//! Every function here is a fixed sequence of IEEE operations and selections, fused
//! multiply-add where it is written so and nowhere else, without calls into the platform's
//! mathematics library: the same bits on every machine, whatever its vector width.
//! [`vectorised`] compiles a loop for the widest instructions found at run time. A processor
//! without fused multiply-add computes it in software: the same numbers, slowly.

/// Elements that one inner loop handles: lists are padded to a multiple of it.
pub(crate) const BLOCK: usize = 16;

/// Runs a loop in the widest instructions of this machine.
#[inline(always)]
pub(crate) fn vectorised<R>(arch: pulp::Arch, work: impl FnOnce() -> R) -> R {
    arch.dispatch(work)
}

// ln 2 in two doubles.
const LN2_HIGH: f64 = std::f64::consts::LN_2;
const LN2_LOW: f64 = 2.319_046_813_846_299_6e-17;
/// Added and subtracted, it rounds to a whole number and leaves it in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
/// Below, `exp` is 0 here; the true value is under 3.4e-308.
const EXP_LOWEST: f64 = -708.0;
const EXP_HIGHEST: f64 = 709.0;

/// The polynomial `(e^r - 1 - r) / r^2` of degree 9 with the least largest relative error of
/// `e^r` over `|r| <= ln(2) / 2`, which is 1.1e-17; constant term first (Remez, 60 digits).
const EXP: [f64; 10] = [
    0.500_000_000_000_001_1,
    0.166_666_666_666_664_13,
    0.041_666_666_666_530_05,
    0.008_333_333_333_494_593,
    0.001_388_888_894_366_248_6,
    0.000_198_412_695_063_701_58,
    2.480_149_306_162_957_6e-5,
    2.755_758_648_843_305e-6,
    2.763_026_284_468_712_5e-7,
    2.500_004_853_838_091e-8,
];

/// `(2^k, p)` with `e^x = 2^k (1 + p)`, for `x` within the two bounds above.
#[inline(always)]
fn exp_parts(x: f64) -> (f64, f64) {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = k.mul_add(-LN2_LOW, k.mul_add(-LN2_HIGH, x));
    let (r2, c) = (r * r, &EXP);
    let r4 = r2 * r2;
    let low = c[3].mul_add(r, c[2]).mul_add(r2, c[1].mul_add(r, c[0]));
    let high = c[7].mul_add(r, c[6]).mul_add(r2, c[5].mul_add(r, c[4]));
    let polynomial = c[9].mul_add(r, c[8]).mul_add(r4, high).mul_add(r4, low);
    let p = r2.mul_add(polynomial, r);
    // The low bits of `shifted` are k; the exponent field takes k + 1023.
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    (power, p)
}

/// `e^x` for `x <= 0`, within 1 unit in the last place; 0 below -708. Not for a NaN.
#[inline(always)]
pub(crate) fn exp_nonpositive(x: f64) -> f64 {
    let (power, p) = exp_parts(if x < EXP_LOWEST { EXP_LOWEST } else { x });
    if x < EXP_LOWEST {
        0.0
    } else {
        power.mul_add(p, power)
    }
}

/// `e^x`, within 1 unit in the last place; 0 below -708, `e^709` above 709. Not for a NaN.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    exp_nonpositive(if x > EXP_HIGHEST { EXP_HIGHEST } else { x })
}

/// `1 - e^-z` for `z >= 0`, within 2 units in the last place. Not for a NaN.
#[inline(always)]
pub(crate) fn one_minus_exp_neg(z: f64) -> f64 {
    let z = if z < -EXP_LOWEST { z } else { -EXP_LOWEST };
    let (power, p) = exp_parts(-z);
    power.mul_add(-p, 1.0 - power)
}

/// `ln(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + R(s^2)))`, `s = f / (2 + f)`: the coefficients of
/// `R` in Sun's fdlibm 5.3, `e_log.c`, lowest first.
#[expect(
    clippy::excessive_precision,
    reason = "coefficients stand as they were published"
)]
const LN: [f64; 7] = [
    6.666_666_666_666_735_130e-01,
    3.999_999_999_940_941_908e-01,
    2.857_142_874_366_239_149e-01,
    2.222_219_843_214_978_396e-01,
    1.818_357_216_161_805_012e-01,
    1.531_383_769_920_937_332e-01,
    1.479_819_860_511_658_591e-01,
];

/// `ln(a / b)` for the quotient `ratio`, a positive normal number, and `offset = (a - b) / b`,
/// within 2 units in the last place. The offset is what keeps the digits near `a = b`, where
/// `a - b` is exact and the rounding of the quotient would be all that is left.
#[inline(always)]
pub(crate) fn ln_quotient(ratio: f64, offset: f64) -> f64 {
    const HALF_ROOT: u64 = 0x3fe6_a09e_0000_0000; // just below sqrt(1/2)
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    let bits = ratio.to_bits().wrapping_sub(HALF_ROOT).wrapping_add(ONE);
    let exponent = bits >> 52; // k + 1023
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(HALF_ROOT));
    // 2^52 plus a small whole number, written into the mantissa.
    let k = f64::from_bits(exponent | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    let f = if exponent == 1023 {
        offset
    } else {
        mantissa - 1.0
    };
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let odd = LN[6].mul_add(w, LN[4]).mul_add(w, LN[2]).mul_add(w, LN[0]);
    let even = LN[5].mul_add(w, LN[3]).mul_add(w, LN[1]);
    let series = odd.mul_add(z, even * w);
    let half = 0.5 * f * f;
    let small = s.mul_add(half + series, k * LN2_LOW) - half;
    k.mul_add(LN2_HIGH, f + small)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units in the last place of `expected`.
    fn ulps(got: f64, expected: f64) -> f64 {
        let next = f64::from_bits(expected.abs().to_bits() + 1);
        (got - expected).abs() / (next - expected.abs())
    }

    /// Points over `[low, high]`, evenly spaced but for a jitter without pattern.
    fn points(low: f64, high: f64) -> impl Iterator<Item = f64> {
        let n = 200_000;
        (0..n).map(move |i| low + (high - low) * (f64::from(i) * 0.618_033_988_749_895).fract())
    }

    // The standard library is within 1 unit itself, so 1 more is allowed than is claimed.
    #[test]
    fn exp_is_the_exponential() {
        let worst = [(-707.9, 708.9), (-2.0, 2.0), (-1e-3, 1e-3), (-40.0, 0.0)]
            .into_iter()
            .flat_map(|(low, high)| points(low, high))
            .map(|x| ulps(exp(x), x.exp()))
            .fold(0.0, f64::max);
        assert!(worst <= 1.0, "{worst} units in the last place");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e100), 0.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert!(exp(1e300).is_finite());
    }

    #[test]
    fn one_minus_exp_neg_keeps_small_numbers() {
        let worst = [(0.0, 40.0), (0.0, 1.0), (0.0, 1e-3), (0.0, 1e-12)]
            .into_iter()
            .flat_map(|(low, high)| points(low, high))
            .filter(|&z| z > 0.0)
            .map(|z| ulps(one_minus_exp_neg(z), -(-z).exp_m1()))
            .fold(0.0, f64::max);
        assert!(worst <= 2.0, "{worst} units in the last place");
        assert_eq!(one_minus_exp_neg(0.0), 0.0);
        assert_eq!(one_minus_exp_neg(1e-310), 1e-310);
        assert_eq!(one_minus_exp_neg(f64::INFINITY), 1.0);
    }

    #[test]
    fn ln_quotient_is_the_logarithm() {
        let of = |x: f64| ln_quotient(x, x - 1.0);
        let worst = points(-700.0, 700.0)
            .map(f64::exp)
            .chain(points(0.4, 2.5))
            .chain(points(0.999, 1.001))
            .map(|x| ulps(of(x), x.ln()))
            .fold(0.0, f64::max);
        assert!(worst <= 1.0, "{worst} units in the last place");
        assert_eq!(of(1.0), 0.0);
        // The quotient is 1 to the last bit, the offset is not.
        assert_eq!(ln_quotient(1.0, 1e-20), 1e-20);
    }
}
