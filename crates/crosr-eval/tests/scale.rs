//! Many samples: the right figures in reasonable time. `CROSR_SLOW_TESTS=1` takes five million.

use crosr_eval::{Oscr, Ranking};

/// Every whole number below `n` once, in an order without rhyme.
fn scattered(n: u64) -> Vec<f64> {
    // 7 919 is a prime that divides none of the sizes used, so the products run through all.
    (0..n).map(|i| (i * 7_919 % n) as f64).collect()
}

#[test]
fn alternating_sides_have_a_closed_form() {
    let slow = std::env::var_os("CROSR_SLOW_TESTS").is_some();
    let n = if slow { 5_000_000 } else { 200_000 };
    let half = (n / 2) as f64;
    let scores = scattered(n);
    // Odd scores are positive: the j-th of them lies above j + 1 even ones.
    let odd: Vec<bool> = scores.iter().map(|score| score % 2.0 == 1.0).collect();
    let ranking = Ranking::new(&scores, &odd).expect("two sides");
    assert_eq!(ranking.auroc(), (half + 1.0) / (2.0 * half));
    // At every second score a positive enters at precision (j + 1) / (2 j + 1).
    let precisions = (0..n / 2)
        .rev()
        .map(|j| (j + 1) as f64 / (2 * j + 1) as f64);
    let wanted = precisions.sum::<f64>() / half;
    assert!((ranking.average_precision() - wanted).abs() < 1e-12);
    // Each positive is one step ahead of the negatives: J = 1 / half, reached again and again.
    assert!((ranking.youden().j - 1.0 / half).abs() < 1e-12);

    // With every known sample correct, OSCR is the area under the ROC curve of the known side.
    let even: Vec<bool> = odd.iter().map(|side| !side).collect();
    let oscr = Oscr::new(&scores, &vec![true; scores.len()], &even).expect("two sides");
    assert_eq!(oscr.area(), ranking.auroc());
}
