//! `crosr weibull` on a column of numbers.

use std::io::Write;

use crosr_tests::{crosr, folder, noise};

fn column(dir: &std::path::Path) {
    let mut file = std::fs::File::create(dir.join("numbers.txt")).expect("writable");
    writeln!(file, "# distances").expect("writable");
    for i in 0..200 {
        writeln!(file, "{}", 3.0 - f64::from(noise(i)).ln()).expect("writable");
    }
}

#[test]
fn json_and_libmr_text_score_alike() {
    let dir = folder();
    column(dir.path());
    let json = crosr(
        dir.path(),
        &["weibull", "fit", "--tail", "40", "numbers.txt", "--json"],
    );
    let model = json.json();
    assert_eq!(
        (model["tail"].as_u64(), model["sign"].as_i64()),
        (Some(40), Some(1))
    );
    let bounds = &model["ci95"]["shape"];
    assert!(bounds[0].as_f64() < model["shape"].as_f64());
    assert!(model["shape"].as_f64() < bounds[1].as_f64());
    std::fs::write(dir.path().join("model.json"), &json.stdout).expect("writable");

    let text = crosr(
        dir.path(),
        &["weibull", "fit", "--tail", "40", "numbers.txt", "--libmr"],
    );
    assert_eq!(
        text.stdout.split_whitespace().count(),
        13,
        "{}",
        text.stdout
    );
    std::fs::write(dir.path().join("model.txt"), &text.stdout).expect("writable");

    let score = |model: &str| {
        let run = crosr(
            dir.path(),
            &["weibull", "score", "--model", model, "numbers.txt"],
        );
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
            .lines()
            .map(|l| l.parse().expect("a number"))
            .collect::<Vec<f64>>()
    };
    let (from_json, from_text) = (score("model.json"), score("model.txt"));
    assert_eq!(from_json.len(), 200);
    assert_eq!(from_json, from_text);
    assert!(from_json.iter().all(|w| (0.0..=1.0).contains(w)));
    assert!(from_json.iter().any(|w| *w > 0.9) && from_json.iter().any(|w| *w < 0.1));
}

#[test]
fn bad_columns_are_refused() {
    let dir = folder();
    std::fs::write(dir.path().join("words.txt"), "1\n2\nthree\n").expect("writable");
    std::fs::write(dir.path().join("flat.txt"), "5\n5\n5\n").expect("writable");
    std::fs::write(dir.path().join("empty.txt"), "").expect("writable");
    let fit = |file: &str| crosr(dir.path(), &["weibull", "fit", file]);
    fit("words.txt").refused(&["words.txt", "line 3", "three"]);
    fit("flat.txt").refused(&["flat.txt"]);
    fit("empty.txt").refused(&[]);
    fit("absent.txt").refused(&["absent.txt"]);
    crosr(
        dir.path(),
        &["weibull", "score", "--model", "words.txt", "flat.txt"],
    )
    .refused(&["words.txt"]);
}
