//! `crosr detectors` on a folder of features.

use crosr_tests::{crosr, feature_folder, known_features, unknown_features};
use serde_json::Value;

const CLASSES: usize = 3;

fn prepared() -> tempfile::TempDir {
    let far = unknown_features(100, CLASSES, 1 << 22);
    feature_folder(|n, seed| known_features(n, CLASSES, seed), &[("far", far)])
}

#[test]
fn one_table_of_all_detectors() {
    let dir = prepared();
    let base = ["detectors", "--features", "features", "--tail", "20"];
    let lines = crosr(dir.path(), &[&base[..], &["--json"]].concat()).json();
    let lines = lines.as_array().expect("a list");
    let names: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["detector"].as_str())
        .collect();
    for name in [
        "max-softmax",
        "energy",
        "mahalanobis",
        "knn",
        "vim",
        "openmax-logits",
        "crosr",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    // These features come without reconstruction errors.
    assert!(!names.contains(&"reconstruction") && !names.contains(&"evidence"));
    let of = |name: &str| {
        lines
            .iter()
            .find(|line| line["detector"] == name)
            .expect("listed")
    };
    for name in ["max-softmax", "max-logit", "energy", "mahalanobis", "knn"] {
        let line = of(name);
        assert_eq!(line["outliers"], "far");
        assert_eq!(line["auroc"].as_f64(), Some(1.0), "{line}");
        assert!(line["f1_unknown"].as_f64() > Some(0.7), "{line}");
    }
    let text = crosr(dir.path(), &base);
    assert_eq!(text.code, 0, "{}", text.stderr);
    assert!(text.stdout.contains("keep 90 %") && text.stdout.contains("knn"));
}

#[test]
fn what_is_missing_is_named() {
    let dir = prepared();
    let with = |flags: &[&str]| crosr(dir.path(), &[&["detectors"][..], flags].concat());
    with(&["--features", "nothing"]).refused(&["nothing"]);
    with(&["--features", "features", "--detectors", "psychic"]).refused(&["psychic", "energy"]);
    with(&[
        "--features",
        "features",
        "--detectors",
        "evidence",
        "--tail",
        "20",
    ])
    .refused(&["held-out", "reconstruction"]);
    for name in ["evidence:luck", "evidence:"] {
        with(&["--features", "features", "--detectors", name]).refused(&[name]);
    }
    with(&["--features", "features", "--keep-known", "1"]).refused(&["--keep-known"]);
    std::fs::remove_file(dir.path().join("features/far.safetensors")).expect("written");
    with(&["--features", "features"]).refused(&["no outlier set"]);
}

#[test]
fn some_of_the_evidence_alone() {
    let dir = prepared();
    let line = |name: &str| {
        let flags = ["--tail", "20", "--detectors", name, "--json"];
        let base = ["detectors", "--features", "features"];
        crosr(dir.path(), &[&base[..], &flags].concat()).json()[0].clone()
    };
    // These features come without reconstruction errors, so the others speak.
    let both = line("evidence:classification+distance");
    assert!(both["auroc"].as_f64() > Some(0.99), "{both}");
    let classification = line("evidence:classification");
    // Energy's tail probabilities per class rank like energy itself where the classes are alike.
    let energy = line("energy");
    let difference = classification["auroc"]
        .as_f64()
        .zip(energy["auroc"].as_f64());
    assert!(difference.is_some_and(|(a, b)| (a - b).abs() < 0.01));
}

#[test]
fn numbers_do_not_depend_on_threads() {
    let dir = prepared();
    let with = |threads: &str| -> Value {
        let flags = [
            "detectors",
            "--features",
            "features",
            "--tail",
            "20",
            "--json",
            "--threads",
            threads,
        ];
        crosr(dir.path(), &flags).json()
    };
    assert_eq!(with("1"), with("3"));
}
