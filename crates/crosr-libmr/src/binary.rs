//! libMR's binary form: what its `as_binary` writes and `load_from_binary` reads.

use crate::{
    error::BinaryError,
    labelled::FitType,
    report::FitReport,
    tail::TailSide,
    text::ALPHA,
    weibull::{Weibull, WeibullParts},
};

/// Bytes of the form: ten doubles and a few 32-bit integers without gaps between them.
pub(crate) const LENGTH: usize = 84;

/// Takes little-endian fields off the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], BinaryError> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or(BinaryError::Length {
            expected: LENGTH,
            found: self.0.len(),
        })?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn double(&mut self) -> Result<f64, BinaryError> {
        self.bytes().map(f64::from_le_bytes)
    }

    fn integer(&mut self) -> Result<i32, BinaryError> {
        self.bytes().map(i32::from_le_bytes)
    }
}

impl Weibull {
    /// The model as libMR's `MR.as_binary` writes it: 84 little-endian bytes.
    ///
    /// Doubles `scale`, `shape` and four confidence bounds (lower and upper of scale, then of
    /// shape, 95 %, as in [`Weibull::to_text`]), 32-bit `sign`, double `alpha`, 32-bit type, tail
    /// size and `translate_amount`, double `small_score`, 32-bit `scores_to_drop`.
    ///
    /// # Errors
    /// [`BinaryError::Translate`] for a translate that is no whole number of 32 bits, and
    /// [`BinaryError::TailSize`] for a larger tail: the form has no room for them, the text form
    /// has.
    pub fn to_bytes(&self, report: &FitReport) -> Result<[u8; LENGTH], BinaryError> {
        write(self, report, FitType::ComplementReject)
    }

    /// Reads libMR's binary form, its own bytes included.
    ///
    /// As in [`Weibull::from_text`], bounds, alpha and scores_to_drop take no part in the model.
    ///
    /// # Errors
    /// [`BinaryError::Length`] unless there are 84 bytes, [`BinaryError::Sign`],
    /// [`BinaryError::FittingType`], [`BinaryError::Complemented`]
    /// ([`LabelledModel::from_bytes`] reads those too) and [`BinaryError::NegativeTailSize`] for
    /// what stands in these fields, [`BinaryError::Param`] for numbers that no model has.
    ///
    /// [`LabelledModel::from_bytes`]: crate::LabelledModel::from_bytes
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BinaryError> {
        let (weibull, fit_type) = read(bytes)?;
        if fit_type.fits_others() {
            Ok(weibull)
        } else {
            Err(BinaryError::Complemented {
                fitting_type: fit_type.code().into(),
            })
        }
    }
}

/// The bytes of [`Weibull::to_bytes`] with any fitting type.
pub(crate) fn write(
    weibull: &Weibull,
    report: &FitReport,
    fit_type: FitType,
) -> Result<[u8; LENGTH], BinaryError> {
    let parts = weibull.parts();
    if parts.translate.fract() != 0.0 || parts.translate > i32::MAX.into() {
        return Err(BinaryError::Translate {
            given: parts.translate,
        });
    }
    let tail_size = i32::try_from(parts.tail_size).map_err(|_| BinaryError::TailSize {
        given: parts.tail_size as u64,
    })?;
    let bounds = FitReport {
        scale: parts.scale,
        shape: parts.shape,
        ..*report
    }
    .intervals(1.0 - ALPHA);
    let fields: [&[u8]; 13] = [
        &parts.scale.to_le_bytes(),
        &parts.shape.to_le_bytes(),
        &bounds.scale.0.to_le_bytes(),
        &bounds.scale.1.to_le_bytes(),
        &bounds.shape.0.to_le_bytes(),
        &bounds.shape.1.to_le_bytes(),
        &(parts.side.sign() as i32).to_le_bytes(),
        &ALPHA.to_le_bytes(),
        &i32::from(fit_type.code()).to_le_bytes(),
        &tail_size.to_le_bytes(),
        &(parts.translate as i32).to_le_bytes(),
        &parts.small_score.to_le_bytes(),
        &0i32.to_le_bytes(),
    ];
    let mut bytes = [0; LENGTH];
    for (slot, byte) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
        *slot = *byte;
    }
    Ok(bytes)
}

/// Reads libMR's binary form of any fitting type.
pub(crate) fn read(bytes: &[u8]) -> Result<(Weibull, FitType), BinaryError> {
    if bytes.len() != LENGTH {
        return Err(BinaryError::Length {
            expected: LENGTH,
            found: bytes.len(),
        });
    }
    let mut reader = Reader(bytes);
    let scale = reader.double()?;
    let shape = reader.double()?;
    let _bounds: [u8; 32] = reader.bytes()?;
    let side = match reader.integer()? {
        1 => TailSide::High,
        -1 => TailSide::Low,
        given => return Err(BinaryError::Sign { given }),
    };
    let _alpha = reader.double()?;
    let given = reader.integer()?;
    let fit_type = u8::try_from(given)
        .ok()
        .and_then(FitType::from_code)
        .ok_or(BinaryError::FittingType { given })?;
    let tail_size = reader.integer()?;
    let tail_size = usize::try_from(tail_size)
        .map_err(|_| BinaryError::NegativeTailSize { given: tail_size })?;
    let translate = reader.integer()?.into();
    let small_score = reader.double()?;
    let weibull = Weibull::from_parts(WeibullParts {
        scale,
        shape,
        small_score,
        translate,
        side,
        tail_size,
    })?;
    Ok((weibull, fit_type))
}
