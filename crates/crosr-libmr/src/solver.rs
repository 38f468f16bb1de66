//! The root of the shape equation, by argmin's bracketing method and Newton steps.

use argmin::{
    core::{CostFunction, Error, Executor, State},
    solver::brent::BrentRoot,
};

use crate::{error::FitError, likelihood::ShapeEquation};

/// Required accuracy of the shape equation, relative to its unknown `1 / shape`.
const RESIDUAL: f64 = 1e-12;
/// How far the bracketing method goes, relative to the lower bound of the root; quadratic
/// convergence does the rest.
const BRACKET_TOLERANCE: f64 = 1e-6;
/// More Newton steps than ever improve a root that is known to six digits.
const MAX_NEWTON_STEPS: u64 = 8;

/// A solved shape equation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(crate) s: f64,
    pub(crate) iterations: u64,
    /// `|F(s)| / s`.
    pub(crate) residual: f64,
}

/// The shape equation as argmin wants it.
struct Problem<'a>(&'a ShapeEquation);

impl CostFunction for Problem<'_> {
    type Param = f64;
    type Output = f64;

    fn cost(&self, s: &f64) -> Result<f64, Error> {
        Ok(self.0.evaluate(*s).value)
    }
}

/// Solves the shape equation within `max_iterations`, bracketing and Newton steps together.
///
/// The root never leaves its bracket, and ending without the required accuracy is an error.
pub(crate) fn solve(equation: &ShapeEquation, max_iterations: u64) -> Result<Root, FitError> {
    let (low, high) = equation.bracket();
    let result = Executor::new(
        Problem(equation),
        BrentRoot::new(low, high, BRACKET_TOLERANCE * low),
    )
    .configure(|state| state.max_iters(max_iterations))
    .timer(false)
    .run()
    .map_err(|error| FitError::Solver {
        source: error.into(),
    })?;

    let mut iterations = result.state().get_iter();
    let mut s = result.state().get_best_param().copied().unwrap_or(high);
    let mut here = equation.evaluate(s);
    for _ in 0..MAX_NEWTON_STEPS.min(max_iterations.saturating_sub(iterations)) {
        let next = (s - here.value / here.slope).clamp(low, high);
        if next == s {
            break;
        }
        let there = equation.evaluate(next);
        iterations += 1;
        // At the rounding floor steps no longer help: keep the better of the two.
        if there.value.abs() >= here.value.abs() {
            break;
        }
        (s, here) = (next, there);
    }

    let residual = here.value.abs() / s;
    // Written so that a NaN fails.
    if residual <= RESIDUAL || here.value.abs() <= equation.rounding() {
        Ok(Root {
            s,
            iterations,
            residual,
        })
    } else {
        Err(FitError::NotConverged {
            iterations,
            last_shape: equation.shape(s),
            residual,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_to_the_last_digits() {
        let tails: [&[f64]; 5] = [
            &[1.0, 2.0],
            &[1.0, 1.0, 1.0, 50.0],
            &[1e-9, 1.0, 1.0, 1.0, 1.1],
            &[1.0, 1.0 + 1e-12, 1.0 + 2e-12],
            &[1e-300, 1.0, 1e300],
        ];
        for data in tails {
            let root = solve(&ShapeEquation::new(data), 200).unwrap();
            assert!(root.residual < RESIDUAL, "{data:?}: {root:?}");
            assert!(root.iterations < 30, "{data:?}: {root:?}");
        }
    }

    #[test]
    fn running_out_of_iterations_is_an_error() {
        let equation = ShapeEquation::new(&[1.0, 1.3, 2.0, 2.2, 9.0]);
        match solve(&equation, 1) {
            Err(FitError::NotConverged {
                iterations: 1,
                last_shape,
                residual,
            }) => {
                assert!(last_shape > 0.0 && residual > RESIDUAL);
            }
            other => panic!("{other:?}"),
        }
    }
}
