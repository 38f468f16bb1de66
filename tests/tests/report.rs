//! Reports without a network, and runs that have none to give.

use crosr_tests::{crosr, folder, known_features, unknown_features, write_features};

#[test]
fn features_alone_have_a_report_without_pictures() {
    let dir = folder();
    let write = |name: &str, (rows, labels): (Vec<Vec<f32>>, Vec<i64>)| {
        write_features(&dir.path().join(name), &rows, &labels);
    };
    write("train.safetensors", known_features(200, 4, 1));
    write("test.safetensors", known_features(80, 4, 90_000));
    write("far.safetensors", unknown_features(50, 4, 170_000));
    let fit = "fit --features train.safetensors --tail 20 --out openset.safetensors";
    let fit: Vec<&str> = fit.split(' ').collect();
    assert_eq!(crosr(dir.path(), &fit).code, 0);
    let eval = "eval --openset openset.safetensors --known test.safetensors \
                --unknown <far>=far.safetensors --report out/page.html";
    let eval: Vec<&str> = eval.split_whitespace().collect();
    let run = crosr(dir.path(), &eval);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("report: out/page.html"),
        "{}",
        run.stdout
    );
    let page = std::fs::read_to_string(dir.path().join("out/page.html")).expect("written");
    assert!(page.contains("&lt;far&gt;") && !page.contains("<far>"));
    assert!(page.contains("figure-tail-quantiles-4") && page.contains("figure-tail-sizes"));
    assert!(!page.contains("<img"));
}

#[test]
fn what_is_no_evaluated_run_is_refused() {
    let dir = folder();
    let path = dir.path().join("run");
    std::fs::create_dir(&path).expect("writable");
    crosr(dir.path(), &["report", "run"]).refused(&["run", "crosr eval"]);
    crosr(dir.path(), &["report", "absent"]).refused(&["absent", "crosr eval"]);
    crosr(dir.path(), &["compare", "run", "absent"]).refused(&["run", "crosr eval"]);
    assert_eq!(crosr(dir.path(), &["compare", "run"]).code, 2);
    for content in ["", "{}", "[1", "null", "{\"title\": 3}"] {
        std::fs::write(path.join("report.json"), content).expect("writable");
        crosr(dir.path(), &["report", "run"]).refused(&["report.json", "not the values"]);
        std::fs::write(path.join("metrics.json"), content).expect("writable");
        crosr(dir.path(), &["compare", "run", "run"]).refused(&["metrics.json", "not an"]);
    }
    assert!(!path.join("report.html").exists());
}
