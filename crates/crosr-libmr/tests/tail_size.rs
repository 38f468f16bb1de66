//! Tail sizes chosen by rule, on samples that have a known onset of the tail.
#![allow(missing_docs)]

use crosr_libmr::{
    Family, FitError, GeneralisedPareto, TailCandidates, TailChoice, TailDistribution, TailRule,
    TailSide, TailSizeError, choose_tail_size,
};

const KS: TailRule = TailRule::KolmogorovSmirnov {
    family: Family::GeneralisedPareto,
};

/// `n` scores, evenly spread over `[0, 1)` but for `onset`, which are generalised Pareto
/// quantiles beyond 1: a sample without chance.
fn sample(n: usize, onset: usize, shape: f64, scale: f64) -> Vec<f64> {
    let tail = GeneralisedPareto::new(1.0, scale, shape, TailSide::High).unwrap();
    let body = n - onset;
    (0..body)
        .map(|i| i as f64 / body as f64)
        .chain((0..onset).map(|i| tail.inv((i as f64 + 0.5) / onset as f64)))
        .collect()
}

fn choose(scores: &[f64], side: TailSide, rule: TailRule) -> TailChoice {
    choose_tail_size(scores, side, rule, &TailCandidates::default()).unwrap()
}

#[test]
fn the_onset_of_the_tail_is_found() {
    let cases = [
        (5000, 500, 0.1, 0.5),
        (5000, 500, -0.2, 0.3),
        (2000, 200, 0.2, 1.0),
        (20_000, 1000, 0.0, 0.2),
    ];
    for (n, onset, shape, scale) in cases {
        let scores = sample(n, onset, shape, scale);
        for rule in [KS, TailRule::MeanExcess] {
            let choice = choose(&scores, TailSide::High, rule);
            // Mean excesses have to deviate by more than their standard errors first.
            let ratio = choice.tail_size as f64 / onset as f64;
            assert!(
                (0.85..1.3).contains(&ratio),
                "{n} {onset} {rule:?}: {}",
                choice.tail_size
            );
            assert!(choice.within_limit && choice.skipped.is_empty());
            assert!(choice.curve.len() > 40 && choice.curve.len() <= 50);
            assert!(choice.curve.is_sorted_by_key(|point| point.tail_size));
            // The whole body is no tail.
            let chosen = choice
                .curve
                .iter()
                .find(|p| p.tail_size == choice.tail_size)
                .unwrap();
            let last = choice.curve.last().unwrap();
            assert!(
                last.normalised > 3.0 * chosen.normalised,
                "{rule:?}: {last:?} {chosen:?}"
            );
            assert_eq!(choice.least_extreme, chosen.least_extreme);
        }
    }
}

/// Uniform numbers in (0, 1): SplitMix64 (Steele, Lea and Flood 2014).
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0 + 1e-17
}

// With chance, single choices scatter; the median stays where the onset is.
#[test]
fn random_samples_scatter_around_the_onset() {
    let tail = GeneralisedPareto::new(1.0, 0.5, 0.1, TailSide::High).unwrap();
    let (n, onset) = (4000, 400);
    for rule in [KS, TailRule::MeanExcess] {
        let mut chosen: Vec<usize> = (0..21)
            .map(|seed| {
                let mut state = seed;
                let scores: Vec<f64> = (0..n)
                    .map(|i| match uniform(&mut state) {
                        u if i < onset => tail.inv(u),
                        u => u,
                    })
                    .collect();
                choose(&scores, TailSide::High, rule).tail_size
            })
            .collect();
        chosen.sort_unstable();
        let share = |i: usize| chosen[i] as f64 / onset as f64;
        assert!((0.9..1.3).contains(&share(10)), "{rule:?}: {chosen:?}");
        assert!(share(4) > 0.5 && share(20) < 1.6, "{rule:?}: {chosen:?}");
    }
}

#[test]
fn low_is_high_of_the_negated_scores() {
    let scores = sample(2000, 200, 0.2, 1.0);
    let negated: Vec<f64> = scores.iter().rev().map(|x| -x).collect();
    for rule in [KS, TailRule::MeanExcess] {
        let high = choose(&scores, TailSide::High, rule);
        let low = choose(&negated, TailSide::Low, rule);
        assert_eq!(high.tail_size, low.tail_size);
        assert_eq!(high.least_extreme, -low.least_extreme);
        for (a, b) in high.curve.iter().zip(&low.curve) {
            assert_eq!((a.tail_size, a.value), (b.tail_size, b.value));
        }
    }
}

#[test]
fn the_unit_does_not_matter() {
    let scores = sample(3000, 300, 0.1, 0.7);
    let moved: Vec<f64> = scores.iter().map(|x| 1000.0 * x - 4.0).collect();
    for rule in [KS, TailRule::MeanExcess] {
        let (a, b) = (
            choose(&scores, TailSide::High, rule),
            choose(&moved, TailSide::High, rule),
        );
        assert_eq!(a.tail_size, b.tail_size);
        for (a, b) in a.curve.iter().zip(&b.curve) {
            assert!((a.value - b.value).abs() < 1e-7, "{rule:?}: {a:?} {b:?}");
        }
    }
}

#[test]
fn a_pure_tail_is_taken_whole() {
    let tail = GeneralisedPareto::new(0.0, 1.0, 0.1, TailSide::High).unwrap();
    let scores: Vec<f64> = (0..4000)
        .map(|i| tail.inv((f64::from(i) + 0.5) / 4000.0))
        .collect();
    let choice = choose(&scores, TailSide::High, TailRule::MeanExcess);
    assert_eq!(choice.tail_size, 2000);
    assert!(choice.curve.iter().all(|point| point.value < 0.5));
}

#[test]
fn candidates_without_a_value_are_listed() {
    let scores = sample(400, 60, 0.1, 0.5);
    let candidates = TailCandidates::list(vec![100, 0, 50, 5, 400, 401, 50]).unwrap();
    let choice = choose_tail_size(&scores, TailSide::High, KS, &candidates).unwrap();
    let sizes = |choice: &TailChoice| -> (Vec<usize>, Vec<usize>) {
        (
            choice.curve.iter().map(|p| p.tail_size).collect(),
            choice.skipped.iter().map(|s| s.tail_size).collect(),
        )
    };
    assert_eq!(sizes(&choice), (vec![5, 50, 100, 400], vec![0, 401]));
    let choice = choose_tail_size(&scores, TailSide::High, TailRule::MeanExcess, &candidates);
    assert_eq!(
        sizes(&choice.unwrap()),
        (vec![50, 100], vec![0, 5, 400, 401])
    );
}

#[test]
fn wrong_input_is_named() {
    let candidates = TailCandidates::default();
    let choose = |scores: &[f64], candidates: &TailCandidates| {
        choose_tail_size(scores, TailSide::High, KS, candidates).unwrap_err()
    };
    assert!(matches!(
        choose(&[1.0, 2.0, f64::INFINITY, 0.0], &candidates),
        TailSizeError::Scores(FitError::NonFinite { index: 2, .. })
    ));
    assert!(matches!(
        choose(&[1.0, 2.0, 3.0], &candidates),
        TailSizeError::TooFewScores {
            given: 3,
            needed: 4
        }
    ));
    assert!(matches!(
        choose(&[1.0; 50], &candidates),
        TailSizeError::AllSkipped { .. }
    ));
    assert!(matches!(
        choose_tail_size(
            &[1.0; 50],
            TailSide::High,
            TailRule::MeanExcess,
            &candidates
        ),
        Err(TailSizeError::AllSkipped { .. })
    ));
    assert!(matches!(
        TailCandidates::geometric(1, 5, 3).unwrap_err(),
        TailSizeError::Limits { smallest: 1, .. }
    ));
    assert!(TailCandidates::geometric(6, 5, 3).is_err());
    assert!(TailCandidates::geometric(2, 5, 0).is_err());
    assert!(matches!(
        TailCandidates::list(vec![]),
        Err(TailSizeError::NoCandidates)
    ));
}
