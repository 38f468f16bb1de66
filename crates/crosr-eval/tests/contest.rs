//! A contest gives the figures of an evaluation, to the bit, and refuses what cannot be judged.

use crosr_eval::{Contest, EvalError, OutlierSet, ScoredSample, evaluate};
use proptest::prelude::*;

const N_CLASSES: usize = 3;

/// A verdict, "unknown" one of four.
fn verdict() -> impl Strategy<Value = Option<usize>> {
    (0..=N_CLASSES).prop_map(|class| (class < N_CLASSES).then_some(class))
}

/// Samples with few distinct scores, so that there are ties.
fn samples(known: bool) -> impl Strategy<Value = Vec<ScoredSample>> {
    let sample = (0..N_CLASSES, 0..N_CLASSES, verdict(), 0u8..20);
    let sample = sample.prop_map(
        move |(truth, closed_set_class, verdict, score)| ScoredSample {
            truth: known.then_some(truth),
            closed_set_class,
            verdict,
            probabilities: vec![0.0, 0.5, 0.25, f64::from(score) / 20.0],
        },
    );
    prop::collection::vec(sample, 1..60)
}

fn bits(figures: &[f64]) -> Vec<u64> {
    figures.iter().map(|figure| figure.to_bits()).collect()
}

proptest! {
    #[test]
    fn figures_are_those_of_an_evaluation(known in samples(true), outliers in samples(false)) {
        let names = ["a", "b", "c"].map(str::to_owned);
        let set = OutlierSet { name: "others", samples: &outliers };
        let whole = &evaluate(&names, &known, &[set])?.outliers[0];

        let truths: Vec<usize> = known.iter().filter_map(|s| s.truth).collect();
        let closed: Vec<usize> = known.iter().map(|s| s.closed_set_class).collect();
        let contest = Contest::new(N_CLASSES, &truths, &closed, outliers.len())?;
        let all = || known.iter().chain(&outliers);
        let scores: Vec<f64> = all().map(|s| s.probabilities[N_CLASSES]).collect();
        let verdicts: Vec<Option<usize>> = all().map(|s| s.verdict).collect();
        let (ranked, decided) = (contest.ranked(&scores)?, contest.decided(&verdicts)?);
        prop_assert_eq!(
            bits(&[
                ranked.auroc, ranked.aupr_unknown, ranked.aupr_known, ranked.fpr_at_95_tpr,
                ranked.oscr, decided.accuracy, decided.macro_f1, decided.weighted_f1,
                decided.f1_unknown,
            ]),
            bits(&[
                whole.auroc, whole.aupr_unknown, whole.aupr_known, whole.fpr_at_95_tpr,
                whole.oscr, whole.accuracy, whole.macro_f1, whole.weighted_f1,
                whole.f1_unknown,
            ])
        );
    }
}

#[test]
fn what_cannot_be_judged_is_named() {
    let new = |truths: &[usize], closed: &[usize], outliers| {
        Contest::new(2, truths, closed, outliers).map(|_| ())
    };
    let empty = |set: &str| {
        Err(EvalError::Empty {
            set: set.to_owned(),
        })
    };
    assert_eq!(new(&[], &[], 1), empty("known"));
    assert_eq!(new(&[0], &[0], 0), empty("outliers"));
    assert_eq!(
        new(&[0, 1], &[0], 1),
        Err(EvalError::Length {
            what: "closed-set classes",
            found: 1,
            expected: 2
        })
    );
    for (truths, closed, what) in [
        ([0, 2], [0, 0], "truth"),
        ([0, 1], [0, 2], "closed-set class"),
    ] {
        let set = "known".to_owned();
        let wrong = EvalError::Class {
            set,
            index: 1,
            what,
            class: 2,
            n_classes: 2,
        };
        assert_eq!(new(&truths, &closed, 1), Err(wrong));
    }
    let contest = Contest::new(2, &[0, 1], &[0, 1], 1).expect("sound");
    let length = |what, found| EvalError::Length {
        what,
        found,
        expected: 3,
    };
    assert_eq!(contest.ranked(&[0.5]), Err(length("scores", 1)));
    assert_eq!(contest.decided(&[None; 4]), Err(length("verdicts", 4)));
    assert!(matches!(
        contest.ranked(&[0.5, f64::NAN, 0.1]),
        Err(EvalError::NotFinite { index: 1, .. })
    ));
    assert!(matches!(
        contest.decided(&[Some(0), None, Some(2)]),
        Err(EvalError::Class {
            index: 2,
            class: 2,
            n_classes: 2,
            ..
        })
    ));
}
