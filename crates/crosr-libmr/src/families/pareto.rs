//! The generalised Pareto distribution: peaks over a threshold.

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

/// Where the threshold of a [`GeneralisedPareto`] is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThresholdSource {
    /// It is the most extreme score that does not belong to the tail, the `(k + 1)`-th most
    /// extreme of all for a tail of `k`.
    NextScore,
    /// All scores belong to the tail: the threshold is the least extreme of them, which is
    /// then no datum.
    LeastExtreme,
    /// It was given to [`GeneralisedPareto::new`].
    Given,
}

/// A generalised Pareto distribution of the scores beyond a threshold.
///
/// With `s = sign x`, `y = s - threshold` and `v = ln(1 + shape y / scale) / shape`
/// (`y / scale` for shape 0): `F = 1 - exp(-v)` for `y >= 0`, else 0. A shape below 0 ends the
/// support at `threshold - scale / shape`. Pickands, "Statistical Inference Using Extreme Order
/// Statistics", Annals of Statistics 3 (1975): beyond a high threshold, excesses of nearly any
/// distribution are distributed like this.
///
/// All probabilities are conditional on a score beyond the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralisedPareto {
    threshold: f64,
    scale: f64,
    shape: f64,
    side: TailSide,
    source: ThresholdSource,
    border: Option<Border>,
}

impl GeneralisedPareto {
    /// The distribution with these parameters; `threshold` is that of `s = sign x`.
    ///
    /// ```
    /// use crosr_libmr::{GeneralisedPareto, TailDistribution, TailSide};
    ///
    /// # fn main() -> Result<(), crosr_libmr::FamilyError> {
    /// let uniform = GeneralisedPareto::new(2.0, 4.0, -1.0, TailSide::High)?;
    /// assert_eq!([1.0, 6.0, 7.0].map(|x| uniform.cdf(x)), [0.0, 1.0, 1.0]);
    /// assert!((uniform.cdf(3.0) - 0.25).abs() < 1e-15);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`FamilyError::Parameter`] unless `scale` is finite and above 0 and the others finite.
    pub fn new(
        threshold: f64,
        scale: f64,
        shape: f64,
        side: TailSide,
    ) -> Result<Self, FamilyError> {
        check_parameters(
            Family::GeneralisedPareto,
            ("threshold", threshold),
            scale,
            shape,
        )?;
        Ok(GeneralisedPareto {
            threshold,
            scale,
            shape,
            side,
            source: ThresholdSource::Given,
            border: None,
        })
    }

    /// Fits the excesses of the tail over a threshold by maximum likelihood.
    ///
    /// The threshold is the `(tail_size + 1)`-th most extreme score, or the least extreme one
    /// where the tail is the whole list ([`Self::threshold_source`] says which). Scores that
    /// equal the threshold are no data: an excess of 0 would make the likelihood unbounded.
    ///
    /// The domain is `shape >= -1`, as in Grimshaw (1993): below, the density at the end of
    /// the support is infinite and so is the likelihood. Where the likelihood has no better
    /// local maximum, the fit is the uniform distribution up to the most extreme score and
    /// reports [`Border::Shape`].
    ///
    /// # Errors
    /// [`FamilyError::Tail`] for scores without such a tail, [`FamilyError::RangeOverflow`],
    /// [`FamilyError::NotConverged`], [`FamilyError::PrecisionLost`].
    pub fn fit(scores: &[f64], params: CheckedParams) -> Result<(Self, FamilyReport), FamilyError> {
        let sorted = SortedScores::for_tail(scores, params.side(), params.tail_size())?;
        Self::fit_extremes(
            &sorted.extremes(params.tail_size())?,
            params.max_iterations(),
        )
    }

    pub(crate) fn fit_extremes(
        extremes: &Extremes<'_>,
        max_iterations: u64,
    ) -> Result<(Self, FamilyReport), FamilyError> {
        let family = Family::GeneralisedPareto;
        let (threshold, source) = match extremes.next {
            Some(next) => (next, ThresholdSource::NextScore),
            None => (extremes.least(), ThresholdSource::LeastExtreme),
        };
        let beyond = extremes.ascending.partition_point(|&s| s <= threshold);
        let beyond = &extremes.ascending[beyond..];
        let most = extremes.most();
        let width = most - threshold;
        let data = beyond
            .iter()
            .map(|s| ((s - threshold) / width, (most - s) / width))
            .collect();
        let profile = Profile::new(Reduced::Exponential, data);
        let high = profile.grimshaw_bound().ln_1p().clamp(1.0, HIGHEST_TAU);
        let search = search::local_maxima(&profile, family, (LOWEST_TAU, high), max_iterations)?;

        // Log-likelihood 0: the uniform distribution has density 1 per width.
        let best = search.best.filter(|point| point.log_likelihood > 0.0);
        let (scale, shape, border) = match best {
            Some(point) => (point.scale * width, point.shape(), None),
            None => (width, -1.0, Some(Border::Shape)),
        };
        let fitted = GeneralisedPareto {
            source,
            border,
            ..GeneralisedPareto::new(threshold, scale, shape, extremes.side)
                .map_err(FamilyError::of_fit)?
        };
        let report = FittedTo {
            data: beyond,
            side: extremes.side,
            iterations: search.iterations,
        }
        .report(&fitted)?;
        Ok((fitted, report))
    }

    /// The threshold, of `s = sign x`: negated for `Low`.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Where the threshold is from.
    pub fn threshold_source(&self) -> ThresholdSource {
        self.source
    }

    /// Scale, in the unit of the scores.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Shape, also called tail index: above 0 for heavy tails, below 0 for bounded ones.
    pub fn shape(&self) -> f64 {
        self.shape
    }

    fn excess(&self, x: f64) -> f64 {
        self.side.sign() * x - self.threshold
    }
}

impl TailDistribution for GeneralisedPareto {
    fn family(&self) -> Family {
        Family::GeneralisedPareto
    }

    fn side(&self) -> TailSide {
        self.side
    }

    /// `F = 1 - exp(-v)`, given that the score is beyond the threshold.
    fn cdf(&self, x: f64) -> f64 {
        let y = self.excess(x);
        if y <= 0.0 {
            return 0.0;
        }
        match standard::place(self.shape, y, self.scale) {
            Place::Below => 0.0,
            Place::Inside(v) => -(-v).exp_m1(),
            Place::UpperEnd | Place::Above => 1.0,
        }
    }

    /// `sign (threshold + scale (exp(shape v) - 1) / shape)`, `v = -ln(1 - p)`.
    fn inv(&self, p: f64) -> f64 {
        if !(0.0..=1.0).contains(&p) {
            return f64::NAN;
        }
        let v = -(-p).ln_1p();
        self.side.sign() * (self.threshold + self.scale * standard::offset(self.shape, v))
    }

    /// `ln f = -ln scale - (1 + shape) v`.
    fn log_pdf(&self, x: f64) -> f64 {
        let y = self.excess(x);
        if y < 0.0 {
            return f64::NEG_INFINITY;
        }
        match standard::place(self.shape, y, self.scale) {
            Place::Below | Place::Above | Place::Inside(f64::INFINITY) => f64::NEG_INFINITY,
            Place::Inside(v) => -self.scale.ln() - (1.0 + self.shape) * v,
            Place::UpperEnd => standard::log_pdf_at_upper_end(self.shape, self.scale),
        }
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("threshold", self.threshold),
            ("scale", self.scale),
            ("shape", self.shape),
        ]
    }

    fn border(&self) -> Option<Border> {
        self.border
    }
}
