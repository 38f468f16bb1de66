//! Every metric against scikit-learn's figures and the definitions in 40 digits: a selection kept
//! in the repository always, the full set where it lies beside the checkout.

use std::path::Path;

use crosr_eval::{ClassScores, ConfusionMatrix, EvalError, Oscr, Ranking};
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;

/// A number, or one of the strings that stand for the non-finite ones.
fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some("nan") => f64::NAN,
        Some(other) => panic!("{other}"),
        None => value.as_f64().expect("a number"),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(number)
        .collect()
}

fn indices(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|v| v as usize).collect()
}

fn flags(value: &Value) -> Vec<bool> {
    let flag = |v: &Value| v.as_bool().unwrap_or_else(|| number(v) != 0.0);
    value.as_array().expect("a list").iter().map(flag).collect()
}

fn close(found: f64, wanted: &Value, what: &str) {
    let wanted = number(wanted);
    assert!(
        (found - wanted).abs() <= TOLERANCE,
        "{what}: {found}, not {wanted}"
    );
}

fn averages(found: ClassScores, wanted: &Value, what: &str) {
    close(found.precision, &wanted["precision"], what);
    close(found.recall, &wanted["recall"], what);
    close(found.f1, &wanted["f1"], what);
}

fn counts(value: &Value) -> Vec<Vec<u64>> {
    let row = |row: &Value| indices(row).into_iter().map(|n| n as u64).collect();
    value.as_array().expect("rows").iter().map(row).collect()
}

fn classes(matrix: &ConfusionMatrix, labels: &[usize], wanted: &Value, name: &str) {
    assert_eq!(indices(&wanted["labels"]), labels, "{name}");
    for (position, &class) in labels.iter().enumerate() {
        let scores = matrix.class(class);
        close(scores.precision, &wanted["precision"][position], name);
        close(scores.recall, &wanted["recall"][position], name);
        close(scores.f1, &wanted["f1"][position], name);
        let support = number(&wanted["support"][position]);
        assert_eq!(scores.support as f64, support, "{name}");
    }
    close(matrix.accuracy(), &wanted["accuracy"], name);
    averages(matrix.weighted_average(), &wanted["weighted"], name);
    averages(matrix.micro_average(), &wanted["micro"], name);
}

fn multiclass(case: &Value) {
    let name = case["name"].as_str().expect("a name");
    let (truth, predicted) = (indices(&case["y_true"]), indices(&case["y_pred"]));
    let n_classes = number(&case["num_classes"]) as usize;
    let matrix = ConfusionMatrix::new(&truth, &predicted, n_classes).expect("classes in range");

    let wanted = &case["expected"];
    let all: Vec<usize> = (0..n_classes).collect();
    assert_eq!(matrix.rows(), counts(&wanted["confusion_matrix"]), "{name}");
    classes(&matrix, &all, wanted, name);
    averages(matrix.macro_average(), &wanted["macro"], name);

    let wanted = &case["expected_present_labels"];
    let occurs = |class: &usize| truth.contains(class) || predicted.contains(class);
    let present: Vec<usize> = all.into_iter().filter(occurs).collect();
    let row = |&t: &usize| present.iter().map(|&p| matrix.count(t, p)).collect();
    let rows: Vec<Vec<u64>> = present.iter().map(row).collect();
    assert_eq!(rows, counts(&wanted["confusion_matrix"]), "{name}");
    classes(&matrix, &present, wanted, name);
    averages(matrix.macro_average_present(), &wanted["macro"], name);
}

fn binary(case: &Value) {
    let name = case["name"].as_str().expect("a name");
    let (unknown, scores) = (flags(&case["y"]), numbers(&case["scores"]));
    let wanted = &case["expected"];
    let ranking = Ranking::new(&scores, &unknown);
    if wanted["error"] == true {
        assert!(matches!(ranking, Err(EvalError::OneSided { .. })), "{name}");
        return;
    }
    let ranking = ranking.expect(name);
    let curve = ranking.roc_curve();
    assert_eq!(
        curve.iter().map(|p| p.fpr).collect::<Vec<_>>(),
        numbers(&wanted["roc"]["fpr"])
    );
    assert_eq!(
        curve.iter().map(|p| p.tpr).collect::<Vec<_>>(),
        numbers(&wanted["roc"]["tpr"])
    );
    let thresholds: Vec<f64> = curve.iter().map(|p| p.threshold).collect();
    assert_eq!(thresholds, numbers(&wanted["roc"]["thresholds"]), "{name}");
    close(ranking.auroc(), &wanted["roc_auc"], name);
    close(
        ranking.average_precision(),
        &wanted["average_precision_unknown"],
        name,
    );
    close(ranking.fpr_at_tpr(0.95), &wanted["fpr_at_95_tpr"], name);
    close(ranking.detection_error(), &wanted["detection_error"], name);
    close(
        ranking.detection_error_at_95_tpr(),
        &wanted["detection_error_at_95_tpr"],
        name,
    );
    let youden = ranking.youden();
    assert_eq!(
        youden.index as f64,
        number(&wanted["youden"]["index"]),
        "{name}"
    );
    assert_eq!(
        youden.threshold,
        number(&wanted["youden"]["threshold"]),
        "{name}"
    );
    close(youden.j, &wanted["youden"]["j"], name);
    close(youden.f1, &wanted["youden"]["f1"], name);

    let negated: Vec<f64> = scores.iter().map(|s| -s).collect();
    let known: Vec<bool> = unknown.iter().map(|u| !u).collect();
    let mirrored = ranking.mirrored();
    assert_eq!(mirrored, Ranking::new(&negated, &known).expect(name));
    close(
        mirrored.average_precision(),
        &wanted["average_precision_known"],
        name,
    );
    close(
        mirrored.fpr_at_tpr(0.95),
        &wanted["fpr_at_95_tpr_known_positive"],
        name,
    );
}

fn oscr(case: &Value) {
    let name = case["name"].as_str().expect("a name");
    let wanted = &case["expected"];
    let curve = Oscr::new(
        &numbers(&case["scores"]),
        &flags(&case["correct"]),
        &flags(&case["unknown"]),
    );
    if wanted["error"] == true {
        assert!(matches!(curve, Err(EvalError::OneSided { .. })), "{name}");
        return;
    }
    let curve = curve.expect(name);
    let points = curve.points();
    let thresholds: Vec<f64> = points.iter().map(|p| p.threshold).collect();
    assert_eq!(thresholds, numbers(&wanted["thresholds"]), "{name}");
    assert_eq!(
        points.iter().map(|p| p.fpr).collect::<Vec<_>>(),
        numbers(&wanted["fpr"]),
        "{name}"
    );
    assert_eq!(
        points.iter().map(|p| p.ccr).collect::<Vec<_>>(),
        numbers(&wanted["ccr"]),
        "{name}"
    );
    close(curve.area(), &wanted["oscr"], name);
    for (fpr, ccr) in wanted["ccr_at_fpr"].as_object().expect("a table") {
        close(curve.ccr_at_fpr(fpr.parse().expect("a rate")), ccr, name);
    }
}

fn check(path: &Path, counts: Option<[usize; 3]>) {
    let text = std::fs::read_to_string(path).expect("readable");
    let golden: Value = serde_json::from_str(&text).expect("JSON");
    type Family = (&'static str, fn(&Value));
    let families: [Family; 3] = [
        ("multiclass", multiclass),
        ("binary", binary),
        ("oscr", oscr),
    ];
    for (position, (family, test)) in families.into_iter().enumerate() {
        let cases = golden[family].as_array().expect(family);
        assert!(!cases.is_empty(), "{family}");
        if let Some(counts) = counts {
            assert_eq!(cases.len(), counts[position], "{family}");
        }
        cases.iter().for_each(test);
    }
}

#[test]
fn selection_in_the_repository() {
    check(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/metrics.json"),
        None,
    );
}

#[test]
#[allow(clippy::print_stderr)]
fn full_set_beside_the_checkout() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/metrics.json");
    if !path.is_file() {
        eprintln!("skipped: {} is not there", path.display());
        return;
    }
    check(&path, Some([40, 62, 22]));
}
