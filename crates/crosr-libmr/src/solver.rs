//! The root of the shape equation, by a safeguarded method that argmin drives.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use argmin::core::{
    ArgminError, Error, Executor, KV, Problem, Solver, State, TerminationReason, TerminationStatus,
};

use crate::{error::FitError, likelihood::ShapeEquation, moments::Moments};

/// Required accuracy of the shape equation, relative to its unknown `1 / shape`.
const RESIDUAL: f64 = 1e-12;
/// A step below this part of the unknown, or of the width over which the equation changes, is
/// the last one: convergence is cubic.
const LAST_STEP: f64 = 1e-3;
/// A relative correction below this changes the moments by its first two orders only, to the
/// rounding of a double.
const SMALL_CORRECTION: f64 = 1e-8;
/// More exact Newton steps than ever improve a root that is known to twelve digits.
const MAX_EXACT_STEPS: u64 = 8;

/// A solved shape equation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(crate) s: f64,
    pub(crate) moments: Moments,
    pub(crate) iterations: u64,
    /// `|F(s)| / s`.
    pub(crate) residual: f64,
}

/// What argmin keeps count of. Where the search stands is [`Bracketed`]'s to know: argmin
/// moves its state in every iteration, so it is small and without heap memory.
struct SearchState {
    iterations: u64,
    max_iterations: u64,
    status: TerminationStatus,
}

impl State for SearchState {
    type Param = f64;
    type Float = f64;

    fn new() -> Self {
        SearchState {
            iterations: 0,
            max_iterations: u64::MAX,
            status: TerminationStatus::NotTerminated,
        }
    }

    fn update(&mut self) {}

    fn get_param(&self) -> Option<&f64> {
        None
    }

    fn get_best_param(&self) -> Option<&f64> {
        None
    }

    fn get_max_iters(&self) -> u64 {
        self.max_iterations
    }

    fn increment_iter(&mut self) {
        self.iterations += 1;
    }

    fn get_iter(&self) -> u64 {
        self.iterations
    }

    fn get_cost(&self) -> f64 {
        f64::INFINITY
    }

    fn get_best_cost(&self) -> f64 {
        f64::INFINITY
    }

    /// No value of the equation ends the search, only a small step does.
    fn get_target_cost(&self) -> f64 {
        f64::NEG_INFINITY
    }

    fn func_counts<O>(&mut self, _problem: &Problem<O>) {}

    fn get_func_counts(&self) -> &HashMap<String, u64> {
        static NONE: LazyLock<HashMap<String, u64>> = LazyLock::new(HashMap::new);
        &NONE
    }

    fn time(&mut self, _time: Option<Duration>) -> &mut Self {
        self
    }

    fn get_time(&self) -> Option<Duration> {
        None
    }

    fn get_last_best_iter(&self) -> u64 {
        self.iterations
    }

    fn is_best(&self) -> bool {
        true
    }

    fn terminate_with(mut self, reason: TerminationReason) -> Self {
        self.status = TerminationStatus::Terminated(reason);
        self
    }

    fn get_termination_status(&self) -> &TerminationStatus {
        &self.status
    }

    fn get_termination_reason(&self) -> Option<&TerminationReason> {
        match &self.status {
            TerminationStatus::Terminated(reason) => Some(reason),
            TerminationStatus::NotTerminated => None,
        }
    }
}

/// Steps of [`ShapeEquation::step`] inside a shrinking bracket.
///
/// A step that would leave the bracket is replaced by Newton's, one that leaves it too, or
/// follows a step that did not halve the equation's value, by the middle of the bracket in
/// logarithms. So the bracket shrinks whatever happens, and the search cannot diverge.
struct Bracketed {
    low: f64,
    high: f64,
    /// The present point.
    s: f64,
    /// `|F|` at the point before.
    value: f64,
    /// The third moment there.
    skew: f64,
}

impl Bracketed {
    /// From a start inside the bracket of the equation, if it has one there.
    fn new(equation: &ShapeEquation) -> Self {
        let (low, high) = equation.bracket();
        let s = match equation.start() {
            start if low < start && start < high => start,
            _ => low.sqrt() * high.sqrt(),
        };
        Bracketed {
            low,
            high,
            s,
            value: f64::INFINITY,
            skew: 0.0,
        }
    }

    /// One step; whether it was the last.
    fn advance(&mut self, equation: &ShapeEquation) -> bool {
        let s = self.s;
        let moments = equation.moments(s);
        let value = equation.value(s, &moments);
        if value > 0.0 {
            self.low = s;
        } else {
            self.high = s;
        }

        let inside = |next: f64| self.low < next && next < self.high;
        let slow = value.abs() > 0.5 * self.value;
        let slope = equation.slope(s, &moments);
        // Where there is nothing left to correct, a step would be made of rounding.
        let mut next = if value == 0.0 {
            s
        } else {
            equation.step(s, &moments)
        };
        if value != 0.0 && (slow || !inside(next)) {
            next = s - value / slope;
            if slow || !inside(next) {
                // The middle of a bracket of neighbours may be either of them.
                next = (self.low.sqrt() * self.high.sqrt()).clamp(self.low, self.high);
            }
        }
        self.value = value.abs();
        self.skew = moments.skew;
        self.s = next;
        // Weights of very different size make a cliff of the equation, where a step is small
        // however far the root: a last step is small against the cliff's width too.
        (next - s).abs() * slope.abs().sqrt() <= LAST_STEP * s
    }
}

impl Solver<&ShapeEquation, SearchState> for Bracketed {
    fn name(&self) -> &str {
        "bracketed gamma steps"
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<&ShapeEquation>,
        mut state: SearchState,
    ) -> Result<(SearchState, Option<KV>), Error> {
        // Read directly: argmin's counting wrapper would allocate in every fit.
        let Some(equation) = problem.problem else {
            return Err(ArgminError::NotInitialized {
                text: "the shape equation was taken away".to_owned(),
            }
            .into());
        };
        if self.advance(equation) {
            state = state.terminate_with(TerminationReason::SolverConverged);
        }
        Ok((state, None))
    }
}

/// Solves the shape equation within `max_iterations`, bracketing and exact steps together.
///
/// The root never leaves its bracket, and ending without the required accuracy is an error.
pub(crate) fn solve(equation: &ShapeEquation, max_iterations: u64) -> Result<Root, FitError> {
    let result = Executor::new(equation, Bracketed::new(equation))
        .configure(|state: SearchState| SearchState {
            max_iterations,
            ..state
        })
        .timer(false)
        .ctrlc(false)
        .run()
        .map_err(|error| FitError::Solver {
            source: error.into(),
        })?;
    polish(
        equation,
        &result.solver,
        result.state.iterations,
        max_iterations,
    )
}

/// The root from where the bracketed search ended, by exact steps; an error unless it is one.
fn polish(
    equation: &ShapeEquation,
    search: &Bracketed,
    mut iterations: u64,
    max_iterations: u64,
) -> Result<Root, FitError> {
    let (low, high) = equation.bracket();
    let Bracketed { mut s, skew, .. } = *search;
    let mut moments = equation.exact_moments(s, skew);
    let mut value = equation.value(s, &moments);
    let floor = equation.rounding();
    let steps = MAX_EXACT_STEPS.min(max_iterations.saturating_sub(iterations));
    for _ in 0..steps {
        if value.abs() <= floor {
            break;
        }
        let next = (s - value / equation.slope(s, &moments)).clamp(low, high);
        if next == s {
            break;
        }
        iterations += 1;
        if (next - s).abs() <= SMALL_CORRECTION * next {
            moments = moments.shifted(s, next);
            value = equation.value(next, &moments);
            s = next;
            break;
        }
        let there = equation.exact_moments(next, skew);
        let value_there = equation.value(next, &there);
        // At the rounding floor steps no longer help: keep the better of the two.
        if value_there.abs() >= value.abs() {
            break;
        }
        (s, moments, value) = (next, there, value_there);
    }

    let mut root = Root {
        s,
        moments,
        iterations,
        residual: value.abs() / s,
    };
    if !root.is_solved(equation) {
        root = halved(equation, (low, high), root, max_iterations);
    }
    // Written so that a NaN fails.
    if root.is_solved(equation) {
        Ok(root)
    } else {
        Err(FitError::NotConverged {
            iterations: root.iterations,
            last_shape: equation.shape(root.s),
            residual: root.residual,
        })
    }
}

impl Root {
    /// Whether the equation is solved as well as required, or as well as its rounding allows.
    fn is_solved(&self, equation: &ShapeEquation) -> bool {
        let value = self.residual * self.s;
        // Far from the root the variance is rounding, and says nothing of the equation's.
        let near = value <= self.moments.variance.sqrt();
        self.residual <= RESIDUAL
            || value <= equation.rounding()
            || near && value <= equation.conditioned_rounding(self.s, &self.moments)
    }
}

/// Halves the whole bracket, in logarithms, until the equation is solved.
///
/// For weights so different that the equation is a staircase, of which steps by slope and
/// curvature see one stair only.
fn halved(
    equation: &ShapeEquation,
    (mut low, mut high): (f64, f64),
    from: Root,
    max_iterations: u64,
) -> Root {
    let mut root = from;
    while root.iterations < max_iterations && !root.is_solved(equation) {
        let s = low.sqrt() * high.sqrt();
        if !(low < s && s < high) {
            break;
        }
        let moments = equation.exact_moments(s, root.moments.skew);
        let value = equation.value(s, &moments);
        if value > 0.0 {
            low = s;
        } else {
            high = s;
        }
        root = Root {
            s,
            moments,
            iterations: root.iterations + 1,
            residual: value.abs() / s,
        };
    }
    root
}

#[cfg(test)]
mod tests;
