//! libMR's one-line text form.

use std::str::FromStr;

use crate::{
    error::TextError,
    labelled::FitType,
    report::FitReport,
    tail::TailSide,
    weibull::{Weibull, WeibullParts},
};

/// Names of the fields, in order, with what each must be.
const FIELDS: [(&str, &str); 13] = [
    ("scale", NUMBER),
    ("shape", NUMBER),
    ("lower confidence bound of scale", NUMBER),
    ("upper confidence bound of scale", NUMBER),
    ("lower confidence bound of shape", NUMBER),
    ("upper confidence bound of shape", NUMBER),
    ("sign", "1 or -1"),
    ("alpha", NUMBER),
    ("fitting type", "1, 2, 3 or 4"),
    ("tail size", WHOLE),
    ("translate_amount", NUMBER),
    ("small_score", NUMBER),
    ("scores_to_drop", WHOLE),
];
const NUMBER: &str = "a number";
const WHOLE: &str = "a whole number";

/// Significance of the bounds written: a level of 95 %.
pub(crate) const ALPHA: f64 = 0.05;

impl Weibull {
    /// The model as libMR writes it: one line of 13 fields, ending in a newline.
    ///
    /// `scale shape  lo hi lo hi  sign alpha type tail translate small_score scores_to_drop`,
    /// 21 digits after the point, so that [`Weibull::from_text`] gives back the same bits. The
    /// bounds are genuine 95 % intervals, lower first, of scale and then of shape, around this
    /// model's parameters and from the covariance in `report`, the report of the same fit.
    ///
    /// libMR's `translate_amount` is an integer: a line with any other translate loads here
    /// but not there.
    pub fn to_text(&self, report: &FitReport) -> String {
        write(self, report, FitType::ComplementReject)
    }

    /// Reads libMR's one-line form, its own files included.
    ///
    /// The confidence bounds, alpha and scores_to_drop must be numbers but take no part
    /// in the model, and no trust is put in them: by default libMR writes bounds of no
    /// meaningful level. Any of its ways of writing a number will do, `Save(FILE*)`'s too.
    ///
    /// # Errors
    /// [`TextError::FieldCount`] unless there are 13 fields, [`TextError::Field`] for one that
    /// is no number of its kind, [`TextError::Complemented`] for a type whose w-score libMR turns
    /// round ([`LabelledModel::from_text`] reads those too), [`TextError::Param`] for numbers that
    /// no model has.
    ///
    /// [`LabelledModel::from_text`]: crate::LabelledModel::from_text
    pub fn from_text(text: &str) -> Result<Self, TextError> {
        let (weibull, fit_type) = read(text)?;
        if fit_type.fits_others() {
            Ok(weibull)
        } else {
            Err(TextError::Complemented {
                fitting_type: fit_type.code().into(),
            })
        }
    }
}

/// The line of [`Weibull::to_text`] with any fitting type.
pub(crate) fn write(weibull: &Weibull, report: &FitReport, fit_type: FitType) -> String {
    let parts = weibull.parts();
    let bounds = FitReport {
        scale: parts.scale,
        shape: parts.shape,
        ..*report
    }
    .intervals(1.0 - ALPHA);
    let translate = if parts.translate.fract() == 0.0 && parts.translate <= i32::MAX.into() {
        format!("{:.0}", parts.translate)
    } else {
        exponent_form(parts.translate)
    };
    let [
        scale,
        shape,
        scale_lo,
        scale_hi,
        shape_lo,
        shape_hi,
        alpha,
        small_score,
    ] = [
        parts.scale,
        parts.shape,
        bounds.scale.0,
        bounds.scale.1,
        bounds.shape.0,
        bounds.shape.1,
        ALPHA,
        parts.small_score,
    ]
    .map(exponent_form);
    let sign = parts.side.sign();
    let (tail_size, code) = (parts.tail_size, fit_type.code());
    format!(
        "{scale} {shape}  {scale_lo} {scale_hi} {shape_lo} {shape_hi}  \
             {sign} {alpha} {code} {tail_size} {translate} {small_score} 0\n"
    )
}

/// Reads libMR's one-line form of any fitting type.
pub(crate) fn read(text: &str) -> Result<(Weibull, FitType), TextError> {
    let mut fields = [""; FIELDS.len()];
    let mut found = 0;
    for field in text.split_ascii_whitespace() {
        if let Some(slot) = fields.get_mut(found) {
            *slot = field;
        }
        found += 1;
    }
    if found != FIELDS.len() {
        return Err(TextError::FieldCount {
            expected: FIELDS.len(),
            found,
        });
    }

    for position in [2, 3, 4, 5, 7] {
        parse::<f64>(&fields, position)?;
    }
    parse::<i64>(&fields, 12)?;
    let fit_type = FitType::from_code(parse(&fields, 8)?).ok_or_else(|| field_error(&fields, 8))?;
    let side = match parse::<i64>(&fields, 6)? {
        1 => TailSide::High,
        -1 => TailSide::Low,
        _ => return Err(field_error(&fields, 6)),
    };
    let weibull = Weibull::from_parts(WeibullParts {
        scale: parse(&fields, 0)?,
        shape: parse(&fields, 1)?,
        small_score: parse(&fields, 11)?,
        translate: parse(&fields, 10)?,
        side,
        tail_size: parse(&fields, 9)?,
    })?;
    Ok((weibull, fit_type))
}

fn parse<T: FromStr>(fields: &[&str; 13], index: usize) -> Result<T, TextError> {
    fields[index]
        .parse()
        .map_err(|_| field_error(fields, index))
}

fn field_error(fields: &[&str; 13], index: usize) -> TextError {
    let (name, expected) = FIELDS[index];
    TextError::Field {
        position: index + 1,
        name,
        text: fields[index].to_owned(),
        expected,
    }
}

/// C's `%.21e`, whose exponent has a sign and at least two digits.
fn exponent_form(value: f64) -> String {
    let text = format!("{value:.21e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text; // an infinite bound
    };
    match exponent.strip_prefix('-') {
        Some(digits) => format!("{mantissa}e-{digits:0>2}"),
        None => format!("{mantissa}e+{exponent:0>2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::exponent_form;

    #[test]
    fn exponents_as_c_prints_them() {
        let cases = [
            (1.0, "1.000000000000000000000e+00"),
            (-0.05, "-5.000000000000000277556e-02"),
            (1e100, "1.000000000000000015903e+100"),
            (0.0, "0.000000000000000000000e+00"),
            (f64::INFINITY, "inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(exponent_form(value), expected);
        }
    }
}
