//! Numbers that go wrong in training: what is refused, what may be skipped, what is left as it was.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use crosr_data::{Batch, DataError, Dataset, Image, Normalisation, PixelFormat, Sample};
use crosr_model::{
    BatchFault, BatchOutcome, DhrConfig, EpochReport, ModelCard, ModelError, Schedule, TrainParams,
    Trainer,
};
use safetensors::SafeTensors;

const SIDE: usize = 16;
const BATCH: usize = 8;

fn config() -> DhrConfig {
    DhrConfig {
        image_size: SIDE,
        latent_channels: 4,
        hidden: 16,
        widths: [8, 16, 16],
        ..DhrConfig::cifar10(3)
    }
}

fn card(normalisation: Normalisation) -> ModelCard {
    ModelCard {
        class_names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        normalisation,
    }
}

fn params() -> TrainParams {
    TrainParams {
        batch_size: BATCH,
        schedule: Schedule::OneCycle {
            peak: 0.02,
            warm_up: 0.3,
        },
        ..TrainParams::new(4)
    }
}

fn trainer(params: TrainParams) -> Trainer {
    let card = card(Normalisation::HALF);
    Trainer::new(&config(), card, params, &Device::Cpu).expect("a sound shape")
}

fn noise(i: usize) -> u64 {
    let z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^ (z >> 31)
}

/// Pictures of noise, normalised.
fn batch(first: usize) -> Batch {
    let len = BATCH * 3 * SIDE * SIDE;
    let value = |i| (noise(first + i) % 1000) as f32 / 500.0 - 1.0;
    Batch {
        images: (0..len).map(value).collect(),
        shape: [BATCH, 3, SIDE, SIDE],
        labels: (0..BATCH).map(|i| Some(i % 3)).collect(),
        indices: (0..BATCH).collect(),
    }
}

/// Every parameter, running statistic and velocity.
fn contents(trainer: &Trainer) -> Vec<(String, Vec<u8>)> {
    let state = trainer.state().expect("in main memory");
    let file = SafeTensors::deserialize(&state).expect("just written");
    let mut tensors: Vec<_> = file
        .iter()
        .map(|(name, view)| (name.to_owned(), view.data().to_vec()))
        .collect();
    tensors.sort();
    tensors
}

/// A training state with some parameters set to one value, or to the values of a function.
fn altered(state: &[u8], changes: &[(&str, &dyn Fn(usize) -> f32)]) -> Vec<u8> {
    let (header, metadata) = SafeTensors::read_metadata(state).expect("just written");
    let mut bytes = state.to_vec();
    for (name, value) in changes {
        let info = metadata.info(&format!("parameter/{name}")).expect("there");
        let (start, end) = info.data_offsets;
        let data = &mut bytes[8 + header + start..8 + header + end];
        for (i, chunk) in data.chunks_exact_mut(4).enumerate() {
            chunk.copy_from_slice(&value(i).to_le_bytes());
        }
    }
    bytes
}

fn resumed(state: &[u8], params: TrainParams) -> Trainer {
    Trainer::resume(state, Path::new("last"), params, &Device::Cpu).expect("a sound state")
}

fn fault(trainer: &mut Trainer, batch: &Batch) -> BatchFault {
    match trainer.train_batch(batch, 0.01).expect("labelled") {
        BatchOutcome::Bad(fault) => fault,
        BatchOutcome::Trained(losses) => panic!("trained: {losses:?}"),
    }
}

#[test]
fn a_bad_batch_leaves_everything_as_it_was() {
    let mut trainer = trainer(params());
    trainer.train_batch(&batch(0), 0.01).expect("a good one");
    let before = contents(&trainer);
    for (value, everywhere) in [
        (f32::NAN, false),
        (f32::INFINITY, false),
        (f32::NEG_INFINITY, true),
        (1e25, false),
        (3e4, true),
    ] {
        let mut bad = batch(1);
        if everywhere {
            bad.images.fill(value);
        } else {
            bad.images[1234] = value;
        }
        let fault = fault(&mut trainer, &bad);
        if value == 3e4 {
            assert!(matches!(fault, BatchFault::Explosion { .. }), "{fault}");
        } else {
            assert!(matches!(fault, BatchFault::Loss { .. }), "{fault}");
        }
        assert!(contents(&trainer) == before, "{value}");
    }
    assert_eq!(trainer.skipped_batches(), 5);
    let good = trainer.train_batch(&batch(2), 0.01).expect("labelled");
    assert!(matches!(good, BatchOutcome::Trained(_)), "{good:?}");
    assert!(contents(&trainer) != before);
}

/// A finite loss whose gradient is not: two units cancel each other in the logits, but not in what
/// they send back.
#[test]
fn gradients_that_are_not_finite_reach_no_parameter() {
    let quiet = DhrConfig {
        fc_dropout: 0.0,
        conv_dropout: 0.0,
        ..config()
    };
    let card = card(Normalisation::HALF);
    let fresh = Trainer::new(&quiet, card, params(), &Device::Cpu).expect("a sound shape");
    let huge = |i: usize| {
        let (class, unit) = (i / 16, i % 16);
        let sign = if class == 0 { 1.0 } else { -1.0 };
        match unit {
            0 => 1e38 * sign,
            1 => -1e38 * sign,
            _ => 0.0,
        }
    };
    let state = altered(
        &fresh.state().expect("in main memory"),
        &[
            ("fc4.weight", &|_| 0.0),
            ("fc4.bias", &|_| 1e5),
            ("fc5.weight", &|_| 0.0),
            ("fc5.bias", &|_| 1.0),
            ("fc6.weight", &huge),
        ],
    );
    let mut trainer = resumed(&state, params());
    let before = contents(&trainer);
    let fault = fault(&mut trainer, &batch(0));
    assert!(matches!(fault, BatchFault::Gradients { loss } if loss.is_finite()));
    assert!(contents(&trainer) == before);

    // A variance beyond single precision, which normalisation hides from the loss.
    let state = altered(
        &fresh.state().expect("in main memory"),
        &[("conv1_1.weight", &|i| if i % 2 == 0 { 1e25 } else { -3e24 })],
    );
    let mut trainer = resumed(&state, params());
    let before = contents(&trainer);
    let fault = self::fault(&mut trainer, &batch(0));
    assert!(matches!(fault, BatchFault::Statistics { .. }), "{fault}");
    assert!(contents(&trainer) == before);
}

/// Noise in green and blue; red is black but for the bad samples, which the normalisation blows
/// up beyond what single precision holds.
struct Poisoned {
    names: Vec<String>,
    bad: Vec<usize>,
    len: usize,
}

impl Poisoned {
    const NORMALISATION: Normalisation = Normalisation {
        mean: [0.0, 0.5, 0.5],
        std: [1e-22, 0.5, 0.5],
    };

    fn new(len: usize, bad: &[usize]) -> Arc<Self> {
        Arc::new(Self {
            names: card(Normalisation::HALF).class_names,
            bad: bad.to_vec(),
            len,
        })
    }

    fn trainer(params: TrainParams) -> Trainer {
        let card = card(Self::NORMALISATION);
        Trainer::new(&config(), card, params, &Device::Cpu).expect("a sound shape")
    }
}

impl Dataset for Poisoned {
    fn class_names(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        self.len
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        let red = if self.bad.contains(&index) { 255 } else { 0 };
        let pixel = |i: usize| match i % 3 {
            0 => red,
            _ => noise(index * 1000 + i) as u8,
        };
        let pixels = (0..3 * SIDE * SIDE).map(pixel).collect();
        Ok(Sample {
            image: Image::new(SIDE, SIDE, PixelFormat::Rgb, pixels)?,
            label: Some(index % 3),
        })
    }
}

fn skipping(skip_bad_batches: u64) -> TrainParams {
    TrainParams {
        skip_bad_batches,
        clip_gradients: Some(1.0),
        ..params()
    }
}

fn epochs(trainer: &mut Trainer, data: &Arc<Poisoned>, n: usize) -> Vec<EpochReport> {
    (0..n)
        .map(|_| trainer.run_epoch(data.clone(), &mut |_| {}))
        .collect::<Result<_, _>>()
        .expect("bad batches are skipped")
}

#[test]
fn the_first_bad_batch_stops_unless_it_may_be_skipped() {
    let data = Poisoned::new(40, &[17]);
    let mut trainer = Poisoned::trainer(skipping(0));
    let mut good = 0;
    let error = trainer
        .run_epoch(data.clone(), &mut |step| {
            assert_eq!(step.fault, None);
            good += 1;
        })
        .expect_err("one sample is bad");
    let text = error.to_string();
    for part in [
        "the loss is inf at epoch 1",
        &format!("step {}, learning rate ", good + 1),
        "smaller learning rate",
        "--clip-gradients",
        "--skip-bad-batches 10",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(text.lines().count(), 1);

    let mut trainer = Poisoned::trainer(skipping(2));
    for epoch in 1..=2 {
        let mut faults = Vec::new();
        let report = trainer
            .run_epoch(data.clone(), &mut |step| {
                faults.extend(step.fault.map(|fault| (step.epoch, step.step, fault)));
            })
            .expect("may be skipped");
        assert_eq!(report.skipped_batches, 1);
        assert_eq!(report.images, 4 * BATCH);
        assert!(report.train_loss.is_finite());
        assert!(
            matches!(faults[..], [(e, 1..=5, BatchFault::Loss { .. })] if e == epoch),
            "{faults:?}"
        );
    }
    let error = trainer.run_epoch(data, &mut |_| {}).expect_err("the third");
    assert!(matches!(
        error,
        ModelError::BadBatch {
            epoch: 3,
            skipped: 2,
            ..
        }
    ));
    assert!(error.to_string().contains("after 2 bad batches"), "{error}");
}

#[test]
fn an_epoch_of_bad_batches_alone_stops() {
    let data = Poisoned::new(24, &[1, 9, 17]);
    let params = TrainParams {
        shuffle: false,
        ..skipping(1000)
    };
    let error = Poisoned::trainer(params).run_epoch(data, &mut |_| {});
    assert!(matches!(error, Err(ModelError::BadBatch { .. })));
}

#[test]
fn a_resumed_training_skips_the_same_batches_to_the_same_bits() {
    let data = Poisoned::new(40, &[3, 30]);
    let train = |threads: usize, stop: Option<usize>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().expect("threads").install(|| {
            let mut trainer = Poisoned::trainer(skipping(8));
            let first = stop.unwrap_or(4);
            let mut reports = epochs(&mut trainer, &data, first);
            if first < 4 {
                trainer = resumed(&trainer.state().expect("in main memory"), skipping(8));
                reports.extend(epochs(&mut trainer, &data, 4 - first));
            }
            let skipped: Vec<usize> = reports.iter().map(|r| r.skipped_batches).collect();
            assert_eq!(
                skipped.iter().sum::<usize>() as u64,
                trainer.skipped_batches()
            );
            (trainer.state().expect("in main memory"), skipped)
        })
    };
    let whole = train(1, None);
    assert!(whole.1.iter().sum::<usize>() >= 4, "{:?}", whole.1);
    assert!(whole == train(3, Some(2)));
    assert!(whole == train(2, Some(1)));
    let (_, header) = SafeTensors::read_metadata(&whole.0).expect("just written");
    let metadata = header.metadata().clone().expect("written");
    // A skipped batch had its turn.
    assert_eq!(metadata["steps_done"], "20");
}

#[test]
fn a_step_is_no_longer_than_clipping_allows() {
    let plain = |clip_gradients| TrainParams {
        momentum: 0.0,
        weight_decay: 0.0,
        clip_gradients,
        ..params()
    };
    let step = |clip| {
        let mut trainer = trainer(plain(clip));
        let parameters = |t: &Trainer| -> Vec<f32> {
            let tensors = t.network().named_tensors().into_iter();
            tensors
                .filter(|(name, _)| !name.contains(".running_"))
                .flat_map(|(_, t)| t.flatten_all().unwrap().to_vec1::<f32>().unwrap())
                .collect()
        };
        let before = parameters(&trainer);
        trainer.train_batch(&batch(0), 0.5).expect("a good one");
        let after = parameters(&trainer);
        let squares = before.iter().zip(&after);
        let moved: f64 = squares.map(|(b, a)| f64::from(a - b).powi(2)).sum();
        (moved.sqrt() / 0.5, after)
    };
    let (free, unclipped) = step(None);
    assert!(free > 0.5, "{free}");
    let (clipped, _) = step(Some(0.25));
    assert!((clipped / 0.25 - 1.0).abs() < 1e-3, "{clipped}");
    // A limit that is not reached changes no bit.
    assert!(step(Some(1e6)).1 == unclipped);
}

#[test]
fn parameters_that_an_update_breaks_are_seen_at_once() {
    let mut trainer = trainer(TrainParams {
        schedule: Schedule::Constant {
            learning_rate: 3e38,
        },
        reconstruction_weight: 1e3,
        ..params()
    });
    let data = Poisoned::new(BATCH, &[]);
    let error = trainer.run_epoch(data, &mut |_| {}).expect_err("too fast");
    assert!(
        matches!(error, ModelError::ParametersNotFinite { epoch: 1, .. }),
        "{error}"
    );
    assert_eq!(trainer.epochs_done(), 0);
}

#[test]
fn a_learning_rate_that_is_no_number_is_refused() {
    let rate = trainer(params()).train_batch(&batch(0), f64::NAN);
    assert!(matches!(rate, Err(ModelError::TrainParam { .. })));
}
