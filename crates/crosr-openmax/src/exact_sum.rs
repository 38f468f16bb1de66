//! An exact sum of single-precision numbers.
//!
//! Floating-point addition depends on the order, so means that are to merge
//! to the same bits from any shards need a sum without rounding. All finite
//! `f32` are whole multiples of 2^-149 below 2^277 of them; their sum is kept
//! as a wide whole number and rounded once, when it is read.

/// Bits between neighbouring limbs.
const LIMB_BITS: u32 = 32;
/// Ten limbs reach from 2^-149 past 2^128 times 2^64 additions.
const LIMBS: usize = 10;
/// Exponent of the unit that the limbs count, that of the smallest subnormal.
const UNIT_EXPONENT: i32 = -149;
const LOW: i64 = (1 << LIMB_BITS) - 1;

/// Additions after which the limbs must be carried: an addition moves a limb
/// by less than 2^32, a carried limb is below 2^32, and an `i64` holds 2^63.
pub(crate) const MAX_PENDING: u32 = (1 << 31) - 2;

/// `Σ limbs[i] * 2^(32 i - 149)`.
///
/// The caller counts additions and calls [`ExactSum::carry`] before
/// [`MAX_PENDING`] is passed: a whole row of sums shares one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExactSum {
    limbs: [i64; LIMBS],
}

impl ExactSum {
    pub(crate) const ZERO: Self = Self { limbs: [0; LIMBS] };

    /// Adds a finite number, without rounding.
    #[inline]
    pub(crate) fn add(&mut self, x: f32) {
        debug_assert!(x.is_finite());
        let bits = x.to_bits();
        let exponent = (bits >> 23) & 0xff;
        // Subnormals share the unit of exponent 1 and lack the hidden bit.
        let mantissa = (bits & 0x7f_ffff) | (u32::from(exponent != 0) << 23);
        let shift = exponent.max(1) - 1;
        let wide = (u64::from(mantissa) << (shift % LIMB_BITS)).cast_signed();
        let limb = (shift / LIMB_BITS) as usize; // at most 7
        let sign = -i64::from(bits >> 31); // 0 or -1: (v ^ sign) - sign negates
        self.limbs[limb] += ((wide & LOW) ^ sign) - sign;
        self.limbs[limb + 1] += ((wide >> LIMB_BITS) ^ sign) - sign;
    }

    /// Brings every limb but the last, which keeps the sign, into 0..2^32:
    /// the one such form of the sum.
    pub(crate) fn carry(&mut self) {
        let mut carry = 0;
        for limb in &mut self.limbs[..LIMBS - 1] {
            let sum = *limb + carry;
            *limb = sum & LOW;
            carry = sum >> LIMB_BITS;
        }
        self.limbs[LIMBS - 1] += carry;
    }

    /// Adds another sum; both must be carried, and the result is.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (limb, &more) in self.limbs.iter_mut().zip(&other.limbs) {
            *limb += more;
        }
        self.carry();
    }

    /// The sum rounded once to the nearest double, ties to even.
    pub(crate) fn to_f64(&self) -> f64 {
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.limbs[LIMBS - 1] < 0;
        if negative {
            for limb in &mut sum.limbs {
                *limb = -*limb;
            }
            sum.carry();
        }
        // Non-negative now: nine limbs of 32 bits, the last of up to 64.
        let mut digits = [0u32; LIMBS + 1];
        for (digit, &limb) in digits.iter_mut().zip(&sum.limbs) {
            *digit = (limb & LOW) as u32;
        }
        digits[LIMBS] = (sum.limbs[LIMBS - 1] >> LIMB_BITS) as u32;

        let Some(top) = digits.iter().rposition(|&digit| digit != 0) else {
            return 0.0;
        };
        // The four leading digits hold at least 97 significant bits; anything
        // below only breaks ties, which one sticky bit does as well.
        let mut leading = 0u128;
        for back in 0..4 {
            let digit = top.checked_sub(back).map_or(0, |at| digits[at]);
            leading = (leading << LIMB_BITS) | u128::from(digit);
        }
        let below = &digits[..top.saturating_sub(3)];
        leading |= u128::from(below.iter().any(|&digit| digit != 0));

        // `as` rounds to nearest, ties to even; the scaling is exact, because
        // everything here is far from the limits of a double.
        let exponent = LIMB_BITS as i32 * (top as i32 - 3) + UNIT_EXPONENT;
        let magnitude = leading as f64 * power_of_two(exponent);
        if negative { -magnitude } else { magnitude }
    }
}

/// `2^exponent` for a normal result.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(values: &[f32]) -> f64 {
        let mut sum = ExactSum::ZERO;
        values.iter().for_each(|&x| sum.add(x));
        sum.to_f64()
    }

    /// The correctly rounded sum by another road: Shewchuk's expansion of
    /// non-overlapping doubles, summed from the top with the tie correction.
    fn expansion_sum(values: &[f32]) -> f64 {
        let mut partials: Vec<f64> = Vec::new();
        for &value in values {
            let mut x = f64::from(value);
            let mut kept = 0;
            for i in 0..partials.len() {
                let mut y = partials[i];
                if x.abs() < y.abs() {
                    std::mem::swap(&mut x, &mut y);
                }
                let high = x + y;
                let low = y - (high - x);
                if low != 0.0 {
                    partials[kept] = low;
                    kept += 1;
                }
                x = high;
            }
            partials.truncate(kept);
            partials.push(x);
        }
        let mut high = 0.0;
        let mut low = 0.0;
        let mut left = partials.len();
        while left > 0 {
            let x: f64 = high;
            left -= 1;
            let y = partials[left];
            high = x + y;
            low = y - (high - x);
            if low != 0.0 {
                break;
            }
        }
        if left > 0
            && ((low < 0.0 && partials[left - 1] < 0.0) || (low > 0.0 && partials[left - 1] > 0.0))
        {
            let twice = low * 2.0;
            let nudged = high + twice;
            if nudged - high == twice {
                high = nudged;
            }
        }
        high
    }

    /// Any finite `f32`, every exponent equally likely, subnormals included.
    fn any_finite() -> impl Strategy<Value = f32> {
        any::<u32>().prop_map(|bits| {
            let x = f32::from_bits(bits);
            if x.is_finite() {
                x
            } else {
                f32::from_bits(bits & !(1 << 30))
            }
        })
    }

    #[test]
    fn single_values_come_back_unchanged() {
        let tiny = f32::from_bits(1);
        for x in [
            0.0,
            1.0,
            -1.0,
            0.1,
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            tiny,
            -tiny,
        ] {
            assert_eq!(exact(&[x]), f64::from(x), "{x}");
        }
    }

    #[test]
    fn nothing_is_lost_between_the_extremes() {
        let tiny = f32::from_bits(1);
        assert_eq!(exact(&[f32::MAX, tiny, f32::MIN]), f64::from(tiny));
        assert_eq!(exact(&[f32::MIN, -tiny, f32::MAX]), -f64::from(tiny));
        assert_eq!(exact(&[f32::MAX; 1000]), f64::from(f32::MAX) * 1000.0);
    }

    #[test]
    fn ties_go_to_even_unless_something_is_below() {
        let one = 1.0f32;
        let half_ulp = 2f32.powi(-53);
        let below = f32::from_bits(1);
        assert_eq!(exact(&[one, half_ulp]), 1.0);
        assert_eq!(exact(&[one, half_ulp, below]), 1.0 + f64::EPSILON);
        assert_eq!(exact(&[-one, -half_ulp, -below]), -1.0 - f64::EPSILON);
        assert_eq!(
            exact(&[one, half_ulp, half_ulp, half_ulp]),
            1.0 + 2.0 * f64::EPSILON
        );
    }

    /// Limbs as full as `MAX_PENDING` additions can make them are carried
    /// without overflow and mean the same as before.
    #[test]
    fn full_limbs_carry_exactly() {
        for sign in [1, -1] {
            let mut sum = ExactSum::ZERO;
            for limb in &mut sum.limbs[..LIMBS - 1] {
                *limb = sign * (LOW + i64::from(MAX_PENDING) * LOW);
            }
            let mut doubled = sum.clone();
            doubled.carry();
            let half = doubled.clone();
            doubled.merge(&half);
            assert_eq!(doubled.to_f64(), 2.0 * sum.to_f64());
            assert!(sum.to_f64() * f64::from(sign as i32) > 2f64.powi(-149 + 256 + 62));
        }
    }

    proptest! {
        #[test]
        fn agrees_with_whole_numbers(
            parts in prop::collection::vec((-(1i32 << 24)..=1 << 24, 0i32..=80), 0..200)
        ) {
            // m * 2^(e - 40): i128 holds 200 * 2^(24 + 80) with room to spare.
            let values: Vec<f32> =
                parts.iter().map(|&(m, e)| m as f32 * 2f32.powi(e - 40)).collect();
            let whole: i128 = parts.iter().map(|&(m, e)| i128::from(m) << e).sum();
            prop_assert_eq!(exact(&values).to_bits(), (whole as f64 * 2f64.powi(-40)).to_bits());
        }

        #[test]
        fn agrees_with_an_expansion(values in prop::collection::vec(any_finite(), 0..100)) {
            prop_assert_eq!(exact(&values), expansion_sum(&values));
        }

        #[test]
        fn cancels_to_exactly_zero(values in prop::collection::vec(any_finite(), 0..100)) {
            let mut both = values.clone();
            both.extend(values.iter().map(|x| -x));
            prop_assert_eq!(exact(&both).to_bits(), 0.0f64.to_bits());
        }

        #[test]
        fn carried_sums_have_one_form(
            values in prop::collection::vec(any_finite(), 0..100), cut in 0usize..100
        ) {
            let cut = cut.min(values.len());
            let mut whole = ExactSum::ZERO;
            values.iter().rev().for_each(|&x| whole.add(x));
            whole.carry();
            let [mut left, mut right] = [&values[..cut], &values[cut..]].map(|part| {
                let mut sum = ExactSum::ZERO;
                part.iter().for_each(|&x| sum.add(x));
                sum.carry();
                sum
            });
            let right_alone = right.clone();
            right.merge(&left);
            prop_assert_eq!(&right, &whole);
            left.merge(&right_alone);
            prop_assert_eq!(&left, &whole);
        }
    }
}
