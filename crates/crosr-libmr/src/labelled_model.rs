//! A fitted tail and how it is read: what libMR's files of any fitting type hold.

use crate::{
    error::{BinaryError, ParamError, TextError},
    labelled::FitType,
    numeric::ln_ratio,
    report::FitReport,
    score::Score,
    tail::TailSide,
    w_scores::check_lengths,
    weibull::Weibull,
};

/// A fitted tail together with libMR's fitting type: how probable it is that a score belongs to
/// the label of interest.
///
/// A model of a *reject* type answers like its [`Weibull`], one of a *model* type with the
/// complement. This is what any text or bytes of libMR hold; [`Weibull::from_text`] and
/// [`Weibull::from_bytes`] read those of the reject types alone, as nothing has to be turned
/// round there.
///
/// ```
/// use crosr_libmr::{FitType, LabelledModel, fit_svm};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let labelled: Vec<(f64, bool)> = (0..60).map(|i| (f64::from(i), i >= 30)).collect();
/// let fit = fit_svm(&labelled, &true, 10, FitType::PositiveModel)?;
/// let line = fit.model().to_text(fit.report());   // its ninth field is 4
/// let back = LabelledModel::from_text(&line)?;
/// assert_eq!(&back, fit.model());
/// assert_eq!(back.w_score(40.0), fit.w_score(40.0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LabelledModel {
    weibull: Weibull,
    fit_type: FitType,
}

impl LabelledModel {
    /// A fitted tail, read as `fit_type` says.
    pub fn new(weibull: Weibull, fit_type: FitType) -> Self {
        LabelledModel { weibull, fit_type }
    }

    /// The probability that the raw score `x` belongs to the label of interest: libMR's
    /// `W_score` for this fit type.
    ///
    /// `F(x)` of [`Self::weibull`] for the reject types, `1 - F(x)` for the model types.
    /// Within `[0, 1]`, rising towards the side of the label; a NaN stays NaN.
    pub fn w_score(&self, x: f64) -> f64 {
        if self.fit_type.fits_others() {
            return self.weibull.w_score(x);
        }
        let parts = self.weibull.parts();
        let t = (x * parts.side.sign() + parts.translate) - parts.small_score;
        if t <= 0.0 {
            return 1.0;
        }
        // exp(-z), not 1 - F: small probabilities keep their digits.
        (-(parts.shape * ln_ratio(t, parts.scale)).exp()).exp()
    }

    /// [`Self::w_score`] of every score, written to `out`: `f64` or `f32`, no allocation.
    ///
    /// # Errors
    /// [`ParamError::Lengths`] unless both slices have the same length.
    pub fn w_scores<T: Score>(&self, scores: &[T], out: &mut [T]) -> Result<(), ParamError> {
        if self.fit_type.fits_others() {
            return self.weibull.w_scores(scores, out);
        }
        check_lengths(scores, out)?;
        for (score, out) in scores.iter().zip(out) {
            *out = T::from_f64(self.w_score(score.to_f64()));
        }
        Ok(())
    }

    /// The raw score whose [`Self::w_score`] is `p`; NaN outside `[0, 1]`.
    ///
    /// libMR's `Inv` does not look at the fit type, so that for the model types it belongs to
    /// `1 - p`; this one is the inverse for all of them.
    pub fn inv(&self, p: f64) -> f64 {
        if self.fit_type.fits_others() {
            return self.weibull.inv(p);
        }
        if !(0.0..=1.0).contains(&p) {
            return f64::NAN;
        }
        // Of p, not of 1 - p: small probabilities keep their digits here too. 0 for p = 1, not -0.
        self.weibull.at_hazard(0.0 - p.ln())
    }

    /// Whether the raw score `x` lies beyond [`Self::inv`] of `threshold`, on the side of the label
    /// of interest: whether it belongs to the label with a larger probability.
    ///
    /// False when `x` is NaN or `threshold` is no probability. libMR's `predict_match` is the same
    /// for the reject types; for the model types it takes no notice of the complement.
    pub fn predict_match(&self, x: f64, threshold: f64) -> bool {
        let boundary = self.inv(threshold);
        let larger = (self.weibull.side() == TailSide::High) == self.fit_type.fits_others();
        if larger { x > boundary } else { x < boundary }
    }

    /// The fitted tail.
    pub fn weibull(&self) -> &Weibull {
        &self.weibull
    }

    /// Which scores were fitted, and how the fit is read.
    pub fn fit_type(&self) -> FitType {
        self.fit_type
    }

    /// libMR's text form, as [`Weibull::to_text`] with this fit type in the ninth field.
    pub fn to_text(&self, report: &FitReport) -> String {
        crate::text::write(&self.weibull, report, self.fit_type)
    }

    /// Reads libMR's text form, whatever its fitting type; otherwise as [`Weibull::from_text`].
    ///
    /// # Errors
    /// [`TextError::FieldCount`], [`TextError::Field`] and [`TextError::Param`], as there.
    pub fn from_text(text: &str) -> Result<Self, TextError> {
        let (weibull, fit_type) = crate::text::read(text)?;
        Ok(LabelledModel { weibull, fit_type })
    }

    /// libMR's binary form, as [`Weibull::to_bytes`] with this fit type.
    ///
    /// # Errors
    /// [`BinaryError::Translate`] and [`BinaryError::TailSize`], as there.
    pub fn to_bytes(&self, report: &FitReport) -> Result<[u8; crate::binary::LENGTH], BinaryError> {
        crate::binary::write(&self.weibull, report, self.fit_type)
    }

    /// Reads libMR's binary form, whatever its fitting type; otherwise as
    /// [`Weibull::from_bytes`].
    ///
    /// # Errors
    /// [`BinaryError::Length`], [`BinaryError::Sign`], [`BinaryError::FittingType`],
    /// [`BinaryError::NegativeTailSize`] and [`BinaryError::Param`], as there.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BinaryError> {
        let (weibull, fit_type) = crate::binary::read(bytes)?;
        Ok(LabelledModel { weibull, fit_type })
    }
}
