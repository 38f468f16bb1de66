//! Local maxima of a profile likelihood, by a grid and argmin's bracketing root finder.

use argmin::{
    core::{CostFunction, Error, Executor, State, TerminationReason},
    solver::brent::BrentRoot,
};

use crate::families::{
    Family, FamilyError,
    profile::{Point, Profile},
};

/// No support ends closer to a score than this share of the width of the tail
/// (`exp(-25) = 1.4e-11`): beyond, rounding of the parameters would decide.
pub(crate) const LOWEST_TAU: f64 = -25.0;
/// `theta = exp(300)` and its square are still doubles.
pub(crate) const HIGHEST_TAU: f64 = 300.0;
/// Cells of the grid. Profiles of real tails have one local maximum, seldom two.
const N_CELLS: u32 = 64;
/// Width of the final bracket, besides a few units in the last place of `tau`.
const TOLERANCE: f64 = 1e-14;

/// The best local maximum and what it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    /// The most likely local maximum with shape -1 or above, if there is one.
    pub(crate) best: Option<Point>,
    /// The profile at the upper end of the search.
    pub(crate) upper: Point,
    pub(crate) iterations: u64,
}

struct Slope<'a>(&'a Profile);

impl CostFunction for Slope<'_> {
    type Param = f64;
    type Output = f64;

    fn cost(&self, tau: &f64) -> Result<f64, Error> {
        Ok(self.0.at(*tau).slope)
    }
}

/// Finds the local maxima with `tau` between `low` and `high` and shape not below -1.
///
/// The grid is even in `asinh(tau)`: as fine around 0 as it is coarse far out.
///
/// # Errors
/// [`FamilyError::NotConverged`] when `max_iterations` is too small for a bracket.
pub(crate) fn local_maxima(
    profile: &Profile,
    family: Family,
    (low, high): (f64, f64),
    max_iterations: u64,
) -> Result<Search, FamilyError> {
    let (from, to) = (low.asinh(), high.asinh());
    let mut iterations = 0;
    let mut best: Option<Point> = None;
    let mut left = profile.at(low);
    for cell in 1..=N_CELLS {
        let tau = if cell == N_CELLS {
            high
        } else {
            (from + (to - from) * f64::from(cell) / f64::from(N_CELLS)).sinh()
        };
        let right = profile.at(tau);
        if left.slope > 0.0 && right.slope <= 0.0 {
            let (point, spent) = root(profile, family, (left.tau, tau), max_iterations)?;
            iterations += spent;
            let better = best.is_none_or(|best| point.log_likelihood > best.log_likelihood);
            if point.shape() >= -1.0 && better {
                best = Some(point);
            }
        }
        left = right;
    }
    Ok(Search {
        best,
        upper: left,
        iterations,
    })
}

fn root(
    profile: &Profile,
    family: Family,
    (low, high): (f64, f64),
    max_iterations: u64,
) -> Result<(Point, u64), FamilyError> {
    let result = Executor::new(Slope(profile), BrentRoot::new(low, high, TOLERANCE))
        .configure(|state| state.max_iters(max_iterations))
        .timer(false)
        .run()
        .map_err(|error| FamilyError::Solver {
            family,
            source: error.into(),
        })?;
    let state = result.state();
    let iterations = state.get_iter();
    let point = profile.at(state.get_best_param().copied().unwrap_or(high));
    match state.get_termination_reason() {
        Some(TerminationReason::SolverConverged) => Ok((point, iterations)),
        _ => Err(FamilyError::NotConverged {
            family,
            iterations,
            shape: point.shape(),
            slope: point.slope,
        }),
    }
}
