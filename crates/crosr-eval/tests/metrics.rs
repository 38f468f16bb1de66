//! Every metric by hand: sides of different size, a score of zero, ties, and what is refused.

use crosr_eval::{ConfusionMatrix, EvalError, Oscr, Ranking};

const INF: f64 = f64::INFINITY;

/// Figures of one ranking, as a person with a pencil gets them.
struct Wanted {
    auroc: f64,
    average_precision: f64,
    fpr_at_95_tpr: f64,
    detection_error: f64,
    detection_error_at_95_tpr: f64,
    /// Index, J, threshold, F1.
    youden: (usize, f64, f64, f64),
    known_average_precision: f64,
    known_fpr_at_95_tpr: f64,
}

#[track_caller]
fn close(found: f64, wanted: f64, what: &str) {
    assert!(
        (found - wanted).abs() <= 1e-15,
        "{what}: {found}, not {wanted}"
    );
}

fn check_ranking(scores: &[f64], positive: &[bool], wanted: &Wanted) {
    // The same order on another scale must give the same figures.
    let exponential: Vec<f64> = scores.iter().map(|s| s.exp()).collect();
    let cubed: Vec<f64> = scores.iter().map(|s| 5.0 * s * s * s - 3.0).collect();
    for (name, scores) in [
        ("as given", scores),
        ("exp", &exponential),
        ("cubed", &cubed),
    ] {
        let ranking = Ranking::new(scores, positive).expect("two sides");
        let mirrored = ranking.mirrored();
        let (index, j, threshold, f1) = wanted.youden;
        let found = ranking.youden();
        assert_eq!(found.index, index, "{name}");
        if name == "as given" {
            assert_eq!(found.threshold, threshold, "{name}");
        }
        for (what, found, wanted) in [
            ("AUROC", ranking.auroc(), wanted.auroc),
            ("AP", ranking.average_precision(), wanted.average_precision),
            ("FPR@95TPR", ranking.fpr_at_tpr(0.95), wanted.fpr_at_95_tpr),
            (
                "detection error",
                ranking.detection_error(),
                wanted.detection_error,
            ),
            (
                "detection error at 95 % TPR",
                ranking.detection_error_at_95_tpr(),
                wanted.detection_error_at_95_tpr,
            ),
            ("J", found.j, j),
            ("F1 at J", found.f1, f1),
            (
                "AP, known positive",
                mirrored.average_precision(),
                wanted.known_average_precision,
            ),
            (
                "FPR@95TPR, known positive",
                mirrored.fpr_at_tpr(0.95),
                wanted.known_fpr_at_95_tpr,
            ),
        ] {
            close(found, wanted, &format!("{what}, scores {name}"));
        }
    }
}

#[test]
fn ranking_with_sides_of_different_size() {
    check_ranking(
        &[0.4, 0.8, 0.9, 0.2, 0.7],
        &[true, false, true, false, true],
        &Wanted {
            auroc: 4.0 / 6.0,
            average_precision: 29.0 / 36.0,
            fpr_at_95_tpr: 0.5,
            detection_error: 0.25,
            detection_error_at_95_tpr: 0.275,
            youden: (4, 0.5, 0.4, 6.0 / 7.0),
            known_average_precision: 0.75,
            known_fpr_at_95_tpr: 2.0 / 3.0,
        },
    );
}

#[test]
fn ranking_whose_lowest_score_is_zero() {
    check_ranking(
        &[0.0, 0.0, 1.0],
        &[false, true, true],
        &Wanted {
            auroc: 0.75,
            average_precision: 5.0 / 6.0,
            fpr_at_95_tpr: 1.0,
            detection_error: 0.25,
            detection_error_at_95_tpr: 0.525,
            youden: (1, 0.5, 1.0, 2.0 / 3.0),
            known_average_precision: 0.5,
            known_fpr_at_95_tpr: 0.5,
        },
    );
}

#[test]
fn ranking_of_one_score_for_all() {
    check_ranking(
        &[2.0, 2.0, 2.0],
        &[true, false, true],
        &Wanted {
            auroc: 0.5,
            average_precision: 2.0 / 3.0,
            fpr_at_95_tpr: 1.0,
            detection_error: 0.5,
            detection_error_at_95_tpr: 0.525,
            youden: (0, 0.0, INF, 0.0),
            known_average_precision: 1.0 / 3.0,
            known_fpr_at_95_tpr: 1.0,
        },
    );
}

#[test]
fn ranking_where_two_zeros_tie() {
    check_ranking(
        &[0.0, -0.0, -1.0],
        &[true, false, false],
        &Wanted {
            auroc: 0.75,
            average_precision: 0.5,
            fpr_at_95_tpr: 0.5,
            detection_error: 0.25,
            detection_error_at_95_tpr: 0.275,
            youden: (1, 0.5, 0.0, 2.0 / 3.0),
            known_average_precision: 5.0 / 6.0,
            known_fpr_at_95_tpr: 1.0,
        },
    );
}

#[test]
fn no_threshold_is_a_negative_zero() {
    let ranking = Ranking::new(&[-0.0, 1.0], &[true, false]).expect("two sides");
    let oscr = Oscr::new(&[-0.0, 1.0], &[true, false], &[false, true]).expect("two sides");
    let thresholds = [
        ranking.roc_curve()[2].threshold,
        ranking.mirrored().roc_curve()[1].threshold,
        oscr.points()[2].threshold,
    ];
    for threshold in thresholds {
        assert_eq!(threshold, 0.0);
        assert!(threshold.is_sign_positive());
    }
}

#[test]
fn infinite_scores_have_a_rank() {
    let ranking = Ranking::new(&[-INF, 0.0, INF], &[false, false, true]).expect("two sides");
    assert_eq!(ranking.auroc(), 1.0);
    let thresholds: Vec<f64> = ranking.roc_curve().iter().map(|p| p.threshold).collect();
    assert_eq!(thresholds, [INF, INF, 0.0, -INF]);
}

#[test]
fn roc_curve_point_by_point() {
    let ranking = Ranking::new(&[0.4, 0.8, 0.4], &[true, true, false]).expect("two sides");
    let points: Vec<_> = ranking
        .roc_curve()
        .iter()
        .map(|p| (p.threshold, p.fpr, p.tpr))
        .collect();
    assert_eq!(points, [(INF, 0.0, 0.0), (0.8, 0.0, 0.5), (0.4, 1.0, 1.0)]);
    assert_eq!(ranking.fpr_at_tpr(0.5), 0.0);
    assert_eq!(ranking.fpr_at_tpr(0.0), 0.0);
    assert_eq!(ranking.fpr_at_tpr(1.5), 1.0);
    assert_eq!(ranking.fpr_at_tpr(f64::NAN), 1.0);
}

type OscrPoints<'a> = &'a [(f64, f64, f64)];

#[track_caller]
fn check_oscr(samples: &[(f64, bool, bool)], points: OscrPoints<'_>, area: f64) -> Oscr {
    let column =
        |flag: fn(&(f64, bool, bool)) -> bool| -> Vec<bool> { samples.iter().map(flag).collect() };
    let (correct, unknown) = (column(|s| s.1), column(|s| s.2));
    let scores: Vec<f64> = samples.iter().map(|s| s.0).collect();
    let curve = Oscr::new(&scores, &correct, &unknown).expect("two sides");
    let found: Vec<_> = curve
        .points()
        .iter()
        .map(|p| (p.threshold, p.fpr, p.ccr))
        .collect();
    assert_eq!(found, points);
    close(curve.area(), area, "OSCR");
    let mapped: Vec<f64> = scores.iter().map(|s| s.exp()).collect();
    let mapped = Oscr::new(&mapped, &correct, &unknown).expect("two sides");
    close(mapped.area(), area, "OSCR of exp(score)");
    curve
}

#[test]
fn oscr_with_sides_of_different_size() {
    let third = 1.0 / 3.0;
    let curve = check_oscr(
        &[
            (0.9, true, false),
            (0.6, false, false),
            (0.5, true, false),
            (0.7, false, true),
            (0.2, false, true),
        ],
        &[
            (INF, 0.0, 0.0),
            (0.9, 0.0, third),
            (0.7, 0.5, third),
            (0.6, 0.5, third),
            (0.5, 0.5, 2.0 / 3.0),
            (0.2, 1.0, 2.0 / 3.0),
        ],
        0.5,
    );
    for (fpr, ccr) in [
        (0.0, third),
        (0.49, third),
        (0.5, 2.0 / 3.0),
        (1.0, 2.0 / 3.0),
    ] {
        assert_eq!(curve.ccr_at_fpr(fpr), ccr, "at {fpr}");
    }
}

#[test]
fn oscr_whose_lowest_score_is_zero() {
    let samples = [(-0.0, true, false), (0.0, false, true), (1.0, false, true)];
    let curve = check_oscr(
        &samples,
        &[(INF, 0.0, 0.0), (1.0, 0.5, 0.0), (0.0, 1.0, 1.0)],
        0.25,
    );
    assert_eq!(curve.ccr_at_fpr(0.5), 0.0);
}

#[test]
fn oscr_of_one_score_for_all() {
    let samples = [(1.0, true, false), (1.0, false, false), (1.0, false, true)];
    check_oscr(&samples, &[(INF, 0.0, 0.0), (1.0, 1.0, 0.5)], 0.25);
}

#[test]
fn oscr_does_not_ask_whether_an_unknown_sample_is_correct() {
    let curve = |correct| Oscr::new(&[2.0, 1.0], &[true, correct], &[false, true]);
    assert_eq!(curve(true), curve(false));
}

#[test]
fn precision_and_recall_are_not_exchanged() {
    // Two samples of class 0, both found; four of class 1, one of them taken for 0; none of 2.
    let truth = [1, 1, 0, 1, 0, 1];
    let predicted = [0, 1, 0, 1, 0, 1];
    let matrix = ConfusionMatrix::new(&truth, &predicted, 3).expect("classes in range");
    assert_eq!(matrix.rows(), [[2, 0, 0], [1, 3, 0], [0, 0, 0]]);
    assert_eq!((matrix.n_classes(), matrix.total()), (3, 6));
    for (class, precision, recall, f1, support) in [
        (0, 2.0 / 3.0, 1.0, 0.8, 2),
        (1, 1.0, 0.75, 6.0 / 7.0, 4),
        (2, 0.0, 0.0, 0.0, 0),
    ] {
        let found = matrix.class(class);
        assert_eq!(
            (found.precision, found.recall, found.f1, found.support),
            (precision, recall, f1, support),
            "class {class}"
        );
    }
    close(matrix.accuracy(), 5.0 / 6.0, "accuracy");
    let all = (0.8 + 6.0 / 7.0) / 3.0;
    close(matrix.macro_average().f1, all, "macro");
    close(matrix.macro_average_present().f1, all * 1.5, "present");
    let weighted = (2.0 * 0.8 + 4.0 * 6.0 / 7.0) / 6.0;
    close(matrix.weighted_average().f1, weighted, "weighted");
    close(matrix.micro_average().f1, 5.0 / 6.0, "micro");
}

#[test]
fn nothing_divided_by_nothing_is_zero() {
    for n_classes in [0, 2] {
        let matrix = ConfusionMatrix::new(&[], &[], n_classes).expect("no samples");
        assert_eq!(matrix.accuracy(), 0.0);
        for average in [
            matrix.macro_average(),
            matrix.weighted_average(),
            matrix.macro_average_present(),
            matrix.micro_average(),
        ] {
            assert_eq!((average.precision, average.f1), (0.0, 0.0));
        }
    }
}

#[test]
fn classes_that_do_not_exist_count_nothing() {
    let matrix = ConfusionMatrix::new(&[0], &[0], 1).expect("classes in range");
    for (truth, predicted) in [(1, 0), (0, 1), (usize::MAX, 0), (usize::MAX, usize::MAX)] {
        assert_eq!(matrix.count(truth, predicted), 0);
    }
    assert_eq!(matrix.class(7).support, 0);
}

#[test]
fn lists_that_do_not_fit_together_are_refused() {
    let length = |what, found, expected| EvalError::Length {
        what,
        found,
        expected,
    };
    assert_eq!(
        Ranking::new(&[1.0], &[]).err(),
        Some(length("scores", 1, 0))
    );
    assert_eq!(
        Oscr::new(&[1.0], &[true], &[]).err(),
        Some(length("sides", 0, 1))
    );
    assert_eq!(
        Oscr::new(&[1.0], &[], &[true]).err(),
        Some(length("correctness flags", 0, 1))
    );
    assert_eq!(
        ConfusionMatrix::new(&[0], &[], 1).err(),
        Some(length("predictions", 0, 1))
    );
}

#[test]
fn a_score_that_is_no_number_is_refused_with_its_place() {
    let ranking = Ranking::new(&[0.0, f64::NAN], &[true, false]);
    assert!(matches!(
        ranking,
        Err(EvalError::NotFinite { index: 1, .. })
    ));
    let oscr = Oscr::new(&[0.0, 1.0, f64::NAN], &[true; 3], &[true, false, true]);
    assert!(matches!(oscr, Err(EvalError::NotFinite { index: 2, .. })));
}

#[test]
fn an_absent_side_is_refused() {
    for (sides, positives, negatives) in [
        (vec![true, true], 2, 0),
        (vec![false], 0, 1),
        (vec![], 0, 0),
    ] {
        let scores = vec![0.5; sides.len()];
        let wanted = Some(EvalError::OneSided {
            positives,
            negatives,
        });
        assert_eq!(Ranking::new(&scores, &sides).err(), wanted);
        // OSCR's positive side is the known one.
        let unknown: Vec<bool> = sides.iter().map(|side| !side).collect();
        assert_eq!(Oscr::new(&scores, &sides, &unknown).err(), wanted);
    }
}

#[test]
fn a_class_out_of_range_is_refused_with_its_place() {
    for (truth, predicted, what) in [([0, 2], [0, 1], "truth"), ([0, 1], [0, 2], "prediction")] {
        let wanted = EvalError::Class {
            set: "confusion matrix".to_owned(),
            index: 1,
            what,
            class: 2,
            n_classes: 2,
        };
        assert_eq!(
            ConfusionMatrix::new(&truth, &predicted, 2).err(),
            Some(wanted)
        );
    }
    for n_classes in [usize::MAX, 1 << 31] {
        assert_eq!(
            ConfusionMatrix::new(&[], &[], n_classes).err(),
            Some(EvalError::TooManyClasses { n_classes })
        );
    }
}
