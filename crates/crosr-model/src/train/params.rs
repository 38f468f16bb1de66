//! How to train.

use crosr_data::Augmentation;

use crate::error::{ModelError, Result};
use crate::schedule::Schedule;

/// How to train. [`TrainParams::new`] gives documented defaults.
#[derive(Clone, Debug)]
pub struct TrainParams {
    /// Passes over the training data.
    pub epochs: usize,
    /// Pictures per step; 128 by default.
    pub batch_size: usize,
    /// Learning rate; one cycle with a peak of 0.05 by default.
    pub schedule: Schedule,
    /// Momentum of SGD; 0.9 by default.
    pub momentum: f64,
    /// L2 coefficient of SGD; 5e-4 by default.
    pub weight_decay: f64,
    /// Whether L2 also pulls biases, batch norms and the reconstruction branch towards zero, as
    /// PyTorch's SGD does unless told otherwise; true by default. The shallow latent alone
    /// reconstructs a picture well, so that L2 starves the deeper ones.
    pub decay_all: bool,
    /// Part of each target that is spread evenly over all classes (Szegedy et al., arXiv
    /// 1512.00567, Section 7); 0 by default.
    pub label_smoothing: f64,
    /// λ of cross-entropy + λ · MSE; 1 by default.
    pub reconstruction_weight: f64,
    /// Largest Euclidean norm of a step's gradients, all parameters together, before weight decay;
    /// longer ones are shortened to it. `None` by default: no limit.
    pub clip_gradients: Option<f64>,
    /// Bad batches ([`crate::BatchFault`]) that are left out, counted over the whole training,
    /// resumed or not; the next one after them stops it. 0 by default.
    ///
    /// A batch that is left out has its turn in order, learning rate and dropout, so that the
    /// others are trained on as if it had been a good one.
    pub skip_bad_batches: u64,
    /// Changes to training pictures; flip and crop by default.
    pub augmentation: Option<Augmentation>,
    /// Visit the training data in a fresh order each epoch; true by default. The published
    /// implementation does not.
    pub shuffle: bool,
    /// Fixes weights, order, augmentation and dropout; 0 by default.
    pub seed: u64,
}

impl TrainParams {
    /// The defaults, for `epochs` passes.
    pub fn new(epochs: usize) -> Self {
        Self {
            epochs,
            batch_size: 128,
            schedule: Schedule::OneCycle {
                peak: 0.05,
                warm_up: 0.3,
            },
            momentum: 0.9,
            weight_decay: 5e-4,
            decay_all: true,
            label_smoothing: 0.0,
            reconstruction_weight: 1.0,
            clip_gradients: None,
            skip_bad_batches: 0,
            augmentation: Some(Augmentation::flip_and_crop()),
            shuffle: true,
            seed: 0,
        }
    }

    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// [`ModelError::TrainParam`] naming the setting.
    pub fn check(&self) -> Result<()> {
        let bad = |field, value: String, wanted| {
            Err(ModelError::TrainParam {
                field,
                value,
                wanted,
            })
        };
        let rate = self.schedule.peak();
        if self.epochs == 0 {
            return bad("epochs", "0".to_owned(), "at least 1");
        }
        if self.batch_size < 2 {
            return bad("batch size", self.batch_size.to_string(), "at least 2");
        }
        if !(rate > 0.0 && (rate as f32).is_finite()) {
            return bad("learning rate", rate.to_string(), "a positive number");
        }
        match self.schedule {
            Schedule::Step { factor, .. } if !(factor > 0.0 && factor.is_finite()) => {
                return bad("step factor", factor.to_string(), "a positive number");
            }
            Schedule::OneCycle { warm_up, .. } if !(0.0..=1.0).contains(&warm_up) => {
                return bad("warm-up", warm_up.to_string(), "between 0 and 1");
            }
            _ => {}
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return bad(
                "momentum",
                self.momentum.to_string(),
                "at least 0 and below 1",
            );
        }
        if !(self.weight_decay >= 0.0 && (self.weight_decay as f32).is_finite()) {
            return bad(
                "weight decay",
                self.weight_decay.to_string(),
                "0 or a positive number",
            );
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return bad(
                "label smoothing",
                self.label_smoothing.to_string(),
                "at least 0 and below 1",
            );
        }
        let weight = self.reconstruction_weight;
        if !(weight >= 0.0 && weight.is_finite()) {
            return bad(
                "reconstruction weight",
                weight.to_string(),
                "0 or a positive number",
            );
        }
        match self.clip_gradients {
            Some(limit) if !(limit > 0.0 && limit.is_finite()) => {
                bad("gradient limit", limit.to_string(), "a positive number")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let good = TrainParams::new(1);
        assert!(good.check().is_ok());
        let clip = |limit| TrainParams {
            clip_gradients: Some(limit),
            ..good.clone()
        };
        let with = |schedule| TrainParams {
            schedule,
            ..good.clone()
        };
        let step = |factor| {
            with(Schedule::Step {
                learning_rate: 0.1,
                factor,
                every: 1,
            })
        };
        let warm_up = |warm_up| with(Schedule::OneCycle { peak: 0.1, warm_up });
        let constant = |learning_rate| with(Schedule::Constant { learning_rate });
        for (wanted, params) in [
            ("gradient limit", clip(0.0)),
            ("gradient limit", clip(-1.0)),
            ("gradient limit", clip(f64::NAN)),
            ("gradient limit", clip(f64::INFINITY)),
            ("step factor", step(f64::NAN)),
            ("step factor", step(-0.1)),
            ("warm-up", warm_up(f64::NAN)),
            ("warm-up", warm_up(1.5)),
            ("learning rate", constant(0.0)),
            ("learning rate", constant(1e39)),
        ] {
            match params.check() {
                Err(ModelError::TrainParam { field, .. }) => assert_eq!(field, wanted),
                other => panic!("{wanted}: {other:?}"),
            }
        }
    }
}
