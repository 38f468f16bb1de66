//! The three-parameter Weibull distribution.

use crate::{
    families::{
        Border, Extremes, Family, FamilyError, FamilyReport, SortedScores, TailDistribution,
        border::FittedTo,
        error::check_parameters,
        profile::{Profile, Reduced},
        search::{self, LOWEST_TAU},
    },
    numeric::ln_ratio,
    params::CheckedParams,
    tail::TailSide,
};

/// How far the location may lie from the tail, in widths of the tail.
const FARTHEST: f64 = 1e4;

/// A Weibull distribution with a free location.
///
/// With `s = sign x` and `t = s - location`: `F = 1 - exp(-(t / scale)^shape)` for `t >= 0`,
/// else 0. Where [`Weibull`](crate::Weibull) puts the beginning of the support `translate`
/// below the least extreme score, here the data decide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weibull3 {
    location: f64,
    scale: f64,
    shape: f64,
    side: TailSide,
    border: Option<Border>,
}

impl Weibull3 {
    /// The distribution with these parameters; `location` is that of `s = sign x`.
    ///
    /// ```
    /// use crosr_libmr::{TailDistribution, TailSide, Weibull3};
    ///
    /// # fn main() -> Result<(), crosr_libmr::FamilyError> {
    /// let exponential = Weibull3::new(3.0, 2.0, 1.0, TailSide::High)?;
    /// assert_eq!(exponential.cdf(5.0), 1.0 - (-1.0f64).exp());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`FamilyError::Parameter`] unless `scale` and `shape` are finite and above 0 and
    /// `location` finite.
    pub fn new(location: f64, scale: f64, shape: f64, side: TailSide) -> Result<Self, FamilyError> {
        check_parameters(Family::Weibull3, ("location", location), scale, shape)?;
        if shape <= 0.0 {
            return Err(FamilyError::Parameter {
                family: Family::Weibull3,
                name: "shape",
                given: shape,
                expected: "finite and above 0",
            });
        }
        Ok(Weibull3 {
            location,
            scale,
            shape,
            side,
            border: None,
        })
    }

    /// Fits location, scale and shape to the tail by maximum likelihood.
    ///
    /// The domain is `shape >= 1`: below, the density at the location is infinite, and the
    /// likelihood grows without bound as the location comes to lie on the least extreme
    /// score (Smith, "Maximum Likelihood Estimation in a Class of Nonregular Cases",
    /// Biometrika 72, 1985). Where the likelihood has no better local maximum, as for most
    /// tails whose density falls from the start, the fit is the exponential distribution that
    /// begins at the least extreme score and reports [`Border::Shape`]. The location is at
    /// most 10,000 times the width of the tail away from it, which [`Border::Location`]
    /// reports.
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

    /// `-s` has a generalised extreme-value distribution of a shape below 0, and offsets `d`
    /// are taken from the most extreme score: `t = (width / |theta|) (1 + theta d)`,
    /// `shape = 1 / (|theta| b)`, `scale = (width / |theta|) e^(theta a)`.
    pub(crate) fn fit_extremes(
        extremes: &Extremes<'_>,
        max_iterations: u64,
    ) -> Result<(Self, FamilyReport), FamilyError> {
        let family = Family::Weibull3;
        extremes.check_size(family)?;
        let (least, most) = (extremes.least(), extremes.most());
        let width = most - least;
        let data = extremes
            .ascending
            .iter()
            .rev()
            .map(|s| ((most - s) / width, (s - least) / width))
            .collect();
        let profile = Profile::new(Reduced::Gumbel, data);
        // theta = -1 / (1 + FARTHEST).
        let high = (-1.0 / (1.0 + FARTHEST)).ln_1p();
        let search = search::local_maxima(&profile, family, (LOWEST_TAU, high), max_iterations)?;

        // An exponential distribution of the distances to the least extreme score.
        let mean = profile.mean_distance_to_end();
        let corner = -mean.ln() - 1.0;
        let inside = search.best.map(|point| (point, None));
        let far = (search.upper.slope > 0.0).then_some((search.upper, Some(Border::Location)));
        let best = [inside, far]
            .into_iter()
            .flatten()
            .filter(|(point, _)| point.log_likelihood > corner)
            .max_by(|(a, _), (b, _)| a.log_likelihood.total_cmp(&b.log_likelihood));
        let (location, scale, shape, border) = match best {
            Some((point, border)) => {
                let depth = point.theta.abs();
                (
                    least - width * (point.tau.exp() / depth),
                    width / depth * (point.theta * point.location).exp(),
                    1.0 / (depth * point.scale),
                    border,
                )
            }
            None => (least, width * mean, 1.0, Some(Border::Shape)),
        };
        let fitted = Weibull3 {
            border,
            ..Weibull3::new(location, scale, shape, extremes.side).map_err(FamilyError::of_fit)?
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

    /// Shape.
    pub fn shape(&self) -> f64 {
        self.shape
    }

    fn offset(&self, x: f64) -> f64 {
        self.side.sign() * x - self.location
    }
}

impl TailDistribution for Weibull3 {
    fn family(&self) -> Family {
        Family::Weibull3
    }

    fn side(&self) -> TailSide {
        self.side
    }

    /// `F = 1 - exp(-(t / scale)^shape)`.
    fn cdf(&self, x: f64) -> f64 {
        let t = self.offset(x);
        if t <= 0.0 {
            return 0.0;
        }
        let log_z = self.shape * ln_ratio(t, self.scale);
        -(-log_z.exp()).exp_m1()
    }

    /// `sign (location + scale (-ln(1 - p))^(1 / shape))`.
    fn inv(&self, p: f64) -> f64 {
        if !(0.0..=1.0).contains(&p) {
            return f64::NAN;
        }
        let t = self.scale * ((-(-p).ln_1p()).ln() / self.shape).exp();
        self.side.sign() * (self.location + t)
    }

    /// `ln f = ln z - z + ln shape - ln t`, `z = (t / scale)^shape`; at `t = 0` the limit.
    fn log_pdf(&self, x: f64) -> f64 {
        let t = self.offset(x);
        if t.is_nan() {
            return t;
        }
        if t < 0.0 {
            return f64::NEG_INFINITY;
        }
        if t == 0.0 {
            return match self.shape {
                shape if shape < 1.0 => f64::INFINITY,
                shape if shape > 1.0 => f64::NEG_INFINITY,
                _ => -self.scale.ln(),
            };
        }
        let log_ratio = ln_ratio(t, self.scale);
        let z = (self.shape * log_ratio).exp();
        if z.is_infinite() {
            return f64::NEG_INFINITY;
        }
        ((self.shape - 1.0) * log_ratio - z) + (self.shape.ln() - self.scale.ln())
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
