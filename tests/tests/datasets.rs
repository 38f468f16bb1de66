//! Data of every kind through the binary: trained on, fitted, judged, taken for outliers.

use std::fs;
use std::path::Path;

use crosr_tests::{Run, crosr, folder, noise};
use image::{GrayImage, Luma};

const SIDE: u32 = 28;
const CLASSES: usize = 3;

/// A grey picture of class `class` with a bright band at a height that tells it; no band for
/// [`CLASSES`] and above.
fn picture(class: usize, number: usize) -> GrayImage {
    GrayImage::from_fn(SIDE, SIDE, |x, y| {
        let banded = class < CLASSES && y as usize / 9 == class;
        let position = (number * 97 + class * 13) * 1000 + (y * SIDE + x) as usize;
        Luma([(noise(position) * 50.0) as u8 + if banded { 200 } else { 20 }])
    })
}

fn png(class: usize, number: usize) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let written = picture(class, number).write_to(&mut file, image::ImageFormat::Png);
    written.expect("writable");
    file.into_inner()
}

/// An IDX file of bytes.
fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes
        .iter()
        .for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(values);
    file
}

/// A dataset in MNIST's files; `shift` is added to the class that a picture shows.
fn write_mnist(dir: &Path, shift: usize) {
    fs::create_dir_all(dir).expect("writable");
    for (part, count, first) in [("train", 240, 0), ("t10k", 60, 1000)] {
        let pixels: Vec<u8> = (0..count)
            .flat_map(|i| picture(i % CLASSES + shift, first + i).into_raw())
            .collect();
        let labels: Vec<u8> = (0..count).map(|i| (i % CLASSES) as u8).collect();
        let write = |name: String, bytes| fs::write(dir.join(name), bytes).expect("writable");
        let images = idx(&[count as u32, SIDE, SIDE], &pixels);
        write(format!("{part}-images-idx3-ubyte"), images);
        write(
            format!("{part}-labels-idx1-ubyte"),
            idx(&[count as u32], &labels),
        );
    }
}

fn train(dir: &Path, dataset: &str, data: &str, out: &str, more: &[&str]) -> Run {
    let flags = [
        "train",
        "--dataset",
        dataset,
        "--data-dir",
        data,
        "--out",
        out,
        "--width",
        "0.125",
        "--epochs",
        "10",
        "--batch-size",
        "16",
        "--learning-rate",
        "0.03",
        "--conv-dropout",
        "0",
        "--fc-dropout",
        "0",
        "--json",
    ];
    crosr(dir, &[&flags[..], more].concat())
}

/// Fits and judges a run; the accuracy, and each set's samples.
fn judged(dir: &Path, run: &str, outliers: &[&str]) -> (f64, Vec<(String, u64)>) {
    let fitted = crosr(dir, &["fit", "--run", run, "--shrink-tail", "true"]);
    assert_eq!(fitted.code, 0, "{}", fitted.stderr);
    let mut flags = vec!["eval", "--run", run, "--json"];
    for set in outliers {
        flags.extend(["--outliers", set]);
    }
    let report = crosr(dir, &flags).json();
    let sets = report["outliers"].as_array().expect("a list").iter();
    let sets = sets.map(|set| {
        let name = set["name"].as_str().expect("text").to_owned();
        (name, set["samples"].as_u64().expect("a count"))
    });
    let accuracy = report["known"]["closed_set_accuracy"].as_f64();
    (accuracy.expect("a number"), sets.collect())
}

#[test]
fn idx_files_with_another_dataset_as_outliers() {
    let dir = folder();
    write_mnist(&dir.path().join("data/mnist"), 0);
    write_mnist(&dir.path().join("data/fashion-mnist"), CLASSES);
    let digits = ["--known-classes", "0,1,2"];
    let run = train(dir.path(), "mnist", "data", "run", &digits);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let config = fs::read_to_string(dir.path().join("run/config.toml")).expect("written");
    assert!(
        config.contains("augment = \"crop\""),
        "no flips of digits: {config}"
    );
    let (accuracy, sets) = judged(dir.path(), "run", &["clothes=dataset:fashion-mnist"]);
    assert!(accuracy > 0.9, "{accuracy}");
    assert_eq!(sets, [("clothes".to_owned(), 60)]);
    let eval = |set: &str| crosr(dir.path(), &["eval", "--run", "run", "--outliers", set]);
    eval("x=dataset:svhn").refused(&["test_32x32.mat", "cargo xtask fetch-data svhn"]);
    eval("x=dataset:nothing").refused(&["nothing", "--dataset"]);
}

#[test]
fn a_manifest_and_tar_shards() {
    let dir = folder();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir_all(path("shards")).expect("writable");
    fs::create_dir_all(path("pictures")).expect("writable");
    let mut listed = "path,label\n".to_owned();
    let mut tar = tar::Builder::new(fs::File::create(path("shards/0.tar")).expect("writable"));
    let mut add = |name: String, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes).expect("writable");
    };
    for number in 0..300 {
        let class = number % CLASSES;
        let file = png(class, number);
        fs::write(path(&format!("pictures/{number}.png")), &file).expect("writable");
        listed.push_str(&format!("pictures/{number}.png,band-{class}\n"));
        add(format!("{number}.png"), &file);
        add(format!("{number}.cls"), class.to_string().as_bytes());
    }
    tar.finish().expect("writable");
    fs::write(path("list.csv"), listed).expect("writable");
    let plain: String = (0..20)
        .map(|number| format!("plain-{number}.png\n"))
        .collect();
    fs::write(path("outliers.csv"), plain).expect("writable");
    for number in 0..20 {
        fs::write(path(&format!("plain-{number}.png")), png(CLASSES, number)).expect("writable");
    }
    let sets = ["listed=outliers.csv", "packed=shards/0.tar"];
    for (data, run) in [("list.csv", "a"), ("shards", "b")] {
        let trained = train(dir.path(), "folder", data, run, &[]);
        assert_eq!(trained.code, 0, "{}", trained.stderr);
        let (accuracy, sets) = judged(dir.path(), run, &sets);
        assert!(accuracy > 0.9, "{data}: {accuracy}");
        assert_eq!(
            sets,
            [("listed".to_owned(), 20), ("packed".to_owned(), 300)]
        );
    }
    // The same pictures in the same order, whatever they came in.
    let weights = |run: &str| {
        let history = fs::read_to_string(path(run).join("history.jsonl")).expect("written");
        let first: serde_json::Value =
            serde_json::from_str(history.lines().next().expect("a line")).expect("JSON");
        first["train_loss"].clone()
    };
    assert_eq!(weights("a"), weights("b"));
}

#[test]
fn parts_in_two_files_share_the_classes_of_the_first() {
    let dir = folder();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir_all(path("data")).expect("writable");
    let mut listed = [String::new(), String::new()];
    for number in 0..240 {
        let class = number % CLASSES;
        fs::write(path(&format!("data/{number}.png")), png(class, number)).expect("writable");
        // The test part lacks class 0, so that its own numbering would be another.
        let part = usize::from(number % 4 == 0 && class > 0);
        listed[part].push_str(&format!("{number}.png,band-{class}\n"));
    }
    fs::write(path("data/train.csv"), &listed[0]).expect("writable");
    fs::write(path("data/test.csv"), &listed[1]).expect("writable");
    let trained = train(dir.path(), "folder", "data", "run", &[]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let (accuracy, _) = judged(dir.path(), "run", &["noise=builtin:uniform"]);
    assert!(accuracy > 0.9, "{accuracy}");
    fs::write(path("data/test.csv"), "0.png,zebra\n").expect("writable");
    crosr(dir.path(), &["eval", "--run", "run"]).refused(&["zebra", "band-0"]);
    fs::write(path("one.csv"), "data/0.png,zebra\n").expect("writable");
    train(dir.path(), "folder", "one.csv", "other", &[]).refused(&["one.csv", "1 classes"]);
}
