//! Train, fit and evaluate through the binary, on tiny data; and what is refused.

use std::path::Path;

use crosr_tests::{Run, SMALL_TRAINING, crosr, folder, noise};

const RECORD: usize = 3073;

/// A CIFAR-10 of random pictures with a bright stripe that tells the class.
fn write_cifar(dir: &Path, per_file: usize) {
    let folder = dir.join("cifar-10-batches-bin");
    std::fs::create_dir_all(&folder).expect("writable");
    for (file, name) in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ]
    .iter()
    .enumerate()
    {
        let mut bytes = Vec::with_capacity(per_file * RECORD);
        for i in 0..per_file {
            let class = i % 10;
            bytes.push(class as u8);
            for p in 0..RECORD - 1 {
                let striped = p % 1024 / 96 == class;
                let value = noise(file * 7919 + i * RECORD + p) * 60.0;
                bytes.push(value as u8 + if striped { 190 } else { 0 });
            }
        }
        std::fs::write(folder.join(format!("{name}.bin")), bytes).expect("writable");
    }
}

fn train(dir: &Path, more: &[&str]) -> Run {
    let base = [
        "train",
        "--dataset",
        "cifar10",
        "--data-dir",
        "data",
        "--width",
        "0.125",
        "--epochs",
        "6",
        "--batch-size",
        "16",
        "--conv-dropout",
        "0",
        "--fc-dropout",
        "0",
        "--augment",
        "none",
        "--out",
        "run",
        "--json",
    ];
    crosr(dir, &[&base[..], more].concat())
}

#[test]
fn the_whole_path() {
    let dir = folder();
    write_cifar(&dir.path().join("data"), 80);
    let run = train(dir.path(), &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 6);
    for field in [
        "epoch",
        "train_loss",
        "classification_loss",
        "reconstruction_loss",
        "train_accuracy",
        "validation_accuracy",
        "learning_rate",
        "images_per_second",
        "seconds",
    ] {
        assert!(lines[5][field].is_number(), "{field}: {}", lines[5]);
    }
    assert!(
        lines[5]["validation_accuracy"].as_f64() > Some(0.9),
        "{}",
        lines[5]
    );
    let history = std::fs::read_to_string(dir.path().join("run/history.jsonl")).expect("written");
    assert_eq!(history, run.stdout);

    train(dir.path(), &[]).refused(&["run", "--resume", "--overwrite"]);

    let fit = crosr(dir.path(), &["fit", "--run", "run", "--tail", "10"]);
    assert_eq!(fit.code, 0, "{}", fit.stderr);
    let eval = [
        "eval",
        "--run",
        "run",
        "--outliers",
        "gaussian=builtin:gaussian",
        "--outliers",
        "uniform=builtin:uniform",
        "--json",
    ];
    let report = crosr(dir.path(), &eval).json();
    assert!(
        report["known"]["closed_set_accuracy"].as_f64() > Some(0.9),
        "{}",
        report["known"]
    );
    assert_eq!(report["outliers"][1]["name"], "uniform");
    let metrics = std::fs::read_to_string(dir.path().join("run/metrics.json")).expect("written");
    let metrics: serde_json::Value = serde_json::from_str(&metrics).expect("JSON");
    assert_eq!(metrics, report);
    let scores = std::fs::read_to_string(dir.path().join("run/scores.csv")).expect("written");
    assert_eq!(scores.lines().count(), 1 + 80 + 2 * 2000);

    // The report, and again from what the evaluation left.
    let in_run = |name: &str| std::fs::read(dir.path().join("run").join(name));
    let page = in_run("report.html").expect("written");
    let text = String::from_utf8_lossy(&page);
    for part in [
        "id=\"figure-roc\"",
        "gaussian",
        "data:image/png;base64,",
        "figure-tail-sizes",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(in_run("figures/roc.png").is_ok_and(|png| png.starts_with(b"\x89PNG")));
    assert!(in_run("figures/unknown-set2.svg").is_ok());
    let again = crosr(dir.path(), &["report", "run", "--out", "again.html"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let again = std::fs::read(dir.path().join("again.html")).expect("written");
    assert!(again == page, "the same bytes from report.json");
    let beside = [
        "compare",
        "run",
        "run",
        "--report",
        "compare.html",
        "--json",
    ];
    let beside = crosr(dir.path(), &beside).json();
    assert_eq!(
        beside["runs"][1]["evaluation"]["outliers"][0]["name"],
        "gaussian"
    );
    assert!(dir.path().join("compare.html").is_file());
    let table = crosr(dir.path(), &["compare", "run", "run"]);
    assert!(table.stdout.contains("macro-F1"), "{}", table.stdout);

    // An empty outlier folder, a missing one, and one with a broken picture.
    let with = |place: &str| crosr(dir.path(), &["eval", "--run", "run", "--outliers", place]);
    std::fs::create_dir(dir.path().join("empty")).expect("writable");
    with("none=empty").refused(&["empty", "pictures"]);
    with("none=absent").refused(&["absent"]);
    std::fs::create_dir(dir.path().join("broken")).expect("writable");
    std::fs::write(dir.path().join("broken/a.png"), "text").expect("writable");
    with("none=broken").refused(&["a.png"]);
    with("none=builtin:rain").refused(&["rain", "gaussian"]);

    // A checkpoint of another architecture under this run's name.
    let other = [
        "train",
        "--dataset",
        "shapes",
        "--limit",
        "64",
        "--batch-size",
        "16",
        "--width",
        "0.125",
        "--epochs",
        "1",
        "--out",
        "other",
        "--json",
    ];
    assert_eq!(crosr(dir.path(), &other).code, 0);
    let file = |run: &str| dir.path().join(run).join("model.safetensors");
    std::fs::copy(file("other"), file("run")).expect("writable");
    crosr(dir.path(), &["fit", "--run", "run"]).refused(&["model.safetensors", "classes", "disc"]);
    crosr(dir.path(), &eval[..5]).refused(&["openset.safetensors", "fit again"]);
}

/// Weights that claim to be of a shape that they do not have.
#[test]
fn a_checkpoint_of_another_architecture() {
    let dir = folder();
    let train = |width: &str, out: &str| {
        let args = [
            "train",
            "--dataset",
            "shapes",
            "--limit",
            "64",
            "--batch-size",
            "16",
            "--width",
            width,
            "--epochs",
            "1",
            "--out",
            out,
            "--json",
        ];
        assert_eq!(crosr(dir.path(), &args).code, 0);
        std::fs::read(dir.path().join(out).join("model.safetensors")).expect("written")
    };
    let (narrow, wide) = (train("0.125", "narrow"), train("0.25", "wide"));
    // The wide file's tensors under the narrow one's description.
    let description = |bytes: &[u8]| {
        let (_, header) = safetensors::SafeTensors::read_metadata(bytes).expect("safetensors");
        header.metadata().clone()
    };
    let tensors = safetensors::SafeTensors::deserialize(&wide).expect("safetensors");
    let mixed =
        safetensors::serialize(tensors.tensors(), description(&narrow)).expect("serialises");
    std::fs::write(dir.path().join("narrow/model.safetensors"), mixed).expect("writable");
    crosr(dir.path(), &["fit", "--run", "narrow"]).refused(&[
        "narrow/model.safetensors",
        "another architecture",
        "bn1_1.bias",
    ]);
}

#[test]
fn a_truncated_batch_file_is_named_with_its_offset() {
    let dir = folder();
    let data = dir.path().join("data");
    write_cifar(&data, 20);
    let batch = data.join("cifar-10-batches-bin/data_batch_3.bin");
    let bytes = std::fs::read(&batch).expect("written");
    std::fs::write(&batch, &bytes[..5 * RECORD + 100]).expect("writable");
    train(dir.path(), &[]).refused(&["data_batch_3.bin", &(5 * RECORD).to_string()]);
    let mut wrong = bytes.clone();
    wrong[2 * RECORD] = 11;
    std::fs::write(&batch, wrong).expect("writable");
    train(dir.path(), &[]).refused(&["data_batch_3.bin", "11"]);
}

#[test]
fn no_data_names_the_two_ways_on() {
    let dir = folder();
    crosr(dir.path(), &["train"]).refused(&["cargo xtask fetch-data", "--dataset shapes"]);
}

#[test]
fn the_class_split_protocol_goes_on_where_it_stopped() {
    let dir = folder();
    let flags = [
        "protocol",
        "--dataset",
        "shapes",
        "--known",
        "3",
        "--splits",
        "2",
        "--limit",
        "600",
        "--width",
        "0.125",
        "--epochs",
        "8",
        "--batch-size",
        "16",
        "--learning-rate",
        "0.03",
        "--conv-dropout",
        "0",
        "--fc-dropout",
        "0",
        "--seed",
        "3",
        "--out",
        "splits",
        "--json",
    ];
    let first = crosr(dir.path(), &flags).json();
    let splits = first["splits"].as_array().expect("a list");
    assert_eq!(splits.len(), 2);
    for split in splits {
        assert_eq!(split["known_classes"].as_array().map(Vec::len), Some(3));
        let auroc = split["auroc"].as_f64().expect("a number");
        assert!((0.0..=1.0).contains(&auroc));
    }
    assert_ne!(splits[0]["known_classes"], splits[1]["known_classes"]);
    let mean = 0.5
        * (splits[0]["auroc"].as_f64().expect("a number")
            + splits[1]["auroc"].as_f64().expect("a number"));
    assert!((first["mean"]["auroc"].as_f64().expect("a number") - mean).abs() < 1e-12);

    // The first split is kept, the second judged again from its trained network.
    std::fs::remove_file(dir.path().join("splits/split-2/split.json")).expect("written");
    let weights = dir.path().join("splits/split-2/model.safetensors");
    let before = std::fs::read(&weights).expect("written");
    assert_eq!(crosr(dir.path(), &flags).json(), first);
    assert!(std::fs::read(&weights).expect("kept") == before);

    let mut other = flags;
    other[4] = "4";
    crosr(dir.path(), &other).refused(&["split.json", "another split"]);
}

#[test]
fn a_run_in_one_file_judges_as_the_run_does() {
    let dir = folder();
    let run = |flags: &[&str]| {
        let run = crosr(dir.path(), flags);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run
    };
    run(&[&SMALL_TRAINING[..], &["--out", "run"]].concat());
    run(&["fit", "--run", "run", "--shrink-tail"]);
    let outliers = "rest=builtin:rest";
    let whole = run(&["eval", "--run", "run", "--outliers", outliers, "--json"]).json();
    let from = |file: &str, more: &[&str]| {
        run(&[&["export", "--run", "run", "--out", file], more].concat());
        let flags = [
            "eval",
            "--pretrained",
            file,
            "--dataset",
            "shapes",
            "--outliers",
            outliers,
        ];
        run(&[&flags[..], &["--json"]].concat()).json()
    };
    let single = from("single.safetensors", &["--single"]);
    assert_eq!(single["known"], whole["known"]);
    assert_eq!(single["outliers"], whole["outliers"]);
    let half = from("half.safetensors", &[]);
    let auroc =
        |report: &serde_json::Value| report["outliers"][0]["auroc"].as_f64().expect("a number");
    assert!((auroc(&half) - auroc(&whole)).abs() < 0.01);
    let size = |file: &str| {
        std::fs::metadata(dir.path().join(file))
            .expect("written")
            .len()
    };
    assert!(size("half.safetensors") < size("single.safetensors"));

    let weights = [
        "eval",
        "--pretrained",
        "run/model.safetensors",
        "--dataset",
        "shapes",
    ];
    crosr(dir.path(), &weights).refused(&["run/model.safetensors", "crosr export"]);
    crosr(dir.path(), &["eval", "--pretrained", "nothing"])
        .refused(&["nothing", "data/pretrained"]);
}
