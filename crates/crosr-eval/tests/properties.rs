//! Laws that hold for any scores, and the definitions counted pair by pair.

use crosr_eval::{ConfusionMatrix, Oscr, Ranking};
use proptest::prelude::*;

/// Scores with many ties, and sides that are both there.
fn sided() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    prop::collection::vec((-4i32..5, any::<bool>()), 2..60).prop_map(|mut pairs| {
        pairs[0].1 = true;
        pairs[1].1 = false;
        let pairs = pairs.into_iter();
        pairs.map(|(score, side)| (f64::from(score), side)).unzip()
    })
}

/// The same with a shuffled copy of the samples' numbers.
fn shuffled() -> impl Strategy<Value = (Vec<f64>, Vec<bool>, Vec<usize>)> {
    sided().prop_flat_map(|(scores, sides)| {
        let order: Vec<usize> = (0..scores.len()).collect();
        (Just(scores), Just(sides), Just(order).prop_shuffle())
    })
}

fn pick<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|&index| values[index]).collect()
}

fn not(flags: &[bool]) -> Vec<bool> {
    flags.iter().map(|flag| !flag).collect()
}

fn map(scores: &[f64], by: impl Fn(f64) -> f64) -> Vec<f64> {
    scores.iter().map(|&score| by(score)).collect()
}

/// Twice the pairs that `upper` wins over `lower`, ties counting half.
fn doubled_wins(scores: &[f64], upper: &[bool], lower: &[bool]) -> u64 {
    let of = |side: &[bool]| -> Vec<f64> {
        let both = scores.iter().zip(side);
        both.filter(|(_, s)| **s).map(|(score, _)| *score).collect()
    };
    let lower = of(lower);
    let against = |&a: &f64| {
        lower
            .iter()
            .map(move |&b| u64::from(a > b) + u64::from(a >= b))
    };
    of(upper).iter().flat_map(against).sum()
}

fn count(flags: &[bool]) -> u64 {
    flags.iter().filter(|flag| **flag).count() as u64
}

proptest! {
    #[test]
    fn auroc_is_the_part_of_pairs_won((scores, sides) in sided()) {
        let others = not(&sides);
        let wins = doubled_wins(&scores, &sides, &others);
        let pairs = 2 * count(&sides) * count(&others);
        prop_assert_eq!(Ranking::new(&scores, &sides)?.auroc(), wins as f64 / pairs as f64);
    }

    #[test]
    fn oscr_is_the_part_of_pairs_won_by_correct_samples(
        (scores, unknown) in sided(), right in prop::collection::vec(any::<bool>(), 60)
    ) {
        let curve = Oscr::new(&scores, &right[..scores.len()], &unknown)?;
        let known = not(&unknown);
        let correct: Vec<bool> = known.iter().zip(&right).map(|(k, r)| *k && *r).collect();
        let wins = doubled_wins(&scores, &correct, &unknown);
        let pairs = 2 * count(&known) * count(&unknown);
        prop_assert_eq!(curve.area(), wins as f64 / pairs as f64);
        // The end of the curve, and so its area's bound, is the closed-set accuracy.
        let accuracy = count(&correct) as f64 / count(&known) as f64;
        prop_assert!(curve.area() <= accuracy);
        prop_assert_eq!(curve.points().last().map(|p| (p.fpr, p.ccr)), Some((1.0, accuracy)));
        prop_assert_eq!(curve.ccr_at_fpr(1.0), accuracy);
    }

    #[test]
    fn oscr_of_a_faultless_classifier_is_the_area_under_the_roc_curve((scores, known) in sided()) {
        let area = Oscr::new(&scores, &vec![true; scores.len()], &not(&known))?.area();
        prop_assert_eq!(area, Ranking::new(&scores, &known)?.auroc());
    }

    #[test]
    fn negated_scores_give_the_rest_of_one((scores, sides) in sided()) {
        let area = Ranking::new(&scores, &sides)?.auroc();
        let negated = Ranking::new(&map(&scores, |s| -s), &sides)?.auroc();
        prop_assert!((area + negated - 1.0).abs() <= f64::EPSILON);
    }

    #[test]
    fn the_mirrored_ranking_is_that_of_the_other_side((scores, sides) in sided()) {
        let ranking = Ranking::new(&scores, &sides)?;
        let other = Ranking::new(&map(&scores, |s| -s), &not(&sides))?;
        prop_assert_eq!(&ranking.mirrored(), &other);
        prop_assert_eq!(ranking.mirrored().mirrored(), ranking);
    }

    #[test]
    fn a_monotone_map_changes_no_rate((scores, sides) in sided()) {
        let a = Ranking::new(&scores, &sides)?;
        let b = Ranking::new(&map(&scores, f64::exp), &sides)?;
        prop_assert_eq!(a.auroc(), b.auroc());
        prop_assert_eq!(a.average_precision(), b.average_precision());
        prop_assert_eq!(a.fpr_at_tpr(0.95), b.fpr_at_tpr(0.95));
        prop_assert_eq!(a.detection_error(), b.detection_error());
        prop_assert_eq!((a.youden().index, a.youden().f1), (b.youden().index, b.youden().f1));
        let unknown = not(&sides);
        let correct = vec![true; scores.len()];
        let mapped = Oscr::new(&map(&scores, f64::exp), &correct, &unknown)?;
        prop_assert_eq!(Oscr::new(&scores, &correct, &unknown)?.area(), mapped.area());
    }

    #[test]
    fn the_order_of_the_samples_changes_no_bit((scores, sides, order) in shuffled()) {
        let other = Ranking::new(&pick(&scores, &order), &pick(&sides, &order))?;
        prop_assert_eq!(&Ranking::new(&scores, &sides)?, &other);
        let correct: Vec<bool> = scores.iter().map(|score| *score > 0.0).collect();
        let curve = Oscr::new(&scores, &correct, &sides)?;
        let other = Oscr::new(
            &pick(&scores, &order), &pick(&correct, &order), &pick(&sides, &order),
        )?;
        prop_assert_eq!(curve, other);
    }

    #[test]
    fn curves_rise_from_nothing_to_everything((scores, sides) in sided()) {
        let ranking = Ranking::new(&scores, &sides)?;
        let curve = ranking.roc_curve();
        prop_assert_eq!((curve[0].fpr, curve[0].tpr), (0.0, 0.0));
        prop_assert_eq!(curve.last().map(|p| (p.fpr, p.tpr)), Some((1.0, 1.0)));
        for pair in curve.windows(2) {
            prop_assert!(pair[0].threshold > pair[1].threshold);
            prop_assert!(pair[0].fpr <= pair[1].fpr && pair[0].tpr <= pair[1].tpr);
        }
        // By definition J = TPR − FPR, and the least mean error is ½ (1 − the largest J).
        let largest = curve.iter().map(|p| p.tpr - p.fpr).fold(0.0, f64::max);
        prop_assert_eq!(ranking.youden().j, largest);
        prop_assert!((ranking.detection_error() - 0.5 * (1.0 - largest)).abs() < 1e-15);
    }

    #[test]
    fn confusion_matrix_sums(pairs in prop::collection::vec((0usize..5, 0usize..5), 0..80)) {
        let (truth, predicted): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        let matrix = ConfusionMatrix::new(&truth, &predicted, 5)?;
        prop_assert_eq!(matrix.total(), pairs.len() as u64);
        let rows = matrix.rows();
        for class in 0..5 {
            let of_truth = truth.iter().filter(|t| **t == class).count() as u64;
            let of_prediction = predicted.iter().filter(|p| **p == class).count() as u64;
            prop_assert_eq!(rows[class].iter().sum::<u64>(), of_truth);
            prop_assert_eq!(matrix.class(class).support, of_truth);
            prop_assert_eq!(rows.iter().map(|row| row[class]).sum::<u64>(), of_prediction);
        }
        // Recall weighted by support counts every sample once: it is the accuracy.
        prop_assert!((matrix.weighted_average().recall - matrix.accuracy()).abs() < 1e-15);
    }
}
