//! Named sets of choices, through the binary.

use crosr_tests::{Run, SMALL_TRAINING, crosr, folder};
use serde_json::Value;

const OUTLIERS: &str = "rest=builtin:rest";

#[test]
fn the_paper_decides_by_calibrated_probabilities() {
    let dir = folder();
    let run = |flags: &[&str]| -> Run {
        let run = crosr(dir.path(), flags);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run
    };
    let eval = |more: &[&str]| -> Value {
        let base = ["eval", "--run", "run", "--outliers", OUTLIERS, "--json"];
        run(&[&base[..], more].concat()).json()
    };
    let train = [&SMALL_TRAINING[..], &["--preset", "paper", "--out", "run"]];
    run(&train.concat());
    let config = || std::fs::read_to_string(dir.path().join("run/config.toml")).expect("written");
    assert!(
        config().contains("reconstruction = \"identity\""),
        "{}",
        config()
    );
    assert!(config().contains("shuffle = true"), "{}", config());

    // On a fit with evidence, the preset leaves the evidence aside.
    run(&["fit", "--run", "run", "--shrink-tail"]);
    assert!(eval(&[])["config"]["evidence"].is_array());
    let aside = eval(&["--preset", "paper"]);
    assert!(aside["config"]["evidence"].is_null(), "{}", aside["config"]);
    assert!(
        aside["config"]["epsilon"].as_f64() > Some(0.0),
        "{}",
        aside["config"]
    );

    let fit = run(&[
        "fit",
        "--run",
        "run",
        "--preset",
        "paper",
        "--keep-known",
        "0.8",
        "--shrink-tail",
        "--features-out",
        "features",
    ]);
    assert!(
        fit.stdout
            .contains("unknown below a largest known probability"),
        "{}",
        fit.stdout
    );
    assert!(config().contains("preset = \"paper\""), "{}", config());
    // The fit holds no evidence, so that the decision is the same without the preset.
    let report = eval(&["--preset", "paper", "--features-out", "features"]);
    assert_eq!(report["outliers"], eval(&[])["outliers"]);
    let judged = &report["config"];
    assert_eq!(judged["distance"], "euclidean");
    assert_eq!(judged["pooling"], "max");
    assert_eq!(judged["softmax"], "first");
    assert_eq!(judged["alpha"], 10);
    assert!(judged["evidence"].is_null());
    let tails = judged["tail"].as_array().expect("a list");
    assert!(
        tails.iter().all(|tail| tail.as_u64() <= Some(20)),
        "{judged}"
    );

    // A sweep calibrates the same threshold and finds the same figures.
    let setting = [
        "sweep",
        "--features",
        "features",
        "--tails",
        "20",
        "--distances",
        "euclidean",
        "--softmax",
        "first",
        "--alphas",
        "10",
        "--epsilons",
        "calibrated",
        "--keep-known",
        "0.8",
        "--shrink-tail",
        "--json",
    ];
    let sweep = run(&setting).json();
    let found = &sweep["settings"][0];
    assert_eq!(found["epsilon"], judged["epsilon"]);
    for field in ["auroc", "oscr", "macro_f1", "f1_unknown", "accuracy"] {
        assert_eq!(
            found["outliers"][0][field], report["outliers"][0][field],
            "{field}"
        );
    }
}

#[test]
fn the_paper_needs_a_threshold() {
    let dir = crosr_tests::feature_folder(
        |n, seed| crosr_tests::known_features(n, 3, seed),
        &[("far", crosr_tests::unknown_features(50, 3, 1 << 22))],
    );
    let train = "features/train.safetensors";
    let fit = [
        "fit",
        "--features",
        train,
        "--preset",
        "paper",
        "--out",
        "o",
    ];
    assert_eq!(crosr(dir.path(), &fit).code, 0);
    let eval = [
        "eval",
        "--openset",
        "o",
        "--known",
        "features/known.safetensors",
        "--unknown",
        "far=features/far.safetensors",
        "--preset",
        "paper",
        "--json",
    ];
    crosr(dir.path(), &eval).refused(&["--preset paper", "--epsilon"]);
    let given = [&eval[..], &["--epsilon", "0.5"]].concat();
    let report = crosr(dir.path(), &given).json();
    assert_eq!(report["config"]["epsilon"], 0.5);
    assert_eq!(report["config"]["tail"], serde_json::json!([20, 20, 20]));
}
