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
/// The grid is even in `asinh(tau)`: as fine around 0 as it is coarse far out. Where the slope
/// comes close to 0 and turns back, a maximum and a minimum may lie in one cell: there it is
/// looked at more closely.
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
    let grid: Vec<Point> = (0..=N_CELLS)
        .map(|cell| {
            profile.at(match cell {
                0 => low,
                N_CELLS => high,
                cell => (from + (to - from) * f64::from(cell) / f64::from(N_CELLS)).sinh(),
            })
        })
        .collect();
    let mut points = grid.clone();
    points.extend(
        grid.windows(3)
            .filter_map(|three| between(profile, [three[0], three[1], three[2]])),
    );
    points.sort_by(|a, b| a.tau.total_cmp(&b.tau));

    let mut iterations = 0;
    let mut best: Option<Point> = None;
    for pair in points.windows(2) {
        if !(pair[0].slope > 0.0 && pair[1].slope <= 0.0) {
            continue;
        }
        let (point, spent) = root(profile, family, (pair[0].tau, pair[1].tau), max_iterations)?;
        iterations += spent;
        let better = best.is_none_or(|best| point.log_likelihood > best.log_likelihood);
        if point.shape() >= -1.0 && better {
            best = Some(point);
        }
    }
    Ok(Search {
        best,
        upper: points[points.len() - 1],
        iterations,
    })
}

/// A point where the slope has the other sign, where it has one sign at three points and is
/// closest to 0 in the middle.
fn between(profile: &Profile, [mut left, mut middle, mut right]: [Point; 3]) -> Option<Point> {
    const ROUNDS: usize = 4;
    const PARTS: u32 = 4;
    let sign = middle.slope.signum();
    let height = |point: &Point| sign * point.slope;
    if !(height(&middle) > 0.0
        && height(&middle) < height(&left)
        && height(&middle) < height(&right))
    {
        return None;
    }
    for _ in 0..ROUNDS {
        let part = |a: Point, b: Point| {
            (1..PARTS)
                .map(move |i| profile.at(a.tau + (b.tau - a.tau) * f64::from(i) / f64::from(PARTS)))
        };
        let mut points = vec![left];
        points.extend(part(left, middle));
        points.push(middle);
        points.extend(part(middle, right));
        points.push(right);
        let lowest = (1..points.len() - 1)
            .min_by(|&i, &j| height(&points[i]).total_cmp(&height(&points[j])))?;
        if height(&points[lowest]) <= 0.0 {
            return Some(points[lowest]);
        }
        (left, middle, right) = (points[lowest - 1], points[lowest], points[lowest + 1]);
    }
    None
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
