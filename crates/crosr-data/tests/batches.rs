//! Batches: contents, order, errors, and the same bits whatever the threads.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crosr_data::{
    Affine, Augmentation, Batch, BatchPlan, ColourJitter, DataError, Dataset, Fit, Image, Noise,
    Normalisation, Order, PixelFormat, Sample, Shapes, batches,
};

fn shapes(n: usize) -> Arc<dyn Dataset> {
    Arc::new(Shapes::known(n, 11))
}

fn collected(data: &Arc<dyn Dataset>, plan: &BatchPlan) -> Vec<Batch> {
    batches(data.clone(), plan)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn a_batch_holds_normalised_planes() {
    let data = shapes(5);
    let plan = BatchPlan {
        batch_size: 2,
        ..BatchPlan::default()
    };
    let all = collected(&data, &plan);
    assert_eq!(
        all.iter().map(|b| b.shape[0]).collect::<Vec<_>>(),
        [2, 2, 1]
    );
    for batch in &all {
        assert_eq!(batch.shape[1..], [3, 32, 32]);
        assert_eq!(batch.images.len(), batch.shape.iter().product::<usize>());
        for (n, &index) in batch.indices.iter().enumerate() {
            let sample = data.sample(index).unwrap();
            assert_eq!(batch.labels[n], sample.label);
            for (i, value) in batch.images[n * 3072..][..3072].iter().enumerate() {
                let v = sample.image.pixels()[i % 1024 * 3 + i / 1024];
                assert_eq!(*value, (f32::from(v) / 255.0 - 0.5) / 0.5);
            }
        }
    }
}

#[test]
fn the_last_batch_may_be_short_or_left_out() {
    // (samples, batch size, batches, batches when the last is dropped)
    for (n, batch_size, kept, dropped) in [
        (10, 4, 3, 2),
        (8, 4, 2, 2),
        (3, 4, 1, 0),
        (0, 4, 0, 0),
        (5, 1, 5, 5),
    ] {
        for (drop_last, expected) in [(false, kept), (true, dropped)] {
            let plan = BatchPlan {
                batch_size,
                drop_last,
                ..BatchPlan::default()
            };
            let mut stream = batches(shapes(n), &plan).unwrap();
            for left in (0..expected).rev() {
                assert_eq!((stream.len(), stream.is_empty()), (left + 1, false));
                stream.next().unwrap().unwrap();
            }
            assert!(stream.is_empty() && stream.next().is_none() && stream.next().is_none());
        }
    }
}

#[test]
fn an_epoch_visits_every_sample_once_in_an_order_of_its_own() {
    let order = |seed, epoch| -> Vec<usize> {
        let plan = BatchPlan {
            batch_size: 7,
            order: Order::Shuffled,
            seed,
            epoch,
            ..BatchPlan::default()
        };
        collected(&shapes(50), &plan)
            .into_iter()
            .flat_map(|batch| batch.indices)
            .collect()
    };
    let orders = [order(0, 0), order(0, 1), order(1, 0), (0..50).collect()];
    for (i, a) in orders.iter().enumerate() {
        assert_eq!(a.iter().collect::<HashSet<_>>().len(), 50);
        assert!(!orders[..i].contains(a), "order {i} repeats another");
    }
    assert_eq!(order(0, 1), orders[1]);
}

/// Everything random at once.
fn everything(batch_size: usize) -> BatchPlan {
    BatchPlan {
        batch_size,
        width: 24,
        height: 20,
        normalisation: Normalisation::CIFAR10,
        augmentation: Some(Augmentation {
            crop_padding: 4,
            ..Augmentation::reference()
        }),
        order: Order::Shuffled,
        seed: 5,
        epoch: 3,
        ..BatchPlan::default()
    }
}

/// Bits of all samples, by position in the dataset.
fn bits(data: &Arc<dyn Dataset>, plan: &BatchPlan) -> Vec<Vec<u32>> {
    let mut samples = vec![Vec::new(); data.len()];
    for batch in collected(data, plan) {
        let len = batch.images.len() / batch.shape[0];
        for (index, values) in batch.indices.iter().zip(batch.images.chunks_exact(len)) {
            samples[*index] = values.iter().map(|v| v.to_bits()).collect();
        }
    }
    samples
}

#[test]
fn draws_follow_from_seed_epoch_and_sample_alone() {
    let data = shapes(40);
    let once = bits(&data, &everything(16));
    for other in [
        everything(1),
        everything(40),
        BatchPlan {
            prefetch: 1,
            ..everything(16)
        },
        BatchPlan {
            prefetch: usize::MAX,
            ..everything(16)
        },
        BatchPlan {
            order: Order::Sequential,
            ..everything(16)
        },
    ] {
        assert_eq!(once, bits(&data, &other), "{other:?}");
    }
    for other in [
        BatchPlan {
            seed: 6,
            ..everything(16)
        },
        BatchPlan {
            epoch: 4,
            ..everything(16)
        },
    ] {
        let changed = bits(&data, &other);
        assert!(once.iter().zip(&changed).all(|(a, b)| a != b), "{other:?}");
    }
}

fn fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    bits(&shapes(60), &everything(16)).hash(&mut hasher);
    hasher.finish()
}

/// Runs one of this file's tests in a process of its own, which has as many threads as told.
fn with_threads(threads: usize, test: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .env("RAYON_NUM_THREADS", threads.to_string())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{threads} threads: {text}");
    text
}

#[test]
#[ignore = "run by the test below, once for each number of threads"]
#[allow(clippy::print_stdout)]
fn print_fingerprint() {
    println!(
        "threads {} bits {:016x};",
        rayon::current_num_threads(),
        fingerprint()
    );
}

#[test]
fn bits_are_the_same_for_any_number_of_threads() {
    let expected = format!("bits {:016x};", fingerprint());
    for threads in [1, 2, 4] {
        let text = with_threads(threads, "print_fingerprint");
        assert!(
            text.contains(&format!("threads {threads} {expected}")),
            "{expected} {text}"
        );
    }
}

#[test]
#[ignore = "run by the test below, with a single thread"]
fn consume_on_the_only_thread() {
    assert_eq!(rayon::current_num_threads(), 1);
    rayon::scope(|scope| {
        scope.spawn(|_| {
            assert!(rayon::current_thread_index().is_some());
            assert_eq!(collected(&shapes(200), &everything(16)).len(), 13);
            // Dropped with most of it to come.
            let mut stream = batches(shapes(200), &everything(16)).unwrap();
            stream.next().unwrap().unwrap();
        });
    });
}

#[test]
fn a_consumer_on_the_only_worker_thread_does_not_wait_for_itself() {
    with_threads(1, "consume_on_the_only_thread");
}

/// Counts what is read; one sample is out of order.
struct Watched {
    names: Vec<String>,
    reads: AtomicUsize,
    n: usize,
    bad: Option<usize>,
    panics: bool,
}

impl Watched {
    fn new(n: usize, bad: Option<usize>, panics: bool) -> Arc<Self> {
        let names = vec!["only".to_owned()];
        Arc::new(Self {
            names,
            reads: AtomicUsize::new(0),
            n,
            bad,
            panics,
        })
    }
}

impl Dataset for Watched {
    fn class_names(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        self.n
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let bad = self.bad == Some(index);
        assert!(!(bad && self.panics), "a panic that the test wants");
        let image = Image::new(1, 1, PixelFormat::Grey, vec![index as u8])?;
        Ok(Sample {
            image,
            label: Some(usize::from(bad)),
        })
    }
}

#[test]
fn an_error_comes_once_and_ends_the_iteration() {
    let plan = BatchPlan {
        batch_size: 2,
        ..BatchPlan::default()
    };
    let mut stream = batches(Watched::new(10, Some(5), false), &plan).unwrap();
    assert_eq!(stream.next().unwrap().unwrap().indices, [0, 1]);
    assert_eq!(stream.next().unwrap().unwrap().indices, [2, 3]);
    let error = stream.next().unwrap();
    let named = matches!(
        error,
        Err(DataError::SampleLabel {
            index: 5,
            label: 1,
            n_classes: 1
        })
    );
    assert!(named, "{error:?}");
    assert!(stream.next().is_none() && stream.is_empty() && stream.next().is_none());
}

#[test]
fn a_panic_of_a_dataset_is_an_error_not_an_end() {
    let plan = BatchPlan {
        batch_size: 2,
        ..BatchPlan::default()
    };
    let mut stream = batches(Watched::new(10, Some(2), true), &plan).unwrap();
    stream.next().unwrap().unwrap();
    assert!(matches!(stream.next(), Some(Err(DataError::Worker { .. }))));
    assert!(stream.next().is_none());
}

#[test]
fn no_more_is_prepared_than_told_and_dropping_stops_it() {
    let data = Watched::new(1_000, None, false);
    let plan = BatchPlan {
        batch_size: 1,
        prefetch: 3,
        ..BatchPlan::default()
    };
    let mut stream = batches(data.clone(), &plan).unwrap();
    stream.next().unwrap().unwrap();
    // One taken, three ahead.
    let deadline = Instant::now() + Duration::from_secs(20);
    while data.reads.load(Ordering::SeqCst) < 4 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(data.reads.load(Ordering::SeqCst), 4);
    drop(stream);
    // The thread is gone: it gave back its share of the dataset and reads no more.
    assert_eq!(Arc::strong_count(&data), 1);
    assert!(data.reads.load(Ordering::SeqCst) <= 5);
}

#[test]
fn pictures_of_any_size_are_fitted() {
    for (width, height) in [(8, 8), (40, 20), (32, 32), (1, 90)] {
        for fit in [Fit::Resize, Fit::CenterCrop] {
            let data: Arc<dyn Dataset> = Arc::new(Noise::uniform(3, width, height, 0));
            let plan = BatchPlan {
                fit,
                ..BatchPlan::default()
            };
            let batch = &collected(&data, &plan)[0];
            assert_eq!(
                (batch.shape, &batch.labels[..]),
                ([3, 3, 32, 32], &[None; 3][..])
            );
            let image = data.sample(1).unwrap().image;
            let fitted = match fit {
                Fit::Resize => image.resize(32, 32),
                Fit::CenterCrop => image.center_crop(32, 32),
            };
            let red = f32::from(fitted.pixels()[0]) / 255.0;
            assert_eq!(batch.images[3072], (red - 0.5) / 0.5);
        }
    }
}

#[test]
fn settings_without_sense_are_named() {
    let plan = BatchPlan::default;
    let augmented = |change: fn(&mut Augmentation)| {
        let mut augmentation = Augmentation::none();
        change(&mut augmentation);
        BatchPlan {
            augmentation: Some(augmentation),
            ..plan()
        }
    };
    let affine = |degrees, translate, scale| {
        let affine = Some(Affine {
            degrees,
            translate,
            scale,
        });
        BatchPlan {
            augmentation: Some(Augmentation {
                affine,
                ..Augmentation::none()
            }),
            ..plan()
        }
    };
    let jitter = |brightness, contrast, saturation, hue| {
        let colour_jitter = Some(ColourJitter {
            brightness,
            contrast,
            saturation,
            hue,
        });
        let augmentation = Some(Augmentation {
            colour_jitter,
            ..Augmentation::none()
        });
        BatchPlan {
            augmentation,
            ..plan()
        }
    };
    let normalised = |mean, std| {
        let normalisation = Normalisation {
            mean: [mean, 0.5, 0.5],
            std: [0.5, std, 0.5],
        };
        BatchPlan {
            normalisation,
            ..plan()
        }
    };
    let cases = [
        (
            "batch size",
            BatchPlan {
                batch_size: 0,
                ..plan()
            },
        ),
        ("width", BatchPlan { width: 0, ..plan() }),
        (
            "height",
            BatchPlan {
                height: 4097,
                ..plan()
            },
        ),
        (
            "prefetch",
            BatchPlan {
                prefetch: 0,
                ..plan()
            },
        ),
        ("mean", normalised(f32::NAN, 0.5)),
        ("standard deviation", normalised(0.5, 0.0)),
        ("standard deviation", normalised(0.5, f32::NAN)),
        ("flip probability", augmented(|a| a.horizontal_flip = 1.5)),
        (
            "flip probability",
            augmented(|a| a.horizontal_flip = f32::NAN),
        ),
        ("crop padding", augmented(|a| a.crop_padding = 32)),
        ("crop padding", augmented(|a| a.crop_padding = usize::MAX)),
        ("erased side", augmented(|a| a.erased_side = 33)),
        ("rotation", affine(-1.0, 0.0, (1.0, 1.0))),
        ("shift", affine(0.0, 1.1, (1.0, 1.0))),
        ("scale", affine(0.0, 0.0, (0.0, 1.0))),
        ("scale", affine(0.0, 0.0, (1.2, 0.8))),
        ("scale", affine(0.0, 0.0, (1.0, f32::NAN))),
        ("brightness jitter", jitter(1.1, 0.0, 0.0, 0.0)),
        ("contrast jitter", jitter(0.0, -0.1, 0.0, 0.0)),
        ("saturation jitter", jitter(0.0, 0.0, f32::NAN, 0.0)),
        ("hue jitter", jitter(0.0, 0.0, 0.0, 0.6)),
    ];
    for (wanted, plan) in cases {
        match batches(shapes(1), &plan) {
            Err(DataError::Param { field, .. }) => assert_eq!(field, wanted),
            other => panic!("{wanted}: {other:?}"),
        }
    }
    for fine in [
        plan(),
        augmented(|a| *a = Augmentation::flip_and_crop()),
        augmented(|a| *a = Augmentation::reference()),
        augmented(|a| a.erased_side = 32),
        affine(180.0, 1.0, (0.01, 100.0)),
        jitter(1.0, 1.0, 1.0, 0.5),
    ] {
        fine.check().unwrap();
        let batch = &collected(&shapes(4), &fine)[0];
        assert!(batch.images.iter().all(|v| (-1.001..=1.001).contains(v)));
    }
}
