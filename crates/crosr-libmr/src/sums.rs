//! Sums that are the same, to the last bit, in any order of their terms.
//!
//! Every term is rounded to a multiple of one power of two, so coarse that the sum of all
//! multiples is exact and so does not depend on its order; what the rounding left is treated
//! likewise at a finer level (J. Demmel and H. D. Nguyen, "Parallel Reproducible Summation",
//! IEEE Transactions on Computers 64, 2015). That spares the sorting that takes most of the
//! time of a fit otherwise.

use crate::kernels::BLOCK;

/// What terms are rounded by, coarsest level first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels<const L: usize> {
    /// `1.5 * 2^e`: adding and subtracting it rounds to a multiple of `2^(e - 52)`.
    anchors: [f64; L],
}

/// The sums of the rounded terms in every lane.
pub(crate) type LaneSums<const L: usize> = [[f64; BLOCK]; L];

impl<const L: usize> Levels<L> {
    /// For `n` terms of magnitude up to `bound`.
    #[inline(always)]
    pub(crate) fn new(n: usize, bound: f64) -> Self {
        let n = n.max(2) as f64;
        let mut anchors = [0.0; L];
        let mut bound = bound;
        for anchor in &mut anchors {
            let power = power_of_two_above(n * bound);
            *anchor = 1.5 * power;
            // Half a unit of the multiples is what the rounding can leave.
            bound = power * (0.5 * f64::EPSILON);
        }
        Levels { anchors }
    }

    /// Adds a term to a lane.
    #[inline(always)]
    pub(crate) fn add(&self, sums: &mut LaneSums<L>, lane: usize, term: f64) {
        let mut rest = term;
        for (anchor, sums) in self.anchors.iter().zip(sums) {
            let rounded = (rest + anchor) - anchor;
            sums[lane] += rounded;
            rest -= rounded;
        }
    }
}

/// The sum over all lanes, finest level first.
#[inline(always)]
pub(crate) fn total<const L: usize>(mut sums: LaneSums<L>) -> f64 {
    let mut sum = 0.0;
    for lanes in sums.iter_mut().rev() {
        let mut width = BLOCK / 2;
        while width > 0 {
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
            width /= 2;
        }
        sum += lanes[0];
    }
    sum
}

/// The smallest power of two that is at least the positive normal number `x`, or twice that.
#[inline(always)]
fn power_of_two_above(x: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    2.0 * f64::from_bits(x.to_bits() & EXPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Sum;

    fn sum<const L: usize>(terms: &[f64], bound: f64) -> f64 {
        let levels = Levels::<L>::new(terms.len(), bound);
        let mut sums = [[0.0; BLOCK]; L];
        for (i, term) in terms.iter().enumerate() {
            levels.add(&mut sums, i % BLOCK, *term);
        }
        total(sums)
    }

    #[test]
    fn the_same_bits_in_any_order_and_the_right_ones() {
        for n in [2usize, 3, 20, 1000, 100_000] {
            let mut terms: Vec<f64> = (0..n as u64)
                .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1u64 << 53) as f64)
                .map(|u| (-40.0 * u).exp())
                .collect();
            let exact = terms.iter().copied().collect::<Sum>().value();
            let (two, three) = (sum::<2>(&terms, 1.0), sum::<3>(&terms, 1.0));
            assert!((two / exact - 1.0).abs() < 1e-15, "{n}: {two} {exact}");
            assert!((three / exact - 1.0).abs() < 3e-16, "{n}: {three} {exact}");
            let one = sum::<1>(&terms, 1.0);
            for step in [1, n / 3, n / 2] {
                terms.rotate_left(step);
                terms[..n / 2].reverse();
                assert_eq!(sum::<1>(&terms, 1.0).to_bits(), one.to_bits());
                assert_eq!(sum::<2>(&terms, 1.0).to_bits(), two.to_bits());
                assert_eq!(sum::<3>(&terms, 1.0).to_bits(), three.to_bits());
            }
        }
    }
}
