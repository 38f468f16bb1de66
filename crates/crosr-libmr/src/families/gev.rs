//! The generalised extreme-value distribution.

use crate::{
    families::{
        Border, Extremes, Family, FamilyError, FamilyReport, SortedScores, TailDistribution,
        border::FittedTo,
        error::check_parameters,
        profile::{Profile, Reduced},
        search::{self, HIGHEST_TAU, LOWEST_TAU},
        standard::{self, Place},
    },
    params::CheckedParams,
    tail::TailSide,
};

/// A generalised extreme-value distribution: Weibull (of maxima), Gumbel and Fréchet in one.
///
/// With `s = sign x` and `v = ln(1 + shape (s - location) / scale) / shape`
/// (`(s - location) / scale` for shape 0): `F = exp(-exp(-v))`. A shape below 0 ends the
/// support above, a shape above 0 below, at `location - scale / shape`. Jenkinson, "The
/// Frequency Distribution of the Annual Maximum (or Minimum) Values of Meteorological
/// Elements", Quarterly Journal of the Royal Meteorological Society 81 (1955).
///
/// The shape has the sign of Coles, "An Introduction to Statistical Modeling of Extreme
/// Values" (2001), equation 3.2; SciPy's `genextreme` has the other one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gev {
    location: f64,
    scale: f64,
    shape: f64,
    side: TailSide,
    border: Option<Border>,
}

impl Gev {
    /// The distribution with these parameters; `location` is that of `s = sign x`.
    ///
    /// ```
    /// use crosr_libmr::{Gev, TailDistribution, TailSide};
    ///
    /// # fn main() -> Result<(), crosr_libmr::FamilyError> {
    /// let gumbel = Gev::new(2.0, 4.0, 0.0, TailSide::High)?;
    /// assert_eq!(gumbel.cdf(2.0), (-1.0f64).exp());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`FamilyError::Parameter`] unless `scale` is finite and above 0 and the others finite.
    pub fn new(location: f64, scale: f64, shape: f64, side: TailSide) -> Result<Self, FamilyError> {
        check_parameters(Family::Gev, ("location", location), scale, shape)?;
        Ok(Gev {
            location,
            scale,
            shape,
            side,
            border: None,
        })
    }

    /// Fits the tail by maximum likelihood, as a sample of maxima.
    ///
    /// The estimate is the most likely local maximum with `shape >= -1`, or the exponential
    /// distribution that falls away from the most extreme score (`shape = -1`) where that is
    /// likelier; [`Border::Shape`] reports it. Two regions are left out by rule, because the
    /// likelihood grows in them without bound and has no maximum: shapes below -1, with a
    /// support that ends at the most extreme score (Smith, "Maximum Likelihood Estimation in
    /// a Class of Nonregular Cases", Biometrika 72, 1985), and shapes that go to infinity
    /// while the support comes to begin at the least extreme score.
    ///
    /// # Errors
    /// [`FamilyError::Tail`] for scores without such a tail, [`FamilyError::TailTooSmall`]
    /// below 3, [`FamilyError::RangeOverflow`], [`FamilyError::NotConverged`],
    /// [`FamilyError::PrecisionLost`].
    pub fn fit(scores: &[f64], params: CheckedParams) -> Result<(Self, FamilyReport), FamilyError> {
        let sorted = SortedScores::for_tail(scores, params.side(), params.tail_size())?;
        Self::fit_extremes(
            &sorted.extremes(params.tail_size())?,
            params.max_iterations(),
        )
    }

    /// `mu`, `sigma` and `xi` follow from the Gumbel fit of `u` (see the profile):
    /// `u(mu) = a`, `sigma = b e^(theta a)`, `xi = theta b`.
    pub(crate) fn fit_extremes(
        extremes: &Extremes<'_>,
        max_iterations: u64,
    ) -> Result<(Self, FamilyReport), FamilyError> {
        extremes.check_size(Family::Gev)?;
        let (least, most) = (extremes.least(), extremes.most());
        let width = most - least;
        let data = extremes
            .ascending
            .iter()
            .map(|s| ((s - least) / width, (most - s) / width))
            .collect();
        let profile = Profile::new(Reduced::Gumbel, data);
        let search = search::local_maxima(
            &profile,
            Family::Gev,
            (LOWEST_TAU, HIGHEST_TAU),
            max_iterations,
        )?;

        // An exponential distribution of the distances to the most extreme score.
        let mean = profile.mean_distance_to_end();
        let corner = -mean.ln() - 1.0;
        let best = search.best.filter(|point| point.log_likelihood > corner);
        let (location, scale, shape, border) = match best {
            Some(point) => {
                let offset = standard::offset(point.theta, point.location);
                let scale = point.scale * (point.theta * point.location).exp();
                (least + width * offset, width * scale, point.shape(), None)
            }
            None => {
                let location = most - width * mean;
                // Not width * mean: the end of the support is to be `most`, to the bit.
                (location, most - location, -1.0, Some(Border::Shape))
            }
        };
        let fitted = Gev {
            border,
            ..Gev::new(location, scale, shape, extremes.side).map_err(FamilyError::of_fit)?
        };
        let report = FittedTo {
            data: extremes.ascending,
            side: extremes.side,
            iterations: search.iterations,
        }
        .report(&fitted)?;
        Ok((fitted, report))
    }

    /// Location, of `s = sign x`: negated for `Low`.
    pub fn location(&self) -> f64 {
        self.location
    }

    /// Scale, in the unit of the scores.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Shape: above 0 Fréchet, 0 Gumbel, below 0 Weibull of maxima.
    pub fn shape(&self) -> f64 {
        self.shape
    }

    fn place(&self, x: f64) -> Place {
        let y = self.side.sign() * x - self.location;
        standard::place(self.shape, y, self.scale)
    }
}

impl TailDistribution for Gev {
    fn family(&self) -> Family {
        Family::Gev
    }

    fn side(&self) -> TailSide {
        self.side
    }

    /// `F = exp(-exp(-v))`.
    fn cdf(&self, x: f64) -> f64 {
        match self.place(x) {
            Place::Below => 0.0,
            Place::Inside(v) => (-(-v).exp()).exp(),
            Place::UpperEnd | Place::Above => 1.0,
        }
    }

    /// `sign (location + scale (exp(shape v) - 1) / shape)`, `v = -ln(-ln p)`.
    fn inv(&self, p: f64) -> f64 {
        if !(0.0..=1.0).contains(&p) {
            return f64::NAN;
        }
        let v = -(-p.ln()).ln();
        self.side.sign() * (self.location + self.scale * standard::offset(self.shape, v))
    }

    /// `ln f = -ln scale - (1 + shape) v - exp(-v)`.
    fn log_pdf(&self, x: f64) -> f64 {
        match self.place(x) {
            Place::Below | Place::Above => f64::NEG_INFINITY,
            Place::UpperEnd => standard::log_pdf_at_upper_end(self.shape, self.scale),
            Place::Inside(v) => {
                let hazard = (-v).exp();
                if v.is_infinite() || hazard.is_infinite() {
                    f64::NEG_INFINITY
                } else {
                    -self.scale.ln() - (1.0 + self.shape) * v - hazard
                }
            }
        }
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("location", self.location),
            ("scale", self.scale),
            ("shape", self.shape),
        ]
    }

    fn border(&self) -> Option<Border> {
        self.border
    }
}
