//! The evaluation object: definitions by hand, laws, field names, and what it refuses.

use crosr_eval::{ConfusionMatrix, EvalError, Oscr, OutlierSet, Ranking, ScoredSample, evaluate};
use proptest::prelude::*;

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

#[test]
fn precision_and_recall_are_not_exchanged() {
    let matrix = ConfusionMatrix::new(&[1, 1, 0, 1, 0, 1], &[0, 1, 0, 1, 0, 1], 2);
    let positive = matrix.expect("two classes").class(1);
    assert_eq!((positive.precision, positive.recall), (1.0, 0.75));
}

#[test]
fn a_lowest_score_of_zero_keeps_its_half_step() {
    let ranking = Ranking::new(&[0.0, 0.0, 1.0], &[false, true, true]).expect("two sides");
    assert_eq!(ranking.auroc(), 0.75);
    let zeros = Ranking::new(&[0.0, -0.0], &[true, false]).expect("two sides");
    assert_eq!(zeros.auroc(), 0.5);
}

#[test]
fn figures_by_hand() {
    let outliers = outliers();
    let set = OutlierSet {
        name: "others",
        samples: &outliers,
    };
    let evaluation = evaluate(&names(), &known(), &[set]).expect("sound samples");
    assert_eq!(evaluation.known.closed_set_accuracy, 2.0 / 3.0);
    let set = &evaluation.outliers[0];
    // Unknown probabilities 0, .1, .7 against .8, .1: 3 + 1.5 of 6 pairs.
    assert_eq!(set.auroc, 4.5 / 6.0);
    assert_eq!(set.accuracy, 2.0 / 5.0);
    assert_eq!(set.f1_unknown, 0.5);
    // cat 2/3, dog 0, unknown 1/2.
    assert!((set.macro_f1 - (2.0 / 3.0 + 0.5) / 3.0).abs() < 1e-15);
    // Correct knowns: the first (beats both) and the third (beats .8 only): 3 of 6.
    assert_eq!(set.oscr, 0.5);
    assert_eq!(set.confusion_matrix, [[1, 1, 0], [0, 0, 1], [0, 1, 1]]);
    assert_eq!(set.classes[2].name, "unknown");
    assert_eq!(set.classes[2].auroc, Some(set.auroc));
}

#[test]
fn field_names_are_a_contract() {
    let outliers = outliers();
    let set = OutlierSet {
        name: "others",
        samples: &outliers,
    };
    let evaluation = evaluate(&names(), &known(), &[set]).expect("sound samples");
    let json = serde_json::to_value(&evaluation).expect("JSON");
    for field in ["samples", "closed_set_accuracy"] {
        assert!(json["known"][field].is_number(), "{field}");
    }
    let set = &json["outliers"][0];
    for field in [
        "samples",
        "auroc",
        "aupr_unknown",
        "aupr_known",
        "fpr_at_95_tpr",
        "oscr",
        "accuracy",
        "macro_f1",
        "f1_unknown",
    ] {
        assert!(set[field].is_number(), "{field}");
    }
    assert_eq!(set["name"], "others");
    for field in [
        "precision",
        "recall",
        "f1",
        "support",
        "auroc",
        "youden_threshold",
        "f1_at_youden",
    ] {
        assert!(set["classes"][0].get(field).is_some(), "{field}");
    }
}

#[test]
fn an_absent_class_is_undefined_not_nan() {
    let known = [sample(Some(0), Some(0), [0.9, 0.1, 0.0])];
    let outliers = outliers();
    let set = OutlierSet {
        name: "others",
        samples: &outliers,
    };
    let evaluation = evaluate(&names(), &known, &[set]).expect("sound samples");
    assert_eq!(evaluation.outliers[0].classes[1].auroc, None);
    let mut table = Vec::new();
    evaluation
        .write_table(&mut table)
        .expect("memory does not fail");
    let table = String::from_utf8(table).expect("text");
    assert!(
        table.contains("undefined") && !table.contains("NaN"),
        "{table}"
    );
    assert!(
        serde_json::to_value(&evaluation).expect("JSON")["outliers"][0]["classes"][1]["auroc"]
            .is_null()
    );
}

#[test]
fn what_is_refused() {
    let outliers = outliers();
    let judge = |known: &[ScoredSample], outliers: &[ScoredSample]| {
        evaluate(
            &names(),
            known,
            &[OutlierSet {
                name: "others",
                samples: outliers,
            }],
        )
    };
    assert!(matches!(judge(&[], &outliers), Err(EvalError::Empty { set }) if set == "known"));
    assert!(matches!(judge(&known(), &[]), Err(EvalError::Empty { set }) if set == "others"));
    assert!(matches!(
        judge(&outliers, &outliers),
        Err(EvalError::Side { index: 0, .. })
    ));
    let mut wrong = known();
    wrong[1].verdict = Some(7);
    assert!(matches!(
        judge(&wrong, &outliers),
        Err(EvalError::Class {
            index: 1,
            class: 7,
            ..
        })
    ));
    wrong[1] = sample(Some(0), None, [0.1, f64::NAN, 0.1]);
    assert!(matches!(
        judge(&wrong, &outliers),
        Err(EvalError::NotFinite { index: 1, .. })
    ));
    wrong[1].probabilities.pop();
    assert!(matches!(
        judge(&wrong, &outliers),
        Err(EvalError::Probabilities { found: 2, .. })
    ));
    assert!(matches!(
        Ranking::new(&[1.0], &[]),
        Err(EvalError::Length { .. })
    ));
    assert!(matches!(
        Oscr::new(&[1.0], &[true], &[]),
        Err(EvalError::Length { .. })
    ));
}

/// Scores with many ties, and sides that are both there.
fn sided() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    prop::collection::vec((-4i32..5, any::<bool>()), 2..60).prop_map(|mut pairs| {
        pairs[0].1 = true;
        pairs[1].1 = false;
        pairs
            .into_iter()
            .map(|(score, side)| (f64::from(score), side))
            .unzip()
    })
}

proptest! {
    #[test]
    fn mirrored_scores_mirror_the_area((scores, sides) in sided()) {
        let area = Ranking::new(&scores, &sides)?.auroc();
        let negated: Vec<f64> = scores.iter().map(|s| -s).collect();
        prop_assert!((area + Ranking::new(&negated, &sides)?.auroc() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_monotone_map_changes_no_rate((scores, sides) in sided()) {
        let (a, b) = (Ranking::new(&scores, &sides)?, scores.iter().map(|s| s.exp()).collect::<Vec<_>>());
        let b = Ranking::new(&b, &sides)?;
        prop_assert_eq!(a.auroc(), b.auroc());
        prop_assert_eq!(a.average_precision(), b.average_precision());
        prop_assert_eq!(a.fpr_at_tpr(0.95), b.fpr_at_tpr(0.95));
        prop_assert_eq!(a.youden().index, b.youden().index);
    }

    #[test]
    fn order_does_not_matter((scores, sides) in sided()) {
        let (mut s, mut p) = (scores.clone(), sides.clone());
        s.reverse();
        p.reverse();
        prop_assert_eq!(Ranking::new(&scores, &sides)?, Ranking::new(&s, &p)?);
    }

    #[test]
    fn oscr_is_at_most_the_accuracy(
        (scores, unknown) in sided(), right in prop::collection::vec(any::<bool>(), 60)
    ) {
        let correct = &right[..scores.len()];
        let known = unknown.iter().filter(|u| !**u).count() as f64;
        let hits = unknown.iter().zip(correct).filter(|(u, c)| !**u && **c).count() as f64;
        let area = Oscr::new(&scores, correct, &unknown)?.area();
        prop_assert!(area <= hits / known + 1e-15);
    }
}
