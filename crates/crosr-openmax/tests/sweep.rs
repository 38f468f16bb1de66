//! Every setting of a sweep against the same setting by itself, and how fast a grid is.

use std::time::Instant;

use crosr_openmax::{
    Distance, OpenMaxError, OpenMaxParams, ParamError, Recalibrated, RecalibrationParams,
    SoftmaxOrder, Sweep, SweepParams, Verdict, decide, standing_threshold_keeping,
    threshold_keeping,
};
use proptest::prelude::*;

const DISTANCES: [Distance; 3] = [Distance::Euclidean, Distance::Cosine, Distance::Eucos];
const ORDERS: [SoftmaxOrder; 3] = [
    SoftmaxOrder::First,
    SoftmaxOrder::Last,
    SoftmaxOrder::LastClipped,
];

/// Rows `[n, dim]` around one centre a class, the centres `apart`, from a fixed linear congruence.
fn clusters(
    seed: u64,
    n: usize,
    n_classes: usize,
    dim: usize,
    apart: f32,
) -> (Vec<f32>, Vec<usize>) {
    let mut state = seed;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let labels: Vec<usize> = (0..n).map(|i| i % n_classes).collect();
    let mut rows = Vec::with_capacity(n * dim);
    for &label in &labels {
        for column in 0..dim {
            let centre = if column == label { apart } else { 0.0 };
            rows.push(centre + uniform() + uniform() + uniform() + uniform() - 2.0);
        }
    }
    (rows, labels)
}

/// Holds every setting against [`OpenMaxParams::fit`] and `score_rows`; returns how many there are.
fn check_each(
    params: SweepParams,
    n_classes: usize,
    dim: usize,
    train: &(Vec<f32>, Vec<usize>),
    sets: [&[f32]; 2],
) -> usize {
    let sweep = params
        .check()
        .unwrap()
        .fit(n_classes, &train.0, dim, &train.1)
        .unwrap();
    let samples = sets.map(|rows| sweep.samples(rows).unwrap());
    let results = sweep
        .score_each(&[&samples[0], &samples[1]], |setting, standings| {
            let owned: Vec<_> = standings.iter().map(|set| set.to_vec()).collect();
            (setting, owned)
        })
        .unwrap();
    assert!(
        results
            .iter()
            .map(|(setting, _)| *setting)
            .eq(sweep.settings())
    );
    for (setting, standings) in &results {
        let (model, _) = OpenMaxParams::new(setting.tail_size)
            .distance(setting.distance)
            .check()
            .unwrap()
            .fit(n_classes, &train.0, dim, &train.1)
            .unwrap();
        let recalibration = RecalibrationParams::new()
            .softmax(setting.softmax)
            .alpha(setting.alpha)
            .check()
            .unwrap();
        let mut thresholds = vec![0.0, 0.4, 0.9, 1.0];
        for (rows, standings) in sets.iter().zip(standings) {
            let alone: Vec<Recalibrated> = model.score_rows(rows, &recalibration).unwrap();
            assert_eq!(alone.len(), standings.len(), "{setting:?}");
            let keeping = standing_threshold_keeping(standings, 0.9).unwrap();
            assert_eq!(
                keeping,
                threshold_keeping(&alone, 0.9).unwrap(),
                "{setting:?}"
            );
            thresholds.push(keeping);
            for (alone, standing) in alone.iter().zip(standings) {
                let known = &alone.probabilities[..n_classes];
                assert_eq!(
                    standing.unknown.to_bits(),
                    alone.unknown_probability().to_bits()
                );
                let largest = known.iter().copied().fold(0.0, f64::max);
                assert_eq!(standing.largest_known.to_bits(), largest.to_bits());
                for &epsilon in &thresholds {
                    assert_eq!(
                        standing.verdict(epsilon),
                        decide(&alone.probabilities, epsilon),
                        "{setting:?}, epsilon {epsilon}"
                    );
                }
            }
        }
    }
    results.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn each_setting_is_what_it_is_alone(
        seed in any::<u64>(),
        apart in 1.5f32..4.0,
        tails in prop::collection::vec(2usize..30, 1..4),
        alphas in prop::collection::vec(1usize..7, 1..3),
        n_distances in 1usize..=3,
        n_orders in 1usize..=3,
    ) {
        let (n_classes, dim) = (4, 7);
        let train = clusters(seed, 400, n_classes, dim, apart);
        let (known, _) = clusters(seed ^ 1, 90, n_classes, dim, apart);
        let (outliers, _) = clusters(seed ^ 2, 70, n_classes, dim, 0.0);
        let params = SweepParams::new(&tails)
            .distances(&DISTANCES[..n_distances])
            .softmax_orders(&ORDERS[3 - n_orders..])
            .alphas(&alphas);
        let n = params.clone().check().unwrap().n_settings();
        prop_assert_eq!(n, tails.len() * alphas.len() * n_distances * n_orders);
        let found = check_each(params, n_classes, dim, &train, [&known, &outliers]);
        prop_assert_eq!(found, n);
    }
}

fn swept(params: SweepParams) -> Sweep {
    let (rows, labels) = clusters(1, 90, 3, 4, 6.0);
    params.check().unwrap().fit(3, &rows, 4, &labels).unwrap()
}

#[test]
fn a_tail_too_long_fails_alone() {
    let params = SweepParams::new(&[10, 31, 30]).distances(&DISTANCES[..2]);
    let sweep = swept(params.clone());
    let tails: Vec<usize> = sweep.settings().map(|setting| setting.tail_size).collect();
    assert_eq!(tails, [10, 30, 10, 30]);
    let failures = sweep.failures();
    assert_eq!(failures.len(), 2);
    for (failure, distance) in failures.iter().zip(DISTANCES) {
        assert_eq!((failure.distance, failure.tail_size), (distance, 31));
        assert!(matches!(
            failure.error,
            OpenMaxError::TooFewSamples {
                class_idx: 0,
                samples: 30,
                tail_size: 31
            }
        ));
    }
    let shrunk = swept(params.shrink_tail(true));
    assert!(shrunk.failures().is_empty());
    assert_eq!(shrunk.settings().count(), 6);
}

#[test]
fn samples_of_another_shape_are_refused() {
    let sweep = swept(SweepParams::new(&[10]));
    let (rows, labels) = clusters(1, 90, 3, 5, 6.0);
    let wider = SweepParams::new(&[10])
        .check()
        .unwrap()
        .fit(3, &rows, 5, &labels)
        .unwrap();
    let samples = wider.samples(&rows).unwrap();
    let read = |_, _: &[&[crosr_openmax::Standing]]| ();
    assert!(matches!(
        sweep.score_each(&[&samples], read),
        Err(OpenMaxError::DimensionMismatch {
            expected: 4,
            found: 5
        })
    ));
    assert!(matches!(
        sweep.samples(&rows[..5]),
        Err(OpenMaxError::RaggedRows { len: 5, dim: 4 })
    ));
    let mut bad = rows[..8].to_vec();
    bad[6] = f32::NAN;
    assert!(matches!(
        sweep.samples(&bad),
        Err(OpenMaxError::NonFinite { row: 1, column: 2 })
    ));
    assert!(sweep.samples(&[]).unwrap().is_empty());
}

#[test]
fn axes_are_checked() {
    let check = |params: SweepParams| params.check().map(|_| ());
    let one = || SweepParams::new(&[10]);
    let empty = |axis| Err(ParamError::EmptyAxis { axis });
    assert_eq!(check(SweepParams::new(&[])), empty("tail sizes"));
    assert_eq!(check(one().distances(&[])), empty("distances"));
    assert_eq!(check(one().softmax_orders(&[])), empty("softmax orders"));
    assert_eq!(check(one().alphas(&[])), empty("alphas"));
    assert_eq!(
        check(SweepParams::new(&[10, 1])),
        Err(ParamError::TailSize { tail_size: 1 })
    );
    assert_eq!(
        check(one().alphas(&[1, 0])),
        Err(ParamError::Alpha { alpha: 0 })
    );
    assert_eq!(check(one()), Ok(()));
}

/// The size of a CIFAR-10 run: 48,924 training rows, 20,000 to score, K = 10, D = 106.
#[test]
#[ignore = "a measurement; `cargo test -p crosr-openmax --test sweep -- --ignored --nocapture`"]
#[allow(clippy::print_stdout)] // what was measured
fn time_of_a_large_grid() {
    let (n_classes, dim) = (10, 106);
    let train = clusters(1, 48_924, n_classes, dim, 8.0);
    let (known, _) = clusters(2, 10_000, n_classes, dim, 8.0);
    let (outliers, _) = clusters(3, 10_000, n_classes, dim, 4.0);
    let params = SweepParams::new(&[10, 20, 50, 100, 200, 500, 1000])
        .distances(&DISTANCES)
        .softmax_orders(&ORDERS)
        .alphas(&[1, 3, 10])
        .check()
        .unwrap();
    let start = Instant::now();
    let sweep = params.fit(n_classes, &train.0, dim, &train.1).unwrap();
    let fitted = start.elapsed();
    let samples = [&known, &outliers].map(|rows| sweep.samples(rows).unwrap());
    let unknown = sweep
        .score_each(&[&samples[0], &samples[1]], |_, standings| {
            let unknown = |set: &[crosr_openmax::Standing]| {
                set.iter()
                    .filter(|s| s.verdict(0.5) == Verdict::Unknown)
                    .count()
            };
            [unknown(standings[0]), unknown(standings[1])]
        })
        .unwrap();
    println!(
        "{} settings: {:.2} s, of which {:.2} s to fit",
        unknown.len(),
        start.elapsed().as_secs_f64(),
        fitted.as_secs_f64()
    );
    assert_eq!(unknown.len(), params.n_settings());
    assert!(unknown.iter().any(|[known, outliers]| known < outliers));
}
