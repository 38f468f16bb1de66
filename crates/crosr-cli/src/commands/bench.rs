//! `crosr bench`: the full-width network's speed on made-up pictures.

use std::time::Instant;

use crosr_data::{Batch, Normalisation};
use crosr_model::{
    BatchOutcome, DhrConfig, DhrNet, ModelCard, ModelError, Schedule, TrainParams, Trainer,
};
use serde::Serialize;

use crate::args::{BenchArgs, BenchCommand};
use crate::error::{CliError, Result};
use crate::output;

/// The measurement in the machine-readable form.
#[derive(Serialize)]
struct Speed {
    images_per_second: f64,
    batch: usize,
    threads: usize,
    device: String,
    gflops: f64,
    mode: &'static str,
    iterations: usize,
}

pub(super) fn run(command: &BenchCommand) -> Result<()> {
    let (mode, args) = match command {
        BenchCommand::Train(args) => ("train", args),
        BenchCommand::Infer(args) => ("infer", args),
    };
    if args.iters == 0 || args.batch == 0 {
        return Err(CliError::usage("--iters and --batch must be positive"));
    }
    let config = DhrConfig::cifar10(10);
    let device = crosr_model::device(&args.device)?;
    let batch = synthetic(args.batch, config.n_classes, config.image_size);
    let seconds = match command {
        BenchCommand::Train(_) => {
            let params = TrainParams {
                batch_size: args.batch.max(2),
                schedule: Schedule::Constant {
                    learning_rate: 0.01,
                },
                ..TrainParams::new(1)
            };
            let card = ModelCard {
                class_names: (0..config.n_classes)
                    .map(|class| class.to_string())
                    .collect(),
                normalisation: Normalisation::CIFAR10,
            };
            let mut trainer = Trainer::new(&config, card, params, &device)?;
            let learning_rate = 0.01;
            median(args, || {
                match trainer.train_batch(&batch, learning_rate)? {
                    BatchOutcome::Trained(_) => Ok(()),
                    // A batch that is left out would be a very fast one.
                    BatchOutcome::Bad(fault) => Err(ModelError::BadBatch {
                        epoch: 1,
                        step: 1,
                        learning_rate,
                        skipped: 0,
                        fault,
                    }),
                }
            })?
        }
        BenchCommand::Infer(_) => {
            let network = DhrNet::new(&config, 0, &device)?;
            median(args, || network.infer(&batch).map(|_| ()))?
        }
    };
    let passes = if mode == "train" { 3.0 } else { 1.0 };
    let images_per_second = args.batch as f64 / seconds;
    let speed = Speed {
        images_per_second,
        batch: args.batch,
        threads: rayon::current_num_threads(),
        device: crosr_model::device_name(&device).to_owned(),
        gflops: images_per_second * passes * config.forward_flops() as f64 * 1e-9,
        mode,
        iterations: args.iters,
    };
    if args.json {
        return output::json(&speed);
    }
    output::text(&format!(
        "{mode}: {:.1} images/s, {:.0} GFLOP/s, batch {}, {} threads, {}\n",
        speed.images_per_second, speed.gflops, speed.batch, speed.threads, speed.device
    ))
}

/// Median seconds of the timed iterations.
fn median(
    args: &BenchArgs,
    mut work: impl FnMut() -> std::result::Result<(), crosr_model::ModelError>,
) -> Result<f64> {
    for _ in 0..args.warmup {
        work()?;
    }
    let mut seconds = Vec::with_capacity(args.iters);
    for _ in 0..args.iters {
        let start = Instant::now();
        work()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(0.5 * (seconds[(args.iters - 1) / 2] + seconds[args.iters / 2]))
}

/// Pictures without meaning, with values like normalised ones.
fn synthetic(n: usize, n_classes: usize, size: usize) -> Batch {
    let values = n * 3 * size * size;
    let image = |i: usize| {
        // A few rounds of a linear congruence are random enough for a stopwatch.
        let bits = (i as u32)
            .wrapping_mul(747_796_405)
            .wrapping_add(2_891_336_453);
        let bits = (bits >> 16 ^ bits).wrapping_mul(277_803_737);
        bits as f32 / u32::MAX as f32 * 4.0 - 2.0
    };
    Batch {
        images: (0..values).map(image).collect(),
        shape: [n, 3, size, size],
        labels: (0..n).map(|i| Some(i % n_classes)).collect(),
        indices: (0..n).collect(),
    }
}
