//! What must hold for any input: exact merging, sums, permutations.

use crosr_openmax::{
    Distance, MeanAccumulator, OpenMaxParams, RecalibrationParams, SoftmaxOrder, TailAccumulator,
    Verdict, decide, recalibrate,
};
use proptest::prelude::*;

const N_CLASSES: usize = 3;
const DIM: usize = 5;

/// Any finite `f32`, every exponent equally likely, subnormals included.
fn any_finite() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(|bits| {
        let x = f32::from_bits(bits);
        if x.is_finite() {
            x
        } else {
            f32::from_bits(bits & !(1 << 30))
        }
    })
}

/// Samples with a class, a shard and a place in the order of the second run.
type Sample = (usize, [f32; DIM], usize, u64);

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let sample = (
        0..N_CLASSES,
        prop::array::uniform5(any_finite()),
        0usize..4,
        any::<u64>(),
    );
    prop::collection::vec(sample, 1..60).prop_map(|mut samples| {
        for class_idx in 0..N_CLASSES {
            samples.push((class_idx, [1.0; DIM], class_idx, 0)); // no class is empty
        }
        samples
    })
}

/// The samples in another order, split over four shards.
fn shards(samples: &[Sample]) -> Vec<Vec<Sample>> {
    let mut shuffled = samples.to_vec();
    shuffled.sort_by_key(|sample| sample.3);
    (0..4)
        .map(|shard| shuffled.iter().copied().filter(|s| s.2 == shard).collect())
        .collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn logits_and_w_scores() -> impl Strategy<Value = (Vec<f32>, Vec<f64>)> {
    prop::collection::vec((-900f32..900.0, 0.0..=1.0f64), 1..25)
        .prop_map(|pairs| pairs.into_iter().unzip())
}

/// Vectors around three centres, so that every class has a spread and most
/// samples are classified correctly.
fn clusters() -> impl Strategy<Value = (Vec<f32>, Vec<usize>)> {
    let noise = prop::array::uniform5(-2f32..2.0);
    prop::collection::vec((0..N_CLASSES, noise), 120..200).prop_map(|samples| {
        let mut rows = Vec::new();
        let mut labels = Vec::new();
        for (label, mut row) in samples {
            row[label] += 3.0;
            rows.extend(row);
            labels.push(label);
        }
        (rows, labels)
    })
}

proptest! {
    #[test]
    fn means_merge_to_the_same_bits(samples in samples(), rotate in 0usize..4) {
        let mut whole = MeanAccumulator::new(N_CLASSES, DIM);
        for (class_idx, row, ..) in &samples {
            whole.push(*class_idx, row).unwrap();
        }
        let mut parts: Vec<MeanAccumulator> = shards(&samples).iter().map(|shard| {
            let mut part = MeanAccumulator::new(N_CLASSES, DIM);
            for (class_idx, row, ..) in shard {
                part.push(*class_idx, row).unwrap();
            }
            part
        }).collect();
        parts.rotate_left(rotate);
        let [mut a, b, mut c, d] = <[MeanAccumulator; 4]>::try_from(parts).unwrap();
        a.merge(&b).unwrap();
        c.merge(&d).unwrap();
        c.merge(&a).unwrap();
        let (whole, merged) = (whole.finish().unwrap(), c.finish().unwrap());
        prop_assert_eq!(bits(whole.as_slice()), bits(merged.as_slice()));
        prop_assert_eq!(whole.counts(), merged.counts());
    }

    #[test]
    fn tails_merge_to_the_same_bits(samples in samples(), rotate in 0usize..4, tail in 1usize..20) {
        let distance = |row: &[f32; DIM]| f64::from(row[0]);
        let mut whole = TailAccumulator::new(N_CLASSES, tail);
        for (class_idx, row, ..) in &samples {
            whole.push(*class_idx, distance(row)).unwrap();
        }
        let mut merged = TailAccumulator::new(N_CLASSES, tail);
        let mut shards = shards(&samples);
        shards.rotate_left(rotate);
        for shard in shards {
            let mut part = TailAccumulator::new(N_CLASSES, tail);
            for (class_idx, row, ..) in &shard {
                part.push(*class_idx, distance(row)).unwrap();
            }
            merged.merge(&part).unwrap();
        }
        for class_idx in 0..N_CLASSES {
            let mut sorted: Vec<f64> =
                samples.iter().filter(|s| s.0 == class_idx).map(|s| distance(&s.1)).collect();
            prop_assert_eq!(merged.count(class_idx), sorted.len() as u64);
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted.truncate(tail);
            prop_assert_eq!(&merged.tail(class_idx), &sorted);
            prop_assert_eq!(bits(&merged.tail(class_idx)), bits(&whole.tail(class_idx)));
        }
    }

    #[test]
    fn probabilities_are_a_distribution((logits, w_scores) in logits_and_w_scores(),
                                        alpha in 1usize..30) {
        for order in [SoftmaxOrder::First, SoftmaxOrder::Last, SoftmaxOrder::LastClipped] {
            let params = RecalibrationParams::new().alpha(alpha).softmax(order).check().unwrap();
            let found = recalibrate(&logits, &w_scores, &params).unwrap();
            prop_assert_eq!(found.len(), logits.len() + 1);
            prop_assert!(found.iter().all(|p| (0.0..=1.0 + 1e-15).contains(p)), "{:?}", found);
            prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-14, "{:?}", found);
        }
    }

    /// Without w-scores nothing moves: softmax first is the plain softmax.
    #[test]
    fn zero_w_scores_change_nothing((logits, _) in logits_and_w_scores(), alpha in 1usize..30) {
        let zeros = vec![0.0; logits.len()];
        let params = RecalibrationParams::new().alpha(alpha).check().unwrap();
        let found = recalibrate(&logits, &zeros, &params).unwrap();
        let max = f64::from(logits.iter().copied().fold(f32::MIN, f32::max));
        let sum: f64 = logits.iter().map(|&l| (f64::from(l) - max).exp()).sum();
        for (p, &l) in found.iter().zip(&logits) {
            prop_assert!((p - (f64::from(l) - max).exp() / sum).abs() < 1e-14);
        }
        prop_assert_eq!(found[logits.len()], 0.0);
    }

    #[test]
    fn classes_may_be_renamed((logits, w_scores) in logits_and_w_scores(),
                              alpha in 1usize..30, seed in any::<u64>()) {
        let mut distinct = logits.clone();
        distinct.sort_by(f32::total_cmp);
        distinct.dedup();
        prop_assume!(distinct.len() == logits.len()); // ties are broken by index
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by_key(|&k| (k as u64).wrapping_mul(seed | 1).rotate_left(17));
        let pick = |k: &usize| (logits[*k], w_scores[*k]);
        let (renamed_logits, renamed_w): (Vec<f32>, Vec<f64>) = order.iter().map(pick).unzip();
        for softmax in [SoftmaxOrder::First, SoftmaxOrder::Last, SoftmaxOrder::LastClipped] {
            let params = RecalibrationParams::new().alpha(alpha).softmax(softmax).check().unwrap();
            let found = recalibrate(&logits, &w_scores, &params).unwrap();
            let renamed = recalibrate(&renamed_logits, &renamed_w, &params).unwrap();
            for (position, &k) in order.iter().enumerate() {
                prop_assert!((renamed[position] - found[k]).abs() < 1e-12);
            }
            prop_assert!((renamed[order.len()] - found[order.len()]).abs() < 1e-12);
        }
    }

    #[test]
    fn the_decision_follows_its_rule(probabilities in prop::collection::vec(0.0..1.0f64, 2..8),
                                     epsilon in 0.0..=1.0f64) {
        let (&unknown, known) = probabilities.split_last().unwrap();
        let largest = known.iter().copied().fold(0.0, f64::max);
        match decide(&probabilities, epsilon) {
            Verdict::Unknown => prop_assert!(unknown > largest || largest < epsilon),
            Verdict::Known(k) => {
                prop_assert_eq!(known[k], largest);
                prop_assert!(largest >= unknown && largest >= epsilon);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whole and streamed in batches, in another order, over merged shards:
    /// one model, and one set of scores, row by row or all at once.
    #[test]
    fn one_model_however_it_is_fitted((rows, labels) in clusters(), batch in 1usize..50,
                                      kind in 0usize..3) {
        let distance = [Distance::Euclidean, Distance::Cosine, Distance::Eucos][kind];
        let params =
            OpenMaxParams::new(20).distance(distance).shrink_tail(true).check().unwrap();
        let (whole, report) = params.fit(N_CLASSES, &rows, DIM, &labels).unwrap();

        let batches: Vec<_> =
            rows.chunks(batch * DIM).zip(labels.chunks(batch)).rev().collect();
        let mut means = MeanAccumulator::new(N_CLASSES, DIM);
        for (rows, labels) in &batches {
            let mut part = MeanAccumulator::new(N_CLASSES, DIM);
            part.push_correct(rows, labels).unwrap();
            means.merge(&part).unwrap();
        }
        let mavs = means.finish().unwrap();
        prop_assert_eq!(bits(mavs.as_slice()), bits(whole.mavs().as_slice()));
        let mut tails = params.tail_accumulator(N_CLASSES);
        let mut kept = 0;
        for (rows, labels) in &batches {
            let mut part = params.tail_accumulator(N_CLASSES);
            kept += part.push_correct(&mavs, distance, rows, labels).unwrap();
            tails.merge(&part).unwrap();
        }
        prop_assert_eq!(report.samples(), kept as u64);
        let (streamed, _) = params.finish(mavs, &tails).unwrap();

        let recalibration = RecalibrationParams::new().alpha(2).epsilon(0.3).check().unwrap();
        let scored = whole.score_rows(&rows, &recalibration).unwrap();
        for (row, expected) in rows.chunks(DIM).zip(&scored) {
            let found = streamed.score(row, &recalibration).unwrap();
            prop_assert_eq!(bits(&found.probabilities), bits(&expected.probabilities));
            prop_assert_eq!(&found, expected);
            prop_assert_eq!(found.verdict, decide(&found.probabilities, 0.3));
        }
    }
}

/// One thread or five: the same model and the same scores, to the bit.
#[test]
fn the_number_of_threads_does_not_matter() {
    let rows: Vec<f32> = (0..3000 * DIM)
        .map(|i| {
            let own_logit = i % DIM == (i / DIM) % N_CLASSES;
            (i as f32 * 0.37).sin() + if own_logit { 4.0 } else { 0.0 }
        })
        .collect();
    let labels: Vec<usize> = (0..3000).map(|row| row % N_CLASSES).collect();
    let recalibration = RecalibrationParams::new().alpha(2).check().unwrap();
    let [one, five] = [1, 5].map(|n_threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| {
            let params = OpenMaxParams::new(50)
                .distance(Distance::Eucos)
                .check()
                .unwrap();
            let (model, _) = params.fit(N_CLASSES, &rows, DIM, &labels).unwrap();
            let scored = model.score_rows(&rows, &recalibration).unwrap();
            let probabilities: Vec<f64> = scored
                .into_iter()
                .flat_map(|scored| scored.probabilities)
                .collect();
            (
                bits(model.mavs().as_slice()),
                model.weibulls().to_vec(),
                bits(&probabilities),
            )
        })
    });
    assert_eq!(one, five);
}
