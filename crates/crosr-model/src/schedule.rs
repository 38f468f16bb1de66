//! Learning rate over the course of a training.

use serde::{Deserialize, Serialize};

/// Learning rate as a function of progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Schedule {
    /// The same at every step.
    Constant {
        /// The rate.
        learning_rate: f64,
    },
    /// Multiplied by `factor` after every `every` epochs, as in the published training.
    Step {
        /// The first rate.
        learning_rate: f64,
        /// What a step multiplies it with.
        factor: f64,
        /// Epochs between steps.
        every: usize,
    },
    /// Rises along a cosine from `peak / 25` to `peak` over the first `warm_up` of the steps, then
    /// falls along a cosine to `peak / 250,000` (Smith and Topin, arXiv 1708.07120, in the form
    /// with cosine annealing).
    OneCycle {
        /// The highest rate.
        peak: f64,
        /// Part of the steps that rise, between 0 and 1.
        warm_up: f64,
    },
}

impl Schedule {
    /// Rate at step `step` (from 0) of `epochs * steps_per_epoch`.
    pub fn learning_rate(&self, step: u64, steps_per_epoch: u64, epochs: u64) -> f64 {
        match *self {
            Self::Constant { learning_rate } => learning_rate,
            Self::Step {
                learning_rate,
                factor,
                every,
            } => {
                let epoch = step / steps_per_epoch.max(1);
                let steps = i32::try_from(epoch / every.max(1) as u64).unwrap_or(i32::MAX);
                learning_rate * factor.powi(steps)
            }
            Self::OneCycle { peak, warm_up } => {
                let steps = steps_per_epoch.saturating_mul(epochs);
                let last = steps.saturating_sub(1).max(1) as f64;
                let turn = (warm_up * last).clamp(0.0, last);
                let at = (step as f64).min(last);
                let start = peak / 25.0;
                let between = |from: f64, to: f64, part: f64| {
                    to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
                };
                if at < turn {
                    between(start, peak, at / turn)
                } else {
                    let part = if last > turn {
                        (at - turn) / (last - turn)
                    } else {
                        0.0
                    };
                    between(peak, start / 1e4, part)
                }
            }
        }
    }

    /// The highest rate it ever gives.
    pub fn peak(&self) -> f64 {
        match *self {
            Self::Constant { learning_rate } | Self::Step { learning_rate, .. } => learning_rate,
            Self::OneCycle { peak, .. } => peak,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cycle_starts_peaks_and_ends() {
        let schedule = Schedule::OneCycle {
            peak: 0.1,
            warm_up: 0.3,
        };
        let at = |step| schedule.learning_rate(step, 101, 1);
        assert!((at(0) - 0.004).abs() < 1e-15);
        assert!((at(30) - 0.1).abs() < 1e-15);
        assert!((at(100) - 0.1 / 250_000.0).abs() < 1e-15);
        assert!((at(15) - 0.052).abs() < 1e-15, "half-way up is the mean");
        assert!(
            (at(65) - 0.5 * (0.1 + 4e-7)).abs() < 1e-12,
            "half-way down too"
        );
        assert_eq!(at(500), at(100), "past the end it stays");
    }

    #[test]
    fn steps_fall_between_epochs() {
        let schedule = Schedule::Step {
            learning_rate: 1.0,
            factor: 0.1,
            every: 2,
        };
        let rates: Vec<f64> = (0..5)
            .map(|epoch| schedule.learning_rate(epoch * 10 + 9, 10, 5))
            .collect();
        for (found, wanted) in rates.iter().zip([1.0, 1.0, 0.1, 0.1, 0.01]) {
            assert!((found - wanted).abs() < 1e-12);
        }
    }

    #[test]
    fn one_step_or_none_is_no_division_by_zero() {
        let schedule = Schedule::OneCycle {
            peak: 0.1,
            warm_up: 1.0,
        };
        for (step, per_epoch, epochs) in [(0, 1, 1), (0, 0, 0), (3, 2, 2)] {
            assert!(schedule.learning_rate(step, per_epoch, epochs).is_finite());
        }
    }
}
