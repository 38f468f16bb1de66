//! The baseline detectors against NumPy's, SciPy's and scikit-learn's figures, their properties,
//! and tables that must be refused.

use crosr_eval::{Baseline, EvalError, FeatureTable};
use proptest::prelude::*;
use serde_json::Value;

struct Golden {
    json: Value,
    train: Vec<f32>,
    labels: Vec<usize>,
    queries: Vec<f32>,
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().expect("a list").iter();
    values.map(|v| v.as_f64().expect("a number")).collect()
}

fn golden() -> Golden {
    let json: Value = serde_json::from_str(include_str!("data/detectors.json")).expect("JSON");
    let floats = |key: &str| numbers(&json[key]).into_iter().map(|v| v as f32).collect();
    Golden {
        train: floats("train"),
        queries: floats("queries"),
        labels: numbers(&json["labels"])
            .into_iter()
            .map(|v| v as usize)
            .collect(),
        json,
    }
}

fn scores(name: &str, rows: &[f32], labels: &[usize], queries: &[f32]) -> Vec<f64> {
    let train = FeatureTable::new(rows, 8, 3).and_then(|t| t.with_labels(labels));
    let queries = FeatureTable::new(queries, 8, 3).expect("queries");
    let baseline: Baseline = name.parse().expect(name);
    assert_eq!(baseline.to_string(), name);
    let detector = baseline.fit(&train.expect("train")).expect(name);
    assert_eq!(detector.name(), name);
    let scores = detector.scores(&queries).expect(name);
    let single = queries.samples().map(|s| detector.score(s).expect(name));
    assert!(single.eq(scores.iter().copied()), "{name}: one by one");
    scores
}

fn close(found: &[f64], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (index, (f, w)) in found.iter().zip(wanted).enumerate() {
        let tolerance = 1e-10 * w.abs().max(1.0);
        assert!((f - w).abs() <= tolerance, "{what} {index}: {f}, not {w}");
    }
}

#[test]
fn figures() {
    let g = golden();
    let expected = g.json["expected"].as_object().expect("an object");
    assert_eq!(expected.len(), 13);
    for (name, wanted) in expected {
        let found = scores(name, &g.train, &g.labels, &g.queries);
        close(&found, &numbers(wanted), name);
    }
}

#[test]
fn training_order_does_not_matter() {
    let g = golden();
    let reversed: Vec<f32> = g.train.chunks(8).rev().flatten().copied().collect();
    let labels: Vec<usize> = g.labels.iter().rev().copied().collect();
    for name in ["z-score", "mahalanobis", "knn", "vim"] {
        let one = scores(name, &g.train, &g.labels, &g.queries);
        close(&scores(name, &reversed, &labels, &g.queries), &one, name);
    }
}

#[test]
fn threads_do_not_matter() {
    let g = golden();
    let train: Vec<f32> = (0..40)
        .flat_map(|i| g.train.iter().map(move |v| v + (i as f32).sin()))
        .collect();
    let labels = g.labels.repeat(40);
    let queries = g.queries.repeat(30);
    for name in ["mahalanobis", "knn:7", "vim"] {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("a pool")
                .install(|| scores(name, &train, &labels, &queries))
        };
        assert_eq!(with(1), with(5), "{name}");
    }
}

/// Several blocks of queries and training rows, zero rows and thousands of equal ones, against
/// sorting all distances.
#[test]
fn nearest_neighbours_over_many_blocks() {
    let g = golden();
    let mut train: Vec<f32> = (0..40)
        .flat_map(|i| g.train.iter().map(move |v| v + (i as f32).sin()))
        .collect();
    train[..8 * 1100].fill(0.0);
    train.extend([1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0].repeat(1500));
    let mut queries = g.queries.repeat(12);
    queries.extend([2.0_f32, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0]);
    let unit = |row: &[f32]| -> Vec<f64> {
        let norm = row
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
            .sqrt();
        let norm = if norm > 0.0 { norm } else { 1.0 };
        row.iter().map(|&v| f64::from(v) / norm).collect()
    };
    let rows: Vec<Vec<f64>> = train.chunks(8).map(unit).collect();
    let labels = vec![0; rows.len()];
    for k in [1, 50, 1101, rows.len()] {
        let name = if k == 50 {
            "knn".to_owned()
        } else {
            format!("knn:{k}")
        };
        let wanted = queries.chunks(8).map(|query| {
            let query = unit(query);
            let distance = |row: &Vec<f64>| {
                let squares = row.iter().zip(&query).map(|(a, b)| (a - b).powi(2));
                squares.sum::<f64>().sqrt()
            };
            let mut distances: Vec<f64> = rows.iter().map(distance).collect();
            distances.sort_by(f64::total_cmp);
            distances[k - 1]
        });
        let wanted: Vec<f64> = wanted.collect();
        close(&scores(&name, &train, &labels, &queries), &wanted, &name);
    }
}

#[test]
fn refusals() {
    let rows = [1.0, 0.0, 0.0, 1.0];
    let bad = [1.0, 0.0, f32::NAN, 1.0];
    let table = FeatureTable::new(&rows, 2, 2).expect("a table");
    for (dim, k) in [(0, 0), (2, 0), (2, 3), (3, 2)] {
        let error = FeatureTable::new(&rows, dim, k).unwrap_err();
        assert!(matches!(error, EvalError::Features { .. }), "{dim} {k}");
    }
    let error = FeatureTable::new(&bad, 2, 2).unwrap_err();
    assert!(matches!(error, EvalError::NotFinite { index: 1, .. }));
    assert!(matches!(
        FeatureTable::new(&[], 2, 2),
        Err(EvalError::Empty { .. })
    ));
    assert!(matches!(
        table.with_labels(&[0, 2]),
        Err(EvalError::Class { index: 1, .. })
    ));
    assert!(matches!(
        table.with_labels(&[0]),
        Err(EvalError::Length { .. })
    ));
    let error = table.with_reconstruction_errors(&bad).unwrap_err();
    assert!(matches!(error, EvalError::Length { .. }));
    let labelled = table.with_labels(&[0, 1]).expect("labels");
    for (name, what) in [
        ("z-score", "labels"),
        ("mahalanobis", "labels"),
        ("vim", "latents"),
    ] {
        let error = name.parse::<Baseline>().expect(name).fit(&table).err();
        let message = error.expect("an error").to_string();
        assert!(
            message.starts_with(&format!("{name} needs {what}")),
            "{message}"
        );
    }
    for name in ["z-score", "mahalanobis", "knn:0", "knn:3"] {
        let error = name.parse::<Baseline>().expect(name).fit(&labelled).err();
        assert!(matches!(error, Some(EvalError::Unfit { .. })), "{name}");
    }
    let knn = Baseline::Knn { k: 1 }.fit(&table).expect("knn");
    let wide = FeatureTable::new(&rows, 4, 2).expect("a table");
    assert!(matches!(
        knn.scores(&wide),
        Err(EvalError::Shape { found: 4, .. })
    ));
    let errors = Baseline::ReconstructionError.fit(&table).expect("fitted");
    assert!(matches!(
        errors.scores(&table),
        Err(EvalError::Missing { .. })
    ));
    for name in ["", "knn:", "knn:x", "energy:1", "mahalanobis:none"] {
        assert!(name.parse::<Baseline>().is_err(), "{name}");
    }
}

proptest! {
    /// Softmax-based scores do not see a shift of all logits (exact in f32 here); a larger error
    /// is more unknown, a larger maximum logit less.
    #[test]
    fn shifts_and_order(logits in prop::collection::vec(-40_i8..40, 3), shift in -100_i8..100) {
        let rows: Vec<f32> = logits.iter().map(|&l| f32::from(l))
            .chain(logits.iter().map(|&l| f32::from(l) + f32::from(shift))).collect();
        let errors = [f32::from(shift), f32::from(shift) + 1.0];
        let table = FeatureTable::new(&rows, 3, 3)
            .and_then(|t| t.with_reconstruction_errors(&errors)).expect("a table");
        let scores = |b: Baseline| b.fit(&table).and_then(|d| d.scores(&table)).expect("scores");
        for same in [Baseline::MaxSoftmax, Baseline::Entropy] {
            let s = scores(same);
            prop_assert!((s[0] - s[1]).abs() < 1e-12);
        }
        for falls in [Baseline::MaxLogit, Baseline::Energy] {
            let s = scores(falls);
            prop_assert!((s[0] - s[1] - f64::from(shift)).abs() < 1e-10);
        }
        let s = scores(Baseline::ReconstructionError);
        prop_assert!(s[0] < s[1]);
    }
}

#[test]
fn latents_that_are_always_zero_have_no_say_in_the_principal_subspace() {
    let g = golden();
    let dead = |rows: &[f32]| -> Vec<f32> {
        let rows = rows.iter().enumerate();
        rows.map(|(i, &v)| if i % 8 < 5 { v } else { 0.0 })
            .collect()
    };
    let (train, queries) = (dead(&g.train), dead(&g.queries));
    // Two of five latents vary: one direction is principal, not two.
    let plain = scores("vim", &train, &g.labels, &queries);
    assert_eq!(plain, scores("vim:1", &train, &g.labels, &queries));
}
