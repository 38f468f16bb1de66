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
fn intervals_are_those_of_the_level_named() {
    let dir = folder();
    column(dir.path());
    let fit = |flags: &[&str]| {
        let all = [&["weibull", "fit", "--tail", "40", "numbers.txt"], flags].concat();
        crosr(dir.path(), &all)
    };
    let width = |of: &serde_json::Value| {
        of[1].as_f64().expect("a bound") - of[0].as_f64().expect("a bound")
    };
    let default = fit(&["--json"]).json();
    assert_eq!(default["level"], 0.95);
    assert_eq!(default["confidence"], default["ci95"]);
    assert!(default["residual"].as_f64() < Some(1e-12));
    let narrow = fit(&["--json", "--level", "0.8"]).json();
    assert_eq!(
        (&narrow["level"], &narrow["ci95"]),
        (&0.8.into(), &default["ci95"])
    );
    for parameter in ["scale", "shape"] {
        let ratio = width(&narrow["confidence"][parameter]) / width(&narrow["ci95"][parameter]);
        // The normal quantiles at 0.9 and 0.975, but for the logarithmic scale.
        assert!((ratio - 1.2816 / 1.96).abs() < 0.02, "{parameter}: {ratio}");
    }
    let text = fit(&["--level", "0.8"]);
    assert!(
        text.stdout.contains("80 % confidence interval"),
        "{}",
        text.stdout
    );
    fit(&["--level", "1.5"]).refused(&["1.5"]);
    // libMR's line has bounds of one level.
    let both = fit(&["--level", "0.8", "--libmr"]);
    assert!(
        both.code == 2 && both.stderr.contains("--level"),
        "{}",
        both.stderr
    );
}

#[test]
fn numbers_of_any_size_are_fitted_and_shown() {
    let dir = folder();
    for unit in ["1e-300", "1e0", "1e300"] {
        let exponent = unit.trim_start_matches("1e").parse::<i32>().unwrap_or(0);
        let line = |i| format!("{}.{i}e{exponent}\n", i % 9 + 1);
        let lines: String = (10..50).map(line).collect();
        std::fs::write(dir.path().join("numbers.txt"), lines).expect("writable");
        let flags = [
            "--tail",
            "30",
            "--translate",
            unit,
            "numbers.txt",
            "--svg",
            "out.svg",
        ];
        for command in ["fit", "compare"] {
            let run = crosr(dir.path(), &[&["weibull", command], &flags[..]].concat());
            assert_eq!(run.code, 0, "{}", run.stderr);
            assert!(
                run.stdout.lines().all(|line| line.len() < 160),
                "{}",
                run.stdout
            );
            assert!(!run.stdout.contains(" 0.000000"), "{}", run.stdout);
        }
    }
}

#[test]
fn models_of_labelled_scores_answer_with_the_complement() {
    let dir = folder();
    column(dir.path());
    let fit = [
        "weibull",
        "fit",
        "--low",
        "--tail",
        "30",
        "numbers.txt",
        "--libmr",
    ];
    let line = crosr(dir.path(), &fit).stdout;
    let scores = |fitting_type: &str| -> Vec<f64> {
        let line = line.replace(" 1 30 ", &format!(" {fitting_type} 30 "));
        std::fs::write(dir.path().join("model.txt"), line).expect("writable");
        let score = ["weibull", "score", "--model", "model.txt", "numbers.txt"];
        let run = crosr(dir.path(), &score);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
            .lines()
            .map(|w| w.parse().expect("a number"))
            .collect()
    };
    let (plain, turned) = (scores("1"), scores("4"));
    assert!(plain.iter().any(|w| *w > 0.5));
    assert!(
        plain
            .iter()
            .zip(&turned)
            .all(|(w, v)| (w + v - 1.0).abs() < 1e-12)
    );
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

/// A table with two columns, the second of them exponential.
fn table(dir: &std::path::Path) {
    let mut file = std::fs::File::create(dir.join("table.csv")).expect("writable");
    writeln!(file, "class,distance").expect("writable");
    for i in 0..1000 {
        writeln!(file, "{},{}", i % 10, -f64::from(noise(i)).ln()).expect("writable");
    }
}

#[test]
fn a_column_of_a_table_by_name_and_by_number() {
    let dir = folder();
    table(dir.path());
    let fit = |column: &str| {
        let flags = ["weibull", "fit", "--json", "table.csv", "--column", column];
        crosr(dir.path(), &flags)
    };
    assert_eq!(fit("distance").json(), fit("2").json());
    fit("size").refused(&["table.csv", "class, distance"]);
    crosr(dir.path(), &["weibull", "fit", "table.csv"]).refused(&["--column"]);
}

#[test]
fn families_are_ranked_and_drawn() {
    let dir = folder();
    table(dir.path());
    let base = ["weibull", "compare", "--tail", "200", "--column", "2"];
    let more = ["--json", "--svg", "all.svg", "table.csv"];
    let comparison = crosr(dir.path(), &[&base[..], &more].concat()).json();
    let families = comparison["families"].as_array().expect("a list");
    assert_eq!(families.len(), 4);
    let aic: Vec<f64> = families.iter().filter_map(|f| f["aic"].as_f64()).collect();
    assert!(aic.len() >= 3 && aic.is_sorted(), "{aic:?}");
    // The tail of exponential numbers is exponential: a generalised Pareto of shape near 0.
    assert_ne!(families[0]["family"], "weibull");
    let gpd = families.iter().find(|f| f["family"] == "gpd");
    let shape = gpd
        .and_then(|f| f["parameters"]["shape"].as_f64())
        .expect("fitted");
    assert!(shape.abs() < 0.25, "{shape}");
    let svg = std::fs::read_to_string(dir.path().join("all.svg")).expect("written");
    assert!(svg.starts_with("<svg") && svg.contains("gpd"));

    let text = crosr(dir.path(), &[&base[..], &["--plot", "table.csv"]].concat());
    assert_eq!(text.code, 0, "{}", text.stderr);
    let drawn = text
        .stdout
        .chars()
        .any(|c| ('\u{2801}'..='\u{28ff}').contains(&c));
    assert!(
        drawn && text.stdout.contains("Quantiles"),
        "{}",
        text.stdout
    );
    crosr(
        dir.path(),
        &[&base[..], &["--families", "normal", "table.csv"]].concat(),
    )
    .refused(&["normal", "gpd"]);
}

#[test]
fn a_tail_size_is_chosen_by_a_rule() {
    let dir = folder();
    table(dir.path());
    for rule in ["ks", "mean-excess"] {
        let flags = [
            "weibull",
            "tail",
            "--column",
            "2",
            "--rule",
            rule,
            "--json",
            "table.csv",
        ];
        let choice = crosr(dir.path(), &flags).json();
        let tail = choice["tail"].as_u64().expect("a number");
        assert!((20..=500).contains(&tail), "{rule}: {tail}");
        let curve = choice["curve"].as_array().expect("a list");
        assert!(
            curve
                .iter()
                .any(|point| point["tail"].as_u64() == Some(tail))
        );
    }
    let few = [
        "weibull",
        "tail",
        "--smallest",
        "400",
        "--largest",
        "30",
        "--column",
        "2",
        "table.csv",
    ];
    crosr(dir.path(), &few).refused(&["400", "30"]);
}

/// What libMR 0.1.9's `as_binary` gives for the ten largest of 1, 4, 9 ... 400.
const LIBMR_BYTES: [u8; 84] = [
    0xe5, 0xf6, 0x9b, 0xd8, 0xd7, 0x7b, 0x60, 0x40, 0x34, 0x8c, 0x04, 0x24, 0xbd, 0x86, 0xf1, 0x3f,
    0xe9, 0xd1, 0x3c, 0xe4, 0xde, 0x75, 0x82, 0x40, 0x8c, 0x7e, 0xa7, 0x83, 0xff, 0x6f, 0x3d, 0x40,
    0x12, 0xf1, 0xc3, 0xf0, 0x3b, 0x67, 0x11, 0x40, 0xb4, 0xac, 0x80, 0x5f, 0x77, 0xa6, 0xd1, 0x3f,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0x40, 0x01, 0x00, 0x00, 0x00,
    0x0a, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x5e, 0x40,
    0x00, 0x00, 0x00, 0x00,
];

#[test]
fn a_model_in_libmrs_binary_form_scores() {
    let dir = folder();
    std::fs::write(dir.path().join("model.bin"), LIBMR_BYTES).expect("writable");
    std::fs::write(dir.path().join("numbers.txt"), "200\n390\n").expect("writable");
    let score = |model: &str| {
        let flags = ["weibull", "score", "--model", model, "numbers.txt"];
        crosr(dir.path(), &flags)
    };
    let run = score("model.bin");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let found: Vec<f64> = run
        .stdout
        .lines()
        .map(|l| l.parse().expect("a number"))
        .collect();
    // libMR's own answers.
    for (found, wanted) in found.iter().zip([0.4392119758982601, 0.8883438059419858]) {
        assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
    }
    assert_eq!(found.len(), 2);
    std::fs::write(dir.path().join("short.bin"), &LIBMR_BYTES[..80]).expect("writable");
    score("short.bin").refused(&["short.bin", "84"]);
}
