//! What is trained, and how: flags, and defaults for what they leave open.

use std::path::PathBuf;

use crosr_data::Augmentation;
use crosr_model::{ReconstructionActivation, Schedule, TrainParams};

use super::{TrainPlan, source_of};
use crate::args::{AugmentName, DatasetName, Preset, ReconstructionName, ScheduleName, TrainArgs};
use crate::error::{CliError, Result};

impl TrainPlan {
    /// Fills in what the flags leave open and checks the rest.
    pub(crate) fn resolve(flags: TrainArgs) -> Result<Self> {
        let preset = flags.preset.unwrap_or_default();
        let reference = preset == Preset::Reference;
        let dataset = flags.dataset.unwrap_or(DatasetName::Cifar10);
        let epochs = flags.epochs.unwrap_or(40);
        let schedule_name = flags.schedule.unwrap_or(ScheduleName::OneCycle);
        let learning_rate = flags.learning_rate.unwrap_or(0.05);
        let step_every = flags.step_every.unwrap_or(epochs.div_ceil(3));
        let step_factor = flags.step_factor.unwrap_or(0.1);
        let defaults = TrainParams::new(epochs);
        // As docs/RESULTS.md has it; the reference keeps the usual values.
        let (weight_decay, conv_dropout, fc_dropout) = if reference {
            (defaults.weight_decay, 0.25, 0.5)
        } else {
            (1e-3, 0.15, 0.4)
        };
        let choices = TrainArgs {
            dataset: Some(dataset),
            data_dir: Some(flags.data_dir.unwrap_or_else(|| PathBuf::from("data"))),
            preset: Some(preset),
            epochs: Some(epochs),
            batch_size: Some(flags.batch_size.unwrap_or(defaults.batch_size)),
            learning_rate: Some(learning_rate),
            schedule: Some(schedule_name),
            step_every: Some(step_every),
            step_factor: Some(step_factor),
            momentum: Some(flags.momentum.unwrap_or(defaults.momentum)),
            clip_gradients: Some(flags.clip_gradients.unwrap_or(0.0)),
            skip_bad_batches: Some(flags.skip_bad_batches.unwrap_or(defaults.skip_bad_batches)),
            weight_decay: Some(flags.weight_decay.unwrap_or(weight_decay)),
            decay_all: Some(flags.decay_all.unwrap_or(reference)),
            label_smoothing: Some(flags.label_smoothing.unwrap_or(defaults.label_smoothing)),
            reconstruction_weight: Some(
                flags
                    .reconstruction_weight
                    .unwrap_or(defaults.reconstruction_weight),
            ),
            reconstruction: Some(flags.reconstruction.unwrap_or(if reference {
                ReconstructionName::Relu
            } else {
                ReconstructionName::Identity
            })),
            width: Some(flags.width.unwrap_or(1.0)),
            conv_dropout: Some(flags.conv_dropout.unwrap_or(conv_dropout)),
            fc_dropout: Some(flags.fc_dropout.unwrap_or(fc_dropout)),
            image_size: Some(flags.image_size.unwrap_or(32)),
            augment: Some(flags.augment.unwrap_or(if reference {
                AugmentName::Reference
            } else if dataset.is_written() {
                AugmentName::Crop
            } else {
                AugmentName::FlipCrop
            })),
            erase: Some(flags.erase.unwrap_or(0)),
            shuffle: Some(flags.shuffle.unwrap_or(!reference)),
            held_out: Some(flags.held_out.unwrap_or(0.1)),
            seed: Some(flags.seed.unwrap_or(0)),
            device: Some(flags.device.unwrap_or_else(|| "auto".to_owned())),
            known_classes: flags.known_classes,
            out: flags.out,
            resume: flags.resume,
            overwrite: flags.overwrite,
            json: flags.json,
            config: flags.config,
            limit: flags.limit,
        };
        let part = choices.held_out.unwrap_or(0.0);
        if !(0.0..1.0).contains(&part) {
            return Err(CliError::usage(format!(
                "--held-out {part}: at least 0 and below 1"
            )));
        }
        let width = choices.width.unwrap_or(1.0);
        if !(width > 0.0 && width <= 64.0) {
            return Err(CliError::usage(format!(
                "--width {width}: above 0, at most 64"
            )));
        }
        let schedule = match schedule_name {
            ScheduleName::OneCycle => Schedule::OneCycle {
                peak: learning_rate,
                warm_up: 0.3,
            },
            ScheduleName::Step => Schedule::Step {
                learning_rate,
                factor: step_factor,
                every: step_every,
            },
            ScheduleName::Constant => Schedule::Constant { learning_rate },
        };
        let params = TrainParams {
            epochs,
            batch_size: choices.batch_size.unwrap_or(defaults.batch_size),
            schedule,
            momentum: choices.momentum.unwrap_or(defaults.momentum),
            weight_decay: choices.weight_decay.unwrap_or(defaults.weight_decay),
            decay_all: choices.decay_all.unwrap_or(defaults.decay_all),
            label_smoothing: choices.label_smoothing.unwrap_or(defaults.label_smoothing),
            reconstruction_weight: choices
                .reconstruction_weight
                .unwrap_or(defaults.reconstruction_weight),
            clip_gradients: choices.clip_gradients.filter(|&limit| limit != 0.0),
            skip_bad_batches: choices
                .skip_bad_batches
                .unwrap_or(defaults.skip_bad_batches),
            augmentation: Some(Augmentation {
                erased_side: choices.erase.unwrap_or(0),
                ..match choices.augment {
                    Some(AugmentName::None) => Augmentation::none(),
                    Some(AugmentName::Reference) => Augmentation::reference(),
                    Some(AugmentName::Crop) => Augmentation {
                        horizontal_flip: 0.0,
                        ..Augmentation::flip_and_crop()
                    },
                    _ => Augmentation::flip_and_crop(),
                }
            }),
            shuffle: choices.shuffle.unwrap_or(true),
            seed: choices.seed.unwrap_or(0),
        };
        params.check()?;
        let reconstruction = match choices.reconstruction {
            Some(ReconstructionName::Relu) => ReconstructionActivation::Relu,
            _ => ReconstructionActivation::Identity,
        };
        Ok(Self {
            source: source_of(&choices, None),
            choices,
            params,
            reconstruction,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_clipped_and_bad_batches_skipped_on_demand() {
        let plan = |clip_gradients, skip_bad_batches| {
            TrainPlan::resolve(TrainArgs {
                clip_gradients,
                skip_bad_batches,
                ..TrainArgs::default()
            })
        };
        let limits = |plan: &TrainPlan| (plan.params.clip_gradients, plan.params.skip_bad_batches);
        let off = plan(None, None).expect("the defaults make sense");
        assert_eq!(limits(&off), (None, 0));
        assert_eq!(off.choices.clip_gradients, Some(0.0));
        let off = plan(Some(0.0), Some(0)).expect("0 is off");
        assert_eq!(limits(&off), (None, 0));
        let on = plan(Some(2.5), Some(3)).expect("both make sense");
        assert_eq!(limits(&on), (Some(2.5), 3));
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            let error = plan(Some(bad), None).map(|_| ()).expect_err("no limit");
            assert!(error.to_string().contains("gradient limit"), "{error}");
        }
    }
}
