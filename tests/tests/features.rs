//! Fitting and evaluating on features files alone.

use crosr_tests::{crosr, folder, known_features, unknown_features, write_features};

const CLASSES: usize = 3;

fn prepared() -> tempfile::TempDir {
    let dir = folder();
    for (name, n, seed) in [("train", 300, 0), ("test", 90, 1 << 20)] {
        let (rows, labels) = known_features(n, CLASSES, seed);
        write_features(
            &dir.path().join(format!("{name}.safetensors")),
            &rows,
            &labels,
        );
    }
    let (rows, labels) = unknown_features(60, CLASSES, 1 << 21);
    write_features(&dir.path().join("far.safetensors"), &rows, &labels);
    dir
}

#[test]
fn fit_then_eval_gives_the_contracts_object() {
    let dir = prepared();
    for distance in ["euclidean", "cosine", "eucos"] {
        let fit = [
            "fit",
            "--features",
            "train.safetensors",
            "--tail",
            "20",
            "--distance",
            distance,
        ];
        let run = crosr(dir.path(), &[&fit[..], &["--out", "openset"]].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        for softmax in ["first", "last", "last-clipped"] {
            let eval = [
                "eval",
                "--openset",
                "openset",
                "--known",
                "test.safetensors",
                "--unknown",
                "far=far.safetensors",
                "--softmax",
                softmax,
                "--json",
            ];
            let report = crosr(dir.path(), &eval).json();
            assert_eq!(report["known"]["samples"], 90);
            assert_eq!(report["known"]["closed_set_accuracy"], 1.0);
            let set = &report["outliers"][0];
            assert_eq!((&set["name"], &set["samples"]), (&"far".into(), &60.into()));
            assert!(
                set["auroc"].as_f64() > Some(0.95),
                "{distance} {softmax}: {set}"
            );
            let classes = set["classes"].as_array().expect("a list");
            assert_eq!(classes.len(), CLASSES + 1);
            assert_eq!(classes[CLASSES]["name"], "unknown");
            assert_eq!(report["config"]["softmax"], softmax);
        }
    }
}

/// With a report everything is in memory; without one, blocks of what fits into four MiB are judged
/// again and again.
#[test]
fn many_blocks_give_the_same_figures_as_everything_at_once() {
    let dir = folder();
    let path = |name: &str| dir.path().join(format!("{name}.safetensors"));
    // Long vectors, so that a block holds 1,024 of them.
    let stretched = |(rows, labels): (Vec<Vec<f32>>, Vec<i64>)| {
        let longer = |row: Vec<f32>| [row, vec![0.25; 1_024 - CLASSES - 4]].concat();
        (rows.into_iter().map(longer).collect::<Vec<_>>(), labels)
    };
    let (rows, labels) = stretched(known_features(1_500, CLASSES, 0));
    write_features(&path("known"), &rows, &labels);
    let (rows, labels) = stretched(unknown_features(2_100, CLASSES, 1 << 21));
    write_features(&path("far"), &rows, &labels);
    let fit = ["fit", "--features", "known.safetensors", "--out", "openset"];
    assert_eq!(crosr(dir.path(), &fit).code, 0);
    let eval = [
        "eval",
        "--openset",
        "openset",
        "--known",
        "known.safetensors",
        "--unknown",
        "far=far.safetensors",
        "--json",
    ];
    let in_blocks = crosr(dir.path(), &eval).json();
    let page = [&eval[..], &["--report", "report.html"]].concat();
    assert_eq!(in_blocks, crosr(dir.path(), &page).json());
    assert_eq!(in_blocks["known"]["samples"], 1_500);

    // What is wrong in a later block is counted from the beginning of the file.
    let (mut rows, labels) = stretched(known_features(1_500, CLASSES, 0));
    rows[1_400][2] = f32::NAN;
    write_features(&path("known"), &rows, &labels);
    crosr(dir.path(), &eval).refused(&["known.safetensors", "row 1400", "column 2"]);
    crosr(dir.path(), &fit).refused(&["known.safetensors", "row 1400", "column 2"]);
}

#[test]
fn epsilon_turns_doubt_into_unknown() {
    let dir = prepared();
    let fit = ["fit", "--features", "train.safetensors", "--out", "openset"];
    assert_eq!(crosr(dir.path(), &fit).code, 0);
    let called_unknown = |epsilon: &str| {
        let eval = [
            "eval",
            "--openset",
            "openset",
            "--known",
            "test.safetensors",
            "--unknown",
            "far=far.safetensors",
            "--epsilon",
            epsilon,
            "--json",
        ];
        let report = crosr(dir.path(), &eval).json();
        let matrix = report["outliers"][0]["confusion_matrix"]
            .as_array()
            .expect("rows")
            .clone();
        matrix
            .iter()
            .map(|row| row[CLASSES].as_u64().expect("a count"))
            .sum::<u64>()
    };
    let (without, with, all) = (
        called_unknown("0"),
        called_unknown("0.5"),
        called_unknown("1"),
    );
    assert!(without <= with && with <= all, "{without} {with} {all}");
    assert_eq!(all, 150, "no probability reaches 1 here");
}

#[test]
fn a_class_without_a_correct_sample_is_named() {
    let dir = folder();
    let (rows, mut labels) = known_features(90, CLASSES, 0);
    // What looks like class 2 is labelled 1: class 2 has samples, but none classified correctly.
    for label in labels.iter_mut().filter(|label| **label == 2) {
        *label = 1;
    }
    labels[0] = 2;
    write_features(&dir.path().join("train.safetensors"), &rows, &labels);
    let run = crosr(
        dir.path(),
        &["fit", "--features", "train.safetensors", "--out", "o"],
    );
    run.refused(&["class 2", "correctly classified"]);
    assert!(!dir.path().join("o").exists());
}

#[test]
fn a_class_with_fewer_samples_than_the_tail_is_named() {
    let dir = prepared();
    let fit = [
        "fit",
        "--features",
        "train.safetensors",
        "--tail",
        "101",
        "--out",
        "o",
    ];
    crosr(dir.path(), &fit).refused(&["class 0", "100", "101"]);
    let shrunk = crosr(dir.path(), &[&fit[..], &["--shrink-tail"]].concat());
    assert_eq!(shrunk.code, 0, "{}", shrunk.stderr);
}

#[test]
fn bad_features_are_named() {
    let dir = prepared();
    let (mut rows, labels) = known_features(60, CLASSES, 0);
    rows[7][2] = f32::NAN;
    write_features(&dir.path().join("nan.safetensors"), &rows, &labels);
    std::fs::write(dir.path().join("text.safetensors"), "no tensors").expect("writable");
    let fit = |file: &str| crosr(dir.path(), &["fit", "--features", file, "--out", "o"]);
    fit("nan.safetensors").refused(&["row 7", "column 2"]);
    fit("text.safetensors").refused(&["text.safetensors", "safetensors file"]);
    fit("absent.safetensors").refused(&["absent.safetensors"]);
    assert_eq!(fit("train.safetensors").code, 0);
    let eval = |known: &str, unknown: &str| {
        crosr(
            dir.path(),
            &[
                "eval",
                "--openset",
                "o",
                "--known",
                known,
                "--unknown",
                unknown,
            ],
        )
    };
    eval("test.safetensors", "far.safetensors").refused(&["NAME=PATH"]);
    eval("far.safetensors", "x=far.safetensors").refused(&["far.safetensors", "label -1"]);
    let (rows, labels) = known_features(30, CLASSES + 1, 0);
    write_features(&dir.path().join("wide.safetensors"), &rows, &labels);
    eval("wide.safetensors", "x=far.safetensors").refused(&["wide.safetensors"]);
    crosr(
        dir.path(),
        &[
            "eval",
            "--openset",
            "train.safetensors",
            "--known",
            "test.safetensors",
        ],
    )
    .refused(&["train.safetensors", "open-set model"]);
}
