//! w-scores of many scores at once.

use crate::{
    error::ParamError,
    kernels::{BLOCK, exp, ln_quotient, one_minus_exp_neg, vectorised},
    score::Score,
    weibull::Weibull,
};

/// What the loop needs of a model.
#[derive(Clone, Copy)]
struct Coefficients {
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
    /// Computed in doubles by the kernels of this crate, so that the result is the same on
    /// every machine. It is within `4e-16 * max(1, shape)` of [`Weibull::w_score`], relative to
    /// the w-score or to 1 - w-score, whichever is smaller in effect: far below 1e-9 for any
    /// shape under a million. An `f32` result is that number rounded to `f32`.
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
        if scores.len() != out.len() {
            return Err(ParamError::Lengths {
                what: "results",
                given: out.len(),
                scores: scores.len(),
            });
        }
        let parts = self.parts();
        let with = Coefficients {
            sign: parts.side.sign(),
            translate: parts.translate,
            small_score: parts.small_score,
            scale: parts.scale,
            inverse_scale: 1.0 / parts.scale,
            shape: parts.shape,
        };
        if !with.inverse_scale.is_normal() {
            self.one_by_one(scores, out);
            return Ok(());
        }
        vectorised(
            pulp::Arch::new(),
            #[inline(always)]
            || {
                let (blocks, rest) = scores.as_chunks::<BLOCK>();
                let (out_blocks, out_rest) = out.as_chunks_mut::<BLOCK>();
                for (scores, out) in blocks.iter().zip(out_blocks) {
                    if with.block(scores, out) {
                        self.one_by_one(scores, out);
                    }
                }
                if let Some(&first) = rest.first() {
                    let (mut padded, mut results) = ([first; BLOCK], [first; BLOCK]);
                    padded[..rest.len()].copy_from_slice(rest);
                    if with.block(&padded, &mut results) {
                        self.one_by_one(rest, out_rest);
                    } else {
                        out_rest.copy_from_slice(&results[..rest.len()]);
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

impl Coefficients {
    /// `1 - exp(-(t / scale)^shape)` in every lane; whether some `t / scale` was no positive
    /// normal number, so that the block must be done again.
    #[inline(always)]
    fn block<T: Score>(self, scores: &[T; BLOCK], out: &mut [T; BLOCK]) -> bool {
        let mut outside = 0u64;
        for lane in 0..BLOCK {
            let x = scores[lane].to_f64();
            let t = (x * self.sign + self.translate) - self.small_score;
            let ratio = t * self.inverse_scale;
            let regular = (f64::MIN_POSITIVE..=f64::MAX).contains(&ratio);
            outside |= u64::from((t > 0.0) & !regular);
            let offset = (t - self.scale) * self.inverse_scale;
            let z = exp(self.shape * ln_quotient(ratio, offset));
            let w = one_minus_exp_neg(z);
            let w = if t > 0.0 { w } else { 0.0 };
            let w = if t.is_nan() { t } else { w };
            out[lane] = T::from_f64(w);
        }
        outside != 0
    }
}
