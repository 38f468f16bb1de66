//! `crosr sweep` on a folder of features.

use std::path::Path;
use std::time::Instant;

use crosr_tests::{Labelled, crosr, feature_folder, noise};
use serde_json::Value;

const CLASSES: usize = 3;

/// Vectors of classes that overlap: the class's logit is raised by `lift`. Labels -1 without one.
fn blurred(n: usize, seed: usize, lift: f32) -> Labelled {
    let row = |i: usize| {
        let value = |k: usize| {
            let raised = if k == i % CLASSES { lift } else { 0.0 };
            raised + 4.0 * noise(seed + i * 64 + k)
        };
        (0..CLASSES + 4).map(value).collect()
    };
    let label = |i: usize| if lift > 0.0 { (i % CLASSES) as i64 } else { -1 };
    ((0..n).map(row).collect(), (0..n).map(label).collect())
}

fn prepared() -> tempfile::TempDir {
    let near = blurred(100, 1 << 22, 0.0);
    let mut far = blurred(80, 1 << 23, 0.0);
    for row in &mut far.0 {
        row[CLASSES..].iter_mut().for_each(|value| *value += 3.0);
    }
    feature_folder(
        |n, seed| blurred(n, seed, 3.0),
        &[("near", near), ("far", far)],
    )
}

fn sweep(dir: &Path, flags: &[&str]) -> Value {
    let base = ["sweep", "--features", "features", "--json"];
    crosr(dir, &[&base[..], flags].concat()).json()
}

fn settings(report: &Value) -> &Vec<Value> {
    report["settings"].as_array().expect("a list")
}

#[test]
fn each_setting_is_what_fit_and_eval_give() {
    let dir = prepared();
    let grid = [
        "--tails",
        "10,40",
        "--distances",
        "euclidean,cosine",
        "--softmax",
        "first,last-clipped",
        "--alphas",
        "1,3",
        "--epsilons",
        "0,0.6",
    ];
    let report = sweep(dir.path(), &grid);
    assert_eq!(settings(&report).len(), 32);
    for setting in settings(&report) {
        let text = |field: &str| match &setting[field] {
            Value::String(text) => text.clone(),
            number => number.to_string(),
        };
        let openset = format!("openset-{}-{}", text("distance"), text("tail"));
        if !dir.path().join(&openset).exists() {
            let fit = [
                "fit",
                "--features",
                "features/train.safetensors",
                "--distance",
                &text("distance"),
                "--tail",
                &text("tail"),
                "--out",
                &openset,
            ];
            let run = crosr(dir.path(), &fit);
            assert_eq!(run.code, 0, "{}", run.stderr);
        }
        let eval = [
            "eval",
            "--openset",
            &openset,
            "--known",
            "features/known.safetensors",
            "--unknown",
            "far=features/far.safetensors",
            "--unknown",
            "near=features/near.safetensors",
            "--softmax",
            &text("softmax"),
            "--alpha",
            &text("alpha"),
            "--epsilon",
            &text("epsilon"),
            "--json",
        ];
        let alone = crosr(dir.path(), &eval).json();
        for set in 0..2 {
            let swept = setting["outliers"][set].as_object().expect("figures");
            assert_eq!(swept.len(), 10, "{swept:?}");
            for (field, value) in swept {
                assert_eq!(
                    *value, alone["outliers"][set][field],
                    "{field} of {setting}"
                );
            }
        }
    }
}

#[test]
fn settings_are_ranked() {
    let dir = prepared();
    let ranked = |flags: &[&str], score: &dyn Fn(&Value) -> f64, sign: f64| {
        let report = sweep(dir.path(), &[&["--tails", "10,20,40"], flags].concat());
        let scores: Vec<f64> = settings(&report).iter().map(score).collect();
        assert!(
            scores.is_sorted_by(|a, b| sign * a >= sign * b),
            "{flags:?}"
        );
        assert!(scores.first() != scores.last(), "{flags:?}");
        report
    };
    let of = |set: usize, field: &'static str| {
        move |setting: &Value| setting["outliers"][set][field].as_f64().expect("a number")
    };
    let both = |setting: &Value| 0.5 * (of(0, "macro_f1")(setting) + of(1, "macro_f1")(setting));
    let report = ranked(&[], &both, 1.0);
    assert_eq!(settings(&report).len(), 3 * 3 * 3 * 3 * 4);
    assert_eq!(report["ranked_by"], "macro_f1");
    assert_eq!(report["ranked_on"], serde_json::json!(["far", "near"]));
    let far = ["--rank-by", "auroc", "--rank-on", "far"];
    let report = ranked(&far, &of(0, "auroc"), 1.0);
    assert_eq!(report["ranked_on"], serde_json::json!(["far"]));
    let near = ["--rank-by", "fpr-at-95-tpr", "--rank-on", "near"];
    ranked(&near, &of(1, "fpr_at_95_tpr"), -1.0);

    let flags = [
        "sweep",
        "--features",
        "features",
        "--tails",
        "10,20",
        "--top",
        "3",
    ];
    let table = crosr(dir.path(), &flags);
    assert_eq!(table.code, 0, "{}", table.stderr);
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert!(
        lines[0].starts_with("3 of 216 settings, by mean macro F1"),
        "{}",
        lines[0]
    );
    assert!(
        lines[2].contains("epsilon") && lines[2].contains("macro F1 near"),
        "{}",
        lines[2]
    );
    assert!(lines[3].trim_start().starts_with("1 ") && lines[5].trim_start().starts_with("3 "));
    let last = lines.last().expect("a line");
    assert!(
        last.contains("test figures") && last.contains("far, near"),
        "{last}"
    );
}

#[test]
fn a_calibrated_threshold_keeps_its_part() {
    let dir = prepared();
    // Outliers that are the held-out samples themselves: those called known are those kept.
    let file = |name: &str| dir.path().join(format!("features/{name}.safetensors"));
    std::fs::remove_file(file("near")).expect("written");
    std::fs::copy(file("held-out"), file("far")).expect("writable");
    let flags = [
        "--tails",
        "20",
        "--distances",
        "euclidean",
        "--softmax",
        "first",
        "--alphas",
        "1",
        "--epsilons",
        "calibrated",
        "--keep-known",
        "0.7",
    ];
    let report = sweep(dir.path(), &flags);
    let [setting] = settings(&report).as_slice() else {
        panic!("one setting: {report}")
    };
    assert_eq!(setting["calibrated"], true);
    let epsilon = setting["epsilon"].to_string();
    let fit = [
        "fit",
        "--features",
        "features/train.safetensors",
        "--tail",
        "20",
        "--out",
        "o",
    ];
    assert_eq!(crosr(dir.path(), &fit).code, 0);
    let eval = [
        "eval",
        "--openset",
        "o",
        "--known",
        "features/held-out.safetensors",
        "--unknown",
        "far=features/far.safetensors",
        "--alpha",
        "1",
        "--epsilon",
        &epsilon,
        "--json",
    ];
    let alone = crosr(dir.path(), &eval).json();
    let matrix = alone["outliers"][0]["confusion_matrix"]
        .as_array()
        .expect("rows");
    let unknown = matrix[CLASSES][CLASSES].as_u64().expect("a count");
    // 30 % of 300 are 90; 71 are rejected, so that 70 % of others are kept with 99 % confidence.
    // Some more where "unknown" is the most probable.
    assert!((71..90).contains(&unknown), "{unknown}");
}

#[test]
fn tails_that_are_too_long_are_left_out() {
    let dir = prepared();
    let report = sweep(dir.path(), &["--tails", "20,101"]);
    assert!(
        settings(&report)
            .iter()
            .all(|setting| setting["tail"] == 20)
    );
    let skipped = report["skipped"].as_array().expect("a list");
    assert_eq!(skipped.len(), 3);
    assert_eq!(skipped[1]["distance"], "cosine");
    assert!(skipped[0]["reason"].as_str().expect("text").contains("101"));
    let flags = ["sweep", "--features", "features", "--tails", "20,101"];
    let table = crosr(dir.path(), &flags).stdout;
    assert!(
        table.contains("left out: tail 101 with euclidean, cosine, eucos: class 0"),
        "{table}"
    );
    let shrunk = sweep(dir.path(), &["--tails", "20,101", "--shrink-tail"]);
    assert_eq!(shrunk["skipped"], serde_json::json!([]));
    crosr(
        dir.path(),
        &["sweep", "--features", "features", "--tails", "101"],
    )
    .refused(&["--tails", "class 0", "101"]);
}

#[test]
fn poolings_lie_in_folders_of_their_own() {
    let dir = prepared();
    std::fs::create_dir(dir.path().join("other")).expect("writable");
    for (name, set) in [
        ("train", blurred(300, 1 << 24, 3.0)),
        ("held-out", blurred(200, 1 << 25, 3.0)),
        ("known", blurred(200, 1 << 26, 3.0)),
        ("far", blurred(80, 1 << 27, 0.0)),
    ] {
        let path = dir.path().join(format!("other/{name}.safetensors"));
        crosr_tests::write_features(&path, &set.0, &set.1);
    }
    let flags = |first: &'static str, second: &'static str| {
        let base = ["sweep", "--features", first, "--features", second];
        [&base[..], &["--tails", "20", "--svg", "sweep.svg"]].concat()
    };
    let run = |first, second| crosr(dir.path(), &flags(first, second));
    run("max=features", "mean=other").refused(&["other", "far", "near"]);
    run("features", "mean=other").refused(&["NAME=DIR"]);
    std::fs::copy(
        dir.path().join("features/near.safetensors"),
        dir.path().join("other/near.safetensors"),
    )
    .expect("writable");
    let both = [
        &flags("max=features", "mean=other")[..],
        &["--svg-rows", "pooling,alpha"],
    ]
    .concat();
    let report = crosr(dir.path(), &[&both[..], &["--json"]].concat()).json();
    assert_eq!(settings(&report).len(), 2 * 108);
    let of = |pooling: &str| {
        let own = settings(&report)
            .iter()
            .filter(|setting| setting["pooling"] == pooling);
        own.count()
    };
    assert_eq!((of("max"), of("mean")), (108, 108));
    let svg = std::fs::read_to_string(dir.path().join("sweep.svg")).expect("written");
    for words in [
        "macro F1, far",
        "macro F1, near",
        "mean, alpha 3",
        "tail size",
    ] {
        assert!(svg.contains(words), "{words}");
    }
    // The ground, and for each of two sets six cells and a frame.
    assert_eq!(svg.matches("<rect").count(), 1 + 2 * 7);
    assert!(crosr(dir.path(), &both).stdout.contains("pooling"));
}

#[test]
fn what_is_wrong_is_named() {
    let dir = prepared();
    let with = |flags: &[&str]| {
        let base = ["sweep", "--features", "features", "--tails", "20"];
        crosr(dir.path(), &[&base[..], flags].concat())
    };
    with(&["--distances", "manhattan"]).refused(&["--distances", "manhattan", "eucos"]);
    with(&["--softmax", "never"]).refused(&["--softmax", "never"]);
    with(&["--alphas", "0"]).refused(&["alpha"]);
    with(&["--epsilons", "0,2"]).refused(&["--epsilons 2", "calibrated"]);
    with(&["--epsilons", "NaN"]).refused(&["--epsilons NaN"]);
    with(&["--keep-known", "0"]).refused(&["--keep-known"]);
    with(&["--rank-on", "nowhere"]).refused(&["nowhere", "far, near"]);
    crosr(dir.path(), &["sweep", "--features", "absent"]).refused(&["absent"]);
    crosr(
        dir.path(),
        &["sweep", "--features", "features", "--tails", "1"],
    )
    .refused(&["tail size"]);
    let (mut rows, labels) = blurred(30, 7, 0.0);
    rows[4][5] = f32::INFINITY;
    let path = dir.path().join("features/near.safetensors");
    crosr_tests::write_features(&path, &rows, &labels);
    with(&[]).refused(&["near.safetensors", "row 4", "column 5"]);
}

#[test]
fn numbers_do_not_depend_on_threads() {
    let dir = prepared();
    let with = |threads: &str| sweep(dir.path(), &["--tails", "20,40", "--threads", threads]);
    assert_eq!(with("1"), with("3"));
}

/// The size of a CIFAR-10 run: 48,924 training vectors of length 106, 5,000 held out, 10,000 known
/// and as many outliers to score.
#[test]
#[ignore = "a measurement; `cargo test -p crosr-tests --test sweep -- --ignored --nocapture`"]
#[allow(clippy::print_stdout)] // what was measured
fn time_of_the_default_grid() {
    let dir = crosr_tests::folder();
    std::fs::create_dir(dir.path().join("features")).expect("writable");
    for (name, n, seed, lift) in [
        ("train", 48_924, 0, 8.0),
        ("held-out", 5_000, 1 << 24, 8.0),
        ("known", 10_000, 1 << 25, 8.0),
        ("crop", 10_000, 1 << 26, 0.0),
    ] {
        let value = |i: usize, k: usize| {
            let raised = if k == i % 10 { lift } else { 0.0 };
            raised + 10.0 * noise(seed + i * 128 + k)
        };
        let row = |i| (0..106).map(|k| value(i, k)).collect();
        let rows: Vec<Vec<f32>> = (0..n).map(row).collect();
        let labels: Vec<i64> = (0..n).map(|i| (i % 10) as i64).collect();
        let path = dir.path().join(format!("features/{name}.safetensors"));
        crosr_tests::write_features(&path, &rows, &labels);
    }
    let two_hundred = [
        "--tails",
        "20,50,100,200,500",
        "--distances",
        "euclidean,cosine",
        "--softmax",
        "first,last",
        "--alphas",
        "3,10",
        "--epsilons",
        "0,0.5,0.9,0.99,calibrated",
    ];
    for (flags, expected) in [(&two_hundred[..], 200), (&["--svg", "sweep.svg"][..], 756)] {
        let start = Instant::now();
        let report = sweep(dir.path(), flags);
        println!(
            "{expected} settings: {:.2} s",
            start.elapsed().as_secs_f64()
        );
        assert_eq!(settings(&report).len(), expected);
        assert!(start.elapsed().as_secs() < 20);
    }
}
