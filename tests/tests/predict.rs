//! `crosr predict` on whatever may lie in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crosr_data::{Dataset, PixelFormat, Shapes};
use crosr_tests::{Run, SMALL_TRAINING, crosr, crosr_reading, folder};
use serde_json::Value;

/// A small network that knows three shapes, made once for all tests.
fn network() -> &'static str {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    let run = RUN.get_or_init(|| {
        let run = Path::new(env!("CARGO_TARGET_TMPDIR")).join("predict-run");
        let path = run.to_str().expect("UTF-8");
        let train = [&SMALL_TRAINING[..], &["--overwrite", "--out", path]].concat();
        for flags in [&train[..], &["fit", "--run", path, "--shrink-tail"]] {
            let done = crosr(Path::new(env!("CARGO_TARGET_TMPDIR")), flags);
            assert_eq!(done.code, 0, "{}", done.stderr);
        }
        run
    });
    run.to_str().expect("UTF-8")
}

fn save(path: &Path, data: &dyn Dataset, index: usize) {
    fs::create_dir_all(path.parent().expect("a file")).expect("writable");
    let image = data.sample(index).expect("there").image;
    let colour = match image.format() {
        PixelFormat::Grey => image::ColorType::L8,
        PixelFormat::Rgb => image::ColorType::Rgb8,
    };
    let (width, height) = (image.width() as u32, image.height() as u32);
    image::save_buffer(path, image.pixels(), width, height, colour).expect("writable");
}

/// Pictures of known and unknown shapes in `folder`/pictures: 00.png, 01.png, …
fn pictures(folder: &Path, n: usize) {
    let (known, unknown) = (Shapes::known(n, 5), Shapes::unknown(n, 6));
    for i in 0..n {
        let path = folder.join(format!("pictures/{i:02}.png"));
        if i % 2 == 0 {
            save(&path, &known, i);
        } else {
            save(&path, &unknown, i);
        }
    }
}

fn predict(folder: &Path, more: &[&str]) -> Run {
    crosr(folder, &[&["predict", "--run", network()], more].concat())
}

/// One object a line; their paths, too.
fn lines(run: &Run) -> (Vec<Value>, Vec<String>) {
    let parse = |line: &str| -> Value { serde_json::from_str(line).expect(line) };
    let lines: Vec<Value> = run.stdout.lines().map(parse).collect();
    let path = |line: &Value| line["path"].as_str().expect("a path").to_owned();
    let paths = lines.iter().map(path).collect();
    (lines, paths)
}

fn check(line: &Value) {
    let probabilities = line["probabilities"].as_object().expect("an object");
    let names: Vec<&str> = probabilities.keys().map(String::as_str).collect();
    // serde_json sorts what it reads.
    assert_eq!(names, ["disc", "star", "triangle", "unknown"]);
    let value = |name: &str| probabilities[name].as_f64().expect("a number");
    let sum: f64 = names.iter().map(|name| value(name)).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{line}");
    let class = line["class"].as_str().expect("a name");
    assert_eq!(line["unknown"], class == "unknown");
    assert_eq!(value("unknown") > 0.5, class == "unknown", "{line}");
    for field in ["w_score", "nearest_w_score"] {
        assert!((0.0..=1.0).contains(&line[field].as_f64().expect("a number")));
    }
    assert!(line["distance"].as_f64() >= Some(0.0));
    assert!(names[..3].contains(&line["nearest_class"].as_str().expect("a name")));
    let tail = line["reason"]["tail_probability"]
        .as_f64()
        .expect("a number");
    assert!((0.0..=1.0).contains(&tail));
}

#[test]
fn the_figures_are_those_of_the_evaluation() {
    let dir = folder();
    pictures(dir.path(), 30);
    let eval = ["eval", "--run", network(), "--outliers", "all=pictures"];
    assert_eq!(crosr(dir.path(), &eval).code, 0);
    let scores = fs::read_to_string(Path::new(network()).join("scores.csv")).expect("written");
    let mut rows = scores
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().expect("a header");
    let column = |name: &str| header.iter().position(|n| *n == name).expect("a column");
    let rows: Vec<Vec<&str>> = rows.filter(|row| row[0] == "all").collect();
    let run = predict(dir.path(), &["--jsonl", "pictures"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let (lines, _) = lines(&run);
    assert_eq!((lines.len(), rows.len()), (30, 30));
    for (line, row) in lines.iter().zip(&rows) {
        check(line);
        let number = |name: &str| row[column(name)].parse::<f64>().ok();
        assert_eq!(
            line["probabilities"]["unknown"].as_f64(),
            number("unknown_probability")
        );
        assert_eq!(line["w_score"].as_f64(), number("w_score"));
        assert_eq!(line["class"], row[column("prediction")]);
        assert_eq!(line["predicted_class"], row[column("closed_set_class")]);
        assert_eq!(
            line["reason"]["evidence"],
            row[column("strongest_evidence")]
        );
        let tail = number("its_tail_probability");
        assert_eq!(line["reason"]["tail_probability"].as_f64(), tail);
    }
    let unknown = lines.iter().filter(|line| line["unknown"] == true).count();
    assert!((5..=25).contains(&unknown), "{unknown} of 30 unknown");

    // One by one, and from one file, they are the same.
    let export = [
        "export",
        "--run",
        network(),
        "--single",
        "--out",
        "both.safetensors",
    ];
    assert_eq!(crosr(dir.path(), &export).code, 0);
    let one = [
        "predict",
        "--pretrained",
        "both.safetensors",
        "--jsonl",
        "pictures/07.png",
    ];
    let one = crosr(dir.path(), &one).json();
    assert_eq!(one, lines[7]);
}

#[test]
fn a_folder_of_everything() {
    let dir = folder();
    pictures(dir.path(), 2);
    let at = |name: &str| dir.path().join("pictures").join(name);
    let good = fs::read(at("00.png")).expect("written");
    let mut corrupt = good.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle] ^= 0xFF;
    fs::write(at("corrupt.png"), corrupt).expect("writable");
    fs::write(at("cut.png"), &good[..good.len() / 2]).expect("writable");
    fs::write(at("empty.png"), "").expect("writable");
    fs::write(at("moving.gif"), b"GIF89a\x01\0\x01\0\0\0\0;").expect("writable");
    fs::write(at("notes.txt"), "no picture").expect("writable");
    fs::write(at("text.jpg"), "no picture either").expect("writable");
    let save = |name: &str, side: u32, colour, bytes: usize| {
        let pixels = vec![90; (side * side) as usize * bytes];
        image::save_buffer(at(name), &pixels, side, side, colour).expect("writable");
    };
    save("pixel.png", 1, image::ColorType::Rgb8, 3);
    save("large.png", 10_000, image::ColorType::L8, 1);
    // Only a header, of a picture larger than any memory.
    let mut huge = good.clone();
    huge[16..24].copy_from_slice(&[0, 15, 66, 64, 0, 15, 66, 64]);
    let sum = crc(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&sum);
    fs::write(at("million.png"), huge).expect("writable");

    let run = predict(dir.path(), &["--jsonl", "pictures", "absent.png"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    let last = run.stderr.lines().last().expect("a line");
    assert_eq!(last, "crosr: 7 of 11 pictures could not be read");
    assert!(run.stderr.contains("1 files skipped"), "{}", run.stderr);
    let (lines, paths) = lines(&run);
    let expected = [
        ("00.png", ""),
        ("01.png", ""),
        ("corrupt.png", "not a readable"),
        ("cut.png", "not a readable"),
        ("empty.png", "not a readable"),
        ("large.png", ""),
        ("million.png", "1000000 x 1000000 pixels"),
        ("moving.gif", "Gif"),
        ("pixel.png", ""),
        ("text.jpg", "not a readable"),
    ];
    let names = expected.iter().map(|(name, _)| format!("pictures/{name}"));
    let names: Vec<String> = names.chain(["absent.png".to_owned()]).collect();
    assert_eq!(paths, names);
    let errors = expected
        .iter()
        .map(|(_, error)| *error)
        .chain(["no such file"]);
    for (line, error) in lines.iter().zip(errors) {
        if error.is_empty() {
            check(line);
        } else {
            let fields: Vec<&String> = line.as_object().expect("an object").keys().collect();
            assert_eq!(fields, ["error", "path"]);
            let text = line["error"].as_str().expect("a text");
            assert!(
                text.contains(error) && !text.contains("pictures/"),
                "{line}"
            );
        }
    }
}

/// Of a PNG chunk.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn patterns_lists_and_repetitions_keep_their_order() {
    let dir = folder();
    pictures(dir.path(), 6);
    let run = predict(
        dir.path(),
        &[
            "--jsonl",
            "pictures/03.png",
            "pictures/0[02].png",
            "pictures/03.png",
        ],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (found, paths) = lines(&run);
    let names = ["03", "00", "02", "03"].map(|name| format!("pictures/{name}.png"));
    assert_eq!(paths, names);
    assert_eq!(found[0], found[3]);

    // A file may be called like a pattern.
    fs::copy(
        dir.path().join("pictures/01.png"),
        dir.path().join("[1].png"),
    )
    .expect("writable");
    let run = predict(dir.path(), &["--jsonl", "[1].png", "none*.png"]);
    assert_eq!(run.code, 1);
    let (found, paths) = lines(&run);
    assert_eq!(paths, ["[1].png", "none*.png"]);
    check(&found[0]);
    assert!(
        found[1]["error"]
            .as_str()
            .expect("a text")
            .contains("nothing matches")
    );

    fs::create_dir(dir.path().join("empty")).expect("writable");
    let list = "pictures/05.png\r\n\nempty\npictures/01.png\nabsent.png\npictures";
    let args = [
        "predict",
        "--run",
        network(),
        "--jsonl",
        "pictures/04.png",
        "-",
    ];
    let run = crosr_reading(dir.path(), &args, list.as_bytes());
    assert_eq!(run.code, 1);
    let (found, paths) = lines(&run);
    assert_eq!(paths.len(), 11);
    let first = [
        "pictures/04.png",
        "pictures/05.png",
        "empty",
        "pictures/01.png",
        "absent.png",
    ];
    assert_eq!(paths[..5], first);
    assert_eq!(paths[10], "pictures/05.png");
    assert_eq!(found[1], found[10]);
    assert!(
        found[2]["error"]
            .as_str()
            .expect("a text")
            .contains("no PNG or JPEG pictures")
    );

    let run = crosr_reading(
        dir.path(),
        &["predict", "--run", network(), "--jsonl", "-"],
        b"",
    );
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
}

#[test]
fn csv_and_table_say_the_same() {
    let dir = folder();
    pictures(dir.path(), 20);
    fs::rename(
        dir.path().join("pictures/04.png"),
        dir.path().join("pictures/0, \"4\".png"),
    )
    .expect("writable");
    fs::write(dir.path().join("pictures/99.png"), "text").expect("writable");
    let run = |format: &[&str]| {
        let run = predict(dir.path(), &[format, &["pictures"]].concat());
        assert_eq!(run.code, 1, "{}", run.stderr);
        // Nothing here is a terminal.
        assert!(!(run.stdout + &run.stderr).contains('\u{1b}'));
        predict(dir.path(), &[format, &["pictures"]].concat())
    };
    let json = run(&["--jsonl"]);
    let (json, _) = lines(&json);
    let csv = run(&["--csv"]).stdout;
    let table = run(&[]).stdout;

    let header: Vec<&str> = csv.lines().next().expect("a header").split(',').collect();
    assert_eq!(header[..4], ["path", "class", "unknown", "w_score"]);
    assert_eq!(
        header[11..],
        ["p_disc", "p_triangle", "p_star", "p_unknown"]
    );
    assert!(
        csv.lines()
            .nth(1)
            .expect("a row")
            .starts_with("\"pictures/0, \"\"4\"\".png\",")
    );
    // From the second row on no field is quoted.
    let rows: Vec<Vec<&str>> = csv
        .lines()
        .skip(2)
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!(rows.len(), 20);
    for (row, json) in rows.iter().zip(&json[1..]) {
        assert_eq!(row.len(), 15);
        assert_eq!(json["path"], row[0]);
        let fields: BTreeMap<&str, &str> =
            header.iter().copied().zip(row.iter().copied()).collect();
        if let Some(error) = json["error"].as_str() {
            assert_eq!((fields["class"], fields["error"]), ("", error));
            continue;
        }
        assert_eq!(json["class"], fields["class"]);
        assert_eq!(json["w_score"].as_f64(), fields["w_score"].parse().ok());
        let unknown = json["probabilities"]["unknown"].as_f64();
        assert_eq!(unknown, fields["p_unknown"].parse().ok());
    }

    let table: Vec<&str> = table.lines().collect();
    assert_eq!(table.len(), 22);
    let column = table[0].find("class").expect("a header");
    for (line, json) in table[1..].iter().zip(&json) {
        let class = json["class"].as_str().unwrap_or("-");
        assert!(line[column..].starts_with(class), "{line}");
        assert_eq!(line.contains("nearest to"), class == "unknown", "{line}");
        assert_eq!(
            line.contains("strongest evidence"),
            class == "unknown",
            "{line}"
        );
        assert_eq!(
            line.contains("error: not a readable"),
            class == "-",
            "{line}"
        );
    }
}

#[test]
fn what_the_user_can_mend() {
    let dir = folder();
    pictures(dir.path(), 1);
    let refused = |args: &[&str], parts: &[&str]| {
        crosr(dir.path(), &[&["predict"], args].concat()).refused(parts);
    };
    refused(
        &["--run", "nowhere", "pictures"],
        &["nowhere", "no trained network"],
    );
    refused(
        &["--pretrained", "nobody", "pictures"],
        &["nobody", "data/pretrained"],
    );
    for args in [
        &["pictures"][..],
        &["--run", "x"],
        &["--run", "x", "--csv", "--jsonl", "y"],
    ] {
        let run = crosr(dir.path(), &[&["predict"], args].concat());
        assert_eq!(run.code, 2, "{}", run.stderr);
    }
}
