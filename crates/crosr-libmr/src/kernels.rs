//! Exponential and logarithm as plain arithmetic, for loops that the compiler vectorises.
//!
//! Every function here is a fixed sequence of IEEE additions, multiplications, divisions and
//! selections, without fused multiply-add and without calls into the platform's mathematics
//! library: the same bits on every machine, whatever its vector width. [`vectorised`] compiles
//! a loop for the widest instructions found at run time.
//!
//! Reductions and minimax coefficients are those of W. J. Cody and W. Waite, "Software Manual
//! for the Elementary Functions" (1980), as set in Sun's fdlibm 5.3 (`e_exp.c`, `e_log.c`).
#![expect(
    clippy::excessive_precision,
    reason = "coefficients stand as they were published"
)]

/// Elements that one inner loop handles: lists are padded to a multiple of it.
pub(crate) const BLOCK: usize = 16;

/// Runs a loop in the widest instructions of this machine.
#[inline(always)]
pub(crate) fn vectorised<R>(arch: pulp::Arch, work: impl FnOnce() -> R) -> R {
    arch.dispatch(work)
}

const LN2_HIGH: f64 = 6.931_471_803_691_238_164_90e-01; // 33 bits: multiples are exact
const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;
/// Added and subtracted, it rounds to a whole number and leaves it in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
/// Below, `exp` is 0 here; the true value is under 3.4e-308.
const EXP_LOWEST: f64 = -708.0;
const EXP_HIGHEST: f64 = 709.0;

/// `(2^k, p)` with `e^x = 2^k (1 + p)`, for `x` within the two bounds above.
#[inline(always)]
fn exp_parts(x: f64) -> (f64, f64) {
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let high = x - k * LN2_HIGH;
    let low = k * LN2_LOW;
    let r = high - low;
    let t = r * r;
    let c = r - t
        * (1.666_666_666_666_660_190_37e-01
            + t * (-2.777_777_777_701_559_338_42e-03
                + t * (6.613_756_321_437_934_361_17e-05
                    + t * (-1.653_390_220_546_525_153_90e-06
                        + t * 4.138_136_797_057_238_460_39e-08))));
    let p = high - (low - (r * c) / (2.0 - c));
    // The low bits of `shifted` are k; the exponent field takes k + 1023.
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    (power, p)
}

/// `e^x`, within 1 unit in the last place; 0 below -708, `e^709` above 709. Not for a NaN.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let inside = if x < EXP_LOWEST { EXP_LOWEST } else { x };
    let inside = if inside > EXP_HIGHEST {
        EXP_HIGHEST
    } else {
        inside
    };
    let (power, p) = exp_parts(inside);
    let value = power + power * p;
    if x < EXP_LOWEST { 0.0 } else { value }
}

/// `1 - e^-z` for `z >= 0`, within 2 units in the last place. Not for a NaN.
#[inline(always)]
pub(crate) fn one_minus_exp_neg(z: f64) -> f64 {
    let z = if z < -EXP_LOWEST { z } else { -EXP_LOWEST };
    let (power, p) = exp_parts(-z);
    (1.0 - power) - power * p
}

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
    let even = w
        * (3.999_999_999_940_941_908e-01
            + w * (2.222_219_843_214_978_396e-01 + w * 1.531_383_769_920_937_332e-01));
    let odd = z
        * (6.666_666_666_666_735_130e-01
            + w * (2.857_142_874_366_239_149e-01
                + w * (1.818_357_216_161_805_012e-01 + w * 1.479_819_860_511_658_591e-01)));
    let half = 0.5 * f * f;
    k * LN2_HIGH - ((half - (s * (half + (even + odd)) + k * LN2_LOW)) - f)
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
