//! w-scores of many scores at once.

use pulp::Arch;

use crate::{
    error::ParamError,
    kernels::{self, vectorised},
    score::Score,
    singles,
    weibull::Weibull,
};

/// Scores that one inner loop handles: long lists gain from long loops, what is left over is
/// padded to a short one.
const LONG: usize = 256;
const SHORT: usize = 32;

/// What the loop needs of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coefficients {
    sign: f64,
    translate: f64,
    small_score: f64,
    scale: f64,
    inverse_scale: f64,
    shape: f64,
}

impl Weibull {
    /// [`Weibull::w_score`] of every score, written to `out`: `f64` or `f32`, no allocation.
    ///
    /// The result is the same on every machine. For `f64` it is within 1e-12 of
    /// [`Weibull::w_score`] for shapes up to 10,000, beyond that within `1e-15 shape`, and a small
    /// w-score keeps its digits. For `f32` the datum `t` is computed in doubles and the rest in
    /// singles: within 1e-6 for any shape, and 0 below 1e-37.
    ///
    /// ```
    /// use crosr_libmr::fit_high;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let weibull = fit_high(&[0.8, 2.9, 1.7, 1.1, 4.2, 0.4, 3.3, 2.1], 5)?;
    /// let mut w = [0.0f32; 3];
    /// weibull.w_scores(&[0.5f32, 3.0, 9.0], &mut w)?;
    /// assert!(w[0] < 0.01 && 0.3 < w[1] && w[1] < 0.7 && w[2] > 0.99);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ParamError::Lengths`] unless both slices have the same length.
    pub fn w_scores<T: Score>(&self, scores: &[T], out: &mut [T]) -> Result<(), ParamError> {
        self.w_scores_on(Arch::new(), scores, out)
    }

    /// [`Weibull::pdf`] of every score, written to `out`, one by one: libMR's `pdf_vector`, without
    /// an allocation.
    ///
    /// # Errors
    /// [`ParamError::Lengths`] unless both slices have the same length.
    pub fn pdfs<T: Score>(&self, scores: &[T], out: &mut [T]) -> Result<(), ParamError> {
        check_lengths(scores, out)?;
        for (score, out) in scores.iter().zip(out) {
            *out = T::from_f64(self.pdf(score.to_f64()));
        }
        Ok(())
    }

    fn w_scores_on<T: Score>(
        &self,
        arch: Arch,
        scores: &[T],
        out: &mut [T],
    ) -> Result<(), ParamError> {
        check_lengths(scores, out)?;
        let parts = self.parts();
        let with = Coefficients {
            sign: parts.side.sign(),
            translate: parts.translate,
            small_score: parts.small_score,
            scale: parts.scale,
            inverse_scale: 1.0 / parts.scale,
            shape: parts.shape,
        };
        if !with.inverse_scale.is_normal() || !(with.shape as f32).is_normal() {
            self.one_by_one(scores, out);
            return Ok(());
        }
        vectorised(
            arch,
            #[inline(always)]
            || {
                let (long, rest) = scores.as_chunks::<LONG>();
                let (long_out, out) = out.as_chunks_mut::<LONG>();
                for (scores, out) in long.iter().zip(long_out) {
                    if T::w_block(with, scores, out) {
                        self.one_by_one(scores, out);
                    }
                }
                let (short, rest) = rest.as_chunks::<SHORT>();
                let (short_out, out) = out.as_chunks_mut::<SHORT>();
                for (scores, out) in short.iter().zip(short_out) {
                    if T::w_block(with, scores, out) {
                        self.one_by_one(scores, out);
                    }
                }
                if let Some(&first) = rest.first() {
                    let (mut padded, mut results) = ([first; SHORT], [first; SHORT]);
                    padded[..rest.len()].copy_from_slice(rest);
                    if T::w_block(with, &padded, &mut results) {
                        self.one_by_one(rest, out);
                    } else {
                        out.copy_from_slice(&results[..rest.len()]);
                    }
                }
            },
        );
        Ok(())
    }

    /// For the blocks whose quotients leave the normal numbers.
    #[cold]
    #[inline(never)]
    fn one_by_one<T: Score>(&self, scores: &[T], out: &mut [T]) {
        for (score, out) in scores.iter().zip(out) {
            *out = T::from_f64(self.w_score(score.to_f64()));
        }
    }
}

/// A result for every score.
pub(crate) fn check_lengths<T: Score>(scores: &[T], out: &[T]) -> Result<(), ParamError> {
    if scores.len() == out.len() {
        return Ok(());
    }
    Err(ParamError::Lengths {
        what: "results",
        given: out.len(),
        scores: scores.len(),
    })
}

impl Coefficients {
    /// `t`, `t / scale` and `(t - scale) / scale` of a score.
    #[inline(always)]
    fn quotient(self, x: f64) -> (f64, f64, f64) {
        let t = (x * self.sign + self.translate) - self.small_score;
        let offset = (t - self.scale) * self.inverse_scale;
        (t, t * self.inverse_scale, offset)
    }
}

/// `1 - exp(-(t / scale)^shape)` in every lane; whether some `t / scale` was no positive normal
/// number, so that the block must be done again.
#[inline(always)]
pub(crate) fn doubles_block<const N: usize>(
    with: Coefficients,
    scores: &[f64; N],
    out: &mut [f64; N],
) -> bool {
    let mut outside = 0u64;
    for (&x, out) in scores.iter().zip(out) {
        let (t, ratio, offset) = with.quotient(x);
        let regular = (f64::MIN_POSITIVE..=f64::MAX).contains(&ratio);
        outside |= u64::from((t > 0.0) & !regular);
        let z = kernels::exp(with.shape * kernels::ln_quotient(ratio, offset));
        let w = kernels::one_minus_exp_neg(z);
        let w = if t > 0.0 { w } else { 0.0 };
        *out = if t.is_nan() { t } else { w };
    }
    outside != 0
}

/// [`doubles_block`] in singles, but for `t`: `small_score` may take most of its digits.
#[inline(always)]
pub(crate) fn singles_block<const N: usize>(
    with: Coefficients,
    scores: &[f32; N],
    out: &mut [f32; N],
) -> bool {
    let shape = with.shape as f32;
    let mut outside = 0u32;
    for (&x, out) in scores.iter().zip(out) {
        let (t, ratio, offset) = with.quotient(f64::from(x));
        let (ratio, offset) = (ratio as f32, offset as f32);
        let regular = (f32::MIN_POSITIVE..=f32::MAX).contains(&ratio);
        outside |= u32::from((t > 0.0) & !regular);
        let z = singles::exp(shape * singles::ln_quotient(ratio, offset));
        let w = singles::one_minus_exp_neg(z);
        let w = if t > 0.0 { w } else { 0.0 };
        *out = if t.is_nan() { f32::NAN } else { w };
    }
    outside != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tail::TailSide, weibull::WeibullParts};

    #[test]
    fn the_bits_do_not_depend_on_the_instructions() {
        let weibull = Weibull::from_parts(WeibullParts {
            scale: 2.0,
            shape: 3.3,
            small_score: 1.5,
            translate: 1.0,
            side: TailSide::High,
            tail_size: 20,
        });
        let weibull = weibull.unwrap();
        let doubles: Vec<f64> = (0..5000).map(|i| f64::from(i) / 1000.0).collect();
        let singles: Vec<f32> = doubles.iter().map(|x| *x as f32).collect();
        let (mut wide, mut narrow) = (doubles.clone(), doubles.clone());
        weibull.w_scores(&doubles, &mut wide).unwrap();
        weibull
            .w_scores_on(Arch::Scalar, &doubles, &mut narrow)
            .unwrap();
        assert_eq!(wide, narrow);
        let (mut wide, mut narrow) = (singles.clone(), singles.clone());
        weibull.w_scores(&singles, &mut wide).unwrap();
        weibull
            .w_scores_on(Arch::Scalar, &singles, &mut narrow)
            .unwrap();
        assert_eq!(wide, narrow);
    }
}
