//! The evaluation object: figures by hand, field names, the table, and what it refuses.

use crosr_eval::{EvalError, Evaluation, OutlierSet, ScoredSample, evaluate};
use serde_json::Value;

fn sample(truth: Option<usize>, verdict: Option<usize>, p: [f64; 3]) -> ScoredSample {
    ScoredSample {
        truth,
        closed_set_class: usize::from(p[1] > p[0]),
        verdict,
        probabilities: p.to_vec(),
    }
}

fn names() -> Vec<String> {
    vec!["cat".to_owned(), "dog".to_owned()]
}

fn known() -> Vec<ScoredSample> {
    vec![
        sample(Some(0), Some(0), [0.9, 0.1, 0.0]),
        sample(Some(0), Some(1), [0.3, 0.6, 0.1]),
        sample(Some(1), None, [0.1, 0.2, 0.7]),
    ]
}

fn outliers() -> Vec<ScoredSample> {
    vec![
        sample(None, None, [0.1, 0.1, 0.8]),
        sample(None, Some(1), [0.0, 0.9, 0.1]),
    ]
}

fn judge(known: &[ScoredSample], outliers: &[ScoredSample]) -> Result<Evaluation, EvalError> {
    let set = OutlierSet {
        name: "others",
        samples: outliers,
    };
    evaluate(&names(), known, &[set])
}

#[track_caller]
fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-15, "{found}, not {wanted}");
}

#[test]
fn figures_by_hand() {
    let evaluation = judge(&known(), &outliers()).expect("sound samples");
    assert_eq!(evaluation.known.samples, 3);
    assert_eq!(evaluation.known.closed_set_accuracy, 2.0 / 3.0);
    let set = &evaluation.outliers[0];
    assert_eq!((set.name.as_str(), set.samples), ("others", 2));
    // Unknown probabilities of known samples 0, .1, .7; of outliers .1, .8: 3 + 1½ of 6 pairs.
    close(set.auroc, 4.5 / 6.0);
    close(set.aupr_unknown, 0.75);
    close(set.aupr_known, 29.0 / 36.0);
    close(set.fpr_at_95_tpr, 2.0 / 3.0);
    close(set.fpr_at_95_tpr_known_positive, 0.5);
    close(set.detection_error, 0.25);
    close(set.detection_error_at_95_tpr, 0.025 + 1.0 / 3.0);
    // Correct known samples: the first beats both outliers, the third .8 only: 3 of 6 pairs.
    close(set.oscr, 0.5);
    assert_eq!(set.confusion_matrix, [[1, 1, 0], [0, 0, 1], [0, 1, 1]]);
    close(set.accuracy, 2.0 / 5.0);
    // F1 of cat 2/3, of dog 0, of unknown 1/2.
    close(set.macro_f1, (2.0 / 3.0 + 0.5) / 3.0);
    close(set.weighted_f1, (2.0 * 2.0 / 3.0 + 2.0 * 0.5) / 5.0);
    close(set.f1_unknown, 0.5);
    assert_eq!(set.macro_average.f1, set.macro_f1);
    assert_eq!(set.weighted_average.f1, set.weighted_f1);
    close(set.macro_average.precision, (1.0 + 0.0 + 0.5) / 3.0);
    close(set.macro_average.recall, (0.5 + 0.0 + 0.5) / 3.0);
    // Name, precision, recall, F1, support, AUROC, Youden threshold, F1 there.
    type Row<'a> = (&'a str, f64, f64, f64, u64, f64, f64, f64);
    let rows: [Row<'_>; 3] = [
        ("cat", 1.0, 0.5, 2.0 / 3.0, 2, 1.0, 0.3, 1.0),
        ("dog", 0.0, 0.0, 0.0, 1, 0.5, 0.2, 0.5),
        ("unknown", 0.5, 0.5, 0.5, 2, 0.75, 0.8, 2.0 / 3.0),
    ];
    assert_eq!(set.classes.len(), rows.len());
    for (found, row) in set.classes.iter().zip(rows) {
        assert_eq!((found.name.as_str(), found.support), (row.0, row.4));
        close(found.precision, row.1);
        close(found.recall, row.2);
        close(found.f1, row.3);
        close(found.auroc.expect("two sides"), row.5);
        assert_eq!(found.youden_threshold, Some(row.6), "{}", row.0);
        close(found.f1_at_youden.expect("two sides"), row.7);
    }
}

#[test]
fn each_outlier_set_is_judged_by_itself() {
    let (known, far, near) = (known(), outliers(), vec![outliers().remove(1)]);
    let set = |name, samples| OutlierSet { name, samples };
    let both = [set("far", far.as_slice()), set("near", near.as_slice())];
    let both = evaluate(&names(), &known, &both).expect("sound samples");
    for (name, samples, found) in [
        ("far", &far, &both.outliers[0]),
        ("near", &near, &both.outliers[1]),
    ] {
        let alone = evaluate(&names(), &known, &[set(name, samples)]).expect("sound samples");
        assert_eq!(&alone.outliers[0], found);
    }
    let none = evaluate(&names(), &known, &[]).expect("known samples suffice");
    assert_eq!((none.known, none.outliers.len()), (both.known, 0));
}

#[test]
fn tiny_unknown_probabilities_keep_their_order() {
    // 1 − p is 1 for both: a tie that the samples do not have.
    let known = [sample(Some(0), Some(0), [1.0, 0.0, 0.0])];
    let outliers = [sample(None, Some(0), [1.0, 0.0, 1e-20])];
    let evaluation = judge(&known, &outliers).expect("sound samples");
    let set = &evaluation.outliers[0];
    assert_eq!((set.auroc, set.oscr), (1.0, 1.0));
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

fn sorted<const N: usize>(mut names: [&'static str; N]) -> Vec<&'static str> {
    names.sort_unstable();
    names.to_vec()
}

#[test]
fn field_names_are_a_contract() {
    let evaluation = judge(&known(), &outliers()).expect("sound samples");
    let json = serde_json::to_value(&evaluation).expect("JSON");
    assert_eq!(keys(&json), sorted(["known", "outliers"]));
    assert_eq!(
        keys(&json["known"]),
        sorted(["samples", "closed_set_accuracy"])
    );
    let set = &json["outliers"][0];
    assert_eq!(
        keys(set),
        sorted([
            // Promised.
            "name",
            "samples",
            "auroc",
            "aupr_unknown",
            "aupr_known",
            "fpr_at_95_tpr",
            "oscr",
            "accuracy",
            "macro_f1",
            "f1_unknown",
            "classes",
            // Added.
            "fpr_at_95_tpr_known_positive",
            "detection_error",
            "detection_error_at_95_tpr",
            "weighted_f1",
            "macro_average",
            "weighted_average",
            "confusion_matrix",
        ])
    );
    assert_eq!(
        keys(&set["classes"][0]),
        sorted([
            "name",
            "precision",
            "recall",
            "f1",
            "support",
            "auroc",
            "youden_threshold",
            "f1_at_youden",
        ])
    );
    assert_eq!(
        keys(&set["macro_average"]),
        sorted(["precision", "recall", "f1", "support"])
    );
    assert_eq!(set["classes"][2]["name"], "unknown");
    assert_eq!(set["classes"][2]["auroc"], set["auroc"]);
}

#[test]
fn an_absent_class_is_undefined_not_nan() {
    let known = [sample(Some(0), Some(0), [0.9, 0.1, 0.0])];
    let evaluation = judge(&known, &outliers()).expect("sound samples");
    let dog = &evaluation.outliers[0].classes[1];
    assert_eq!(
        (dog.auroc, dog.youden_threshold, dog.f1_at_youden),
        (None, None, None)
    );
    let json = serde_json::to_value(&evaluation).expect("JSON");
    for field in ["auroc", "youden_threshold", "f1_at_youden"] {
        assert!(
            json["outliers"][0]["classes"][1][field].is_null(),
            "{field}"
        );
    }
}

#[test]
fn an_infinite_threshold_is_null_in_json() {
    // The known sample is the surer unknown: no threshold beats calling nothing unknown.
    let known = [sample(Some(0), Some(0), [0.5, 0.0, 0.5])];
    let outliers = [sample(None, Some(0), [0.9, 0.0, 0.1])];
    let evaluation = judge(&known, &outliers).expect("sound samples");
    let unknown = &evaluation.outliers[0].classes[2];
    assert_eq!((unknown.auroc, unknown.youden_threshold), (Some(0.0), None));
    assert_eq!(unknown.f1_at_youden, Some(0.0));
    let text = serde_json::to_string(&evaluation).expect("JSON");
    assert!(
        text.contains(r#""youden_threshold":null,"f1_at_youden":0.0"#),
        "{text}"
    );
}

#[test]
fn the_table_word_for_word() {
    let evaluation = judge(&known()[..2], &outliers()).expect("sound samples");
    let mut table = Vec::new();
    evaluation
        .write_table(&mut table)
        .expect("memory does not fail");
    let table = String::from_utf8(table).expect("text");
    let wanted = "\
known: 2 samples, closed-set accuracy 0.5000

outliers  samples   AUROC  AUPR unknown  AUPR known  FPR@95TPR    OSCR  accuracy  macro F1  F1 unknown
others          2  0.8750        0.8333      0.8333     0.5000  0.5000    0.5000    0.4444      0.6667

others            precision  recall      F1  support      AUROC  Youden threshold   F1 there
cat                  1.0000  0.5000  0.6667        2     1.0000            0.3000     1.0000
dog                  0.0000  0.0000  0.0000        0  undefined         undefined  undefined
unknown              1.0000  0.5000  0.6667        2     0.8750            0.8000     0.6667
macro average        0.6667  0.3333  0.4444        4
weighted average     1.0000  0.5000  0.6667        4
accuracy                             0.5000        4
";
    assert_eq!(table, wanted, "\n{table}");
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    let (known, outliers) = (known(), outliers());
    let names = ["\u{1b}[2Jcat".to_owned(), "dog\n".to_owned()];
    let set = OutlierSet {
        name: "a\tb",
        samples: &outliers,
    };
    let evaluation = evaluate(&names, &known, &[set]).expect("sound samples");
    assert_eq!(evaluation.outliers[0].classes[1].name, "dog\n");
    let mut table = Vec::new();
    evaluation
        .write_table(&mut table)
        .expect("memory does not fail");
    let table = String::from_utf8(table).expect("text");
    assert!(
        !table.contains(['\u{1b}', '\t']) && !table.contains("dog\n"),
        "{table}"
    );
}

#[test]
fn what_is_refused() {
    let fine = outliers();
    let empty = |set: &str| EvalError::Empty {
        set: set.to_owned(),
    };
    assert_eq!(judge(&[], &fine).err(), Some(empty("known")));
    assert_eq!(judge(&known(), &[]).err(), Some(empty("others")));
    assert!(matches!(
        judge(&fine, &fine),
        Err(EvalError::Side { set, index: 0, .. }) if set == "known"
    ));
    assert!(matches!(
        judge(&known(), &known()),
        Err(EvalError::Side { set, index: 0, .. }) if set == "others"
    ));

    // A fault in one sample, and the error that names it.
    type Fault = fn(&mut ScoredSample);
    let class = |what, class| EvalError::Class {
        set: "known".to_owned(),
        index: 1,
        what,
        class,
        n_classes: 2,
    };
    let probabilities = |found| EvalError::Probabilities {
        set: "known".to_owned(),
        index: 1,
        found,
        expected: 3,
    };
    let infinite = EvalError::NotFinite {
        set: "known".to_owned(),
        index: 1,
        value: f64::INFINITY,
    };
    let cases: [(Fault, EvalError); 6] = [
        (|s| s.truth = Some(2), class("truth", 2)),
        (|s| s.verdict = Some(7), class("verdict", 7)),
        (|s| s.closed_set_class = 3, class("closed-set class", 3)),
        (|s| s.probabilities.truncate(2), probabilities(2)),
        (|s| s.probabilities.push(0.0), probabilities(4)),
        (|s| s.probabilities[0] = f64::INFINITY, infinite),
    ];
    for (fault, wanted) in cases {
        let mut wrong = known();
        fault(&mut wrong[1]);
        assert_eq!(judge(&wrong, &fine).err(), Some(wanted));
    }
    let mut wrong = outliers();
    wrong[1].probabilities[2] = f64::NAN;
    let error = judge(&known(), &wrong).expect_err("NaN");
    assert_eq!(
        error.to_string(),
        "others: the score of sample 1 is NaN, it must be a number"
    );
}
