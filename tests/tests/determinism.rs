//! One seed fixes everything: the same bits from every run, on any number of threads.

use crosr_tests::run_folder::{files, history, same};
use crosr_tests::{BRIEF_TRAINING, crosr, folder};

/// Every file that training, fitting and evaluating leave, report and figures included.
#[test]
fn a_seed_gives_the_same_files_on_any_number_of_threads() {
    let dir = folder();
    let whole = |name: &str, threads: &str| {
        // The run's name stands in its report, so that it has to be the same one.
        let place = dir.path().join(name);
        std::fs::create_dir(&place).expect("writable");
        let always = ["--threads", threads];
        let train = [&BRIEF_TRAINING[..], &["--out", "run"], &always].concat();
        let fit = [&["fit", "--run", "run", "--shrink-tail"][..], &always].concat();
        let outliers = ["--outliers", "rest=builtin:rest"];
        let eval = [&["eval", "--run", "run"][..], &outliers, &always].concat();
        for args in [train, fit, eval] {
            let run = crosr(&place, &args);
            assert_eq!(run.code, 0, "{}", run.stderr);
        }
        files(&place.join("run"))
    };
    let first = whole("first", "1");
    for name in [
        "config.toml",
        "model.safetensors",
        "last.safetensors",
        "history.jsonl",
        "openset.safetensors",
        "metrics.json",
        "scores.csv",
        "report.html",
        "report.json",
        "figures/roc.png",
    ] {
        assert!(first.contains_key(name), "{name}");
    }
    same(&whole("again", "1"), &first);
    same(&whole("more", "4"), &first);
}

#[test]
fn a_resumed_training_gives_the_same_bits_on_any_number_of_threads() {
    let dir = folder();
    let train = |out: &str, more: &[&str]| {
        let base = [
            "train",
            "--dataset",
            "shapes",
            "--limit",
            "200",
            "--batch-size",
            "32",
            "--width",
            "0.125",
            "--seed",
            "7",
            "--schedule",
            "constant",
            "--learning-rate",
            "0.01",
            "--out",
            out,
            "--json",
        ];
        let run = crosr(dir.path(), &[&base[..], more].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        files(&dir.path().join(out))
    };
    let whole = train("whole", &["--epochs", "3", "--threads", "1"]);
    train("parts", &["--epochs", "1", "--threads", "2"]);
    let parts = train("parts", &["--epochs", "3", "--resume", "--threads", "4"]);
    same(&parts, &whole);
    assert_eq!(history(&dir.path().join("parts")).len(), 3);
}
