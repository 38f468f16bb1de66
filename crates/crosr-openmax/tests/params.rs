//! Every parameter rule and every refusal, by its exact variant.

use crosr_openmax::{
    Distance, MeanAccumulator, MeanActivationVectors, OpenMax, OpenMaxError, OpenMaxParams,
    ParamError, RecalibrationParams, SoftmaxOrder, TailAccumulator, Verdict, closed_set_class,
    decide, recalibrate,
};

macro_rules! refuses {
    ($name:ident, $call:expr, $variant:pat $(if $guard:expr)?, $message:expr) => {
        #[test]
        fn $name() {
            let error = $call.expect_err("accepted");
            assert!(matches!(error, $variant $(if $guard)?), "{error:?}");
            assert_eq!(error.to_string(), $message);
        }
    };
}

refuses!(
    tail_of_zero,
    OpenMaxParams::new(0).check(),
    ParamError::TailSize { tail_size: 0 },
    "tail size is 0, give 2 or more"
);
refuses!(
    tail_of_one,
    OpenMaxParams::new(1).check(),
    ParamError::TailSize { tail_size: 1 },
    "tail size is 1, give 2 or more"
);
refuses!(
    alpha_zero,
    RecalibrationParams::new().alpha(0).check(),
    ParamError::Alpha { alpha: 0 },
    "alpha is 0, give 1 or more"
);
refuses!(epsilon_negative, RecalibrationParams::new().epsilon(-0.1).check(),
    ParamError::Epsilon { epsilon } if epsilon == -0.1,
    "epsilon is -0.1, give a number from 0 to 1");
refuses!(epsilon_above_one, RecalibrationParams::new().epsilon(1.5).check(),
    ParamError::Epsilon { epsilon } if epsilon == 1.5,
    "epsilon is 1.5, give a number from 0 to 1");
refuses!(epsilon_nan, RecalibrationParams::new().epsilon(f64::NAN).check(),
    ParamError::Epsilon { epsilon } if epsilon.is_nan(),
    "epsilon is NaN, give a number from 0 to 1");
refuses!(
    distance_name,
    "Euclid".parse::<Distance>(),
    ParamError::DistanceName { .. },
    "no distance is called \"Euclid\", choose euclidean, cosine or eucos"
);
refuses!(
    softmax_name,
    "before".parse::<SoftmaxOrder>(),
    ParamError::SoftmaxOrderName { .. },
    "no softmax order is called \"before\", choose first, last or last-clipped"
);

#[test]
fn defaults_are_the_documented_ones() {
    let params = OpenMaxParams::new(2).check().unwrap();
    assert_eq!(
        (params.tail_size(), params.distance()),
        (2, Distance::Euclidean)
    );
    let recalibration = RecalibrationParams::default().check().unwrap();
    assert_eq!(recalibration.softmax(), SoftmaxOrder::First);
    assert_eq!((recalibration.alpha(), recalibration.epsilon()), (10, 0.0));
    for order in [
        SoftmaxOrder::First,
        SoftmaxOrder::Last,
        SoftmaxOrder::LastClipped,
    ] {
        assert_eq!(order.to_string().parse(), Ok(order));
    }
}

/// Two classes, three columns; `n` samples a class, all classified correctly.
fn samples(n: usize) -> (Vec<f32>, Vec<usize>) {
    let mut rows = Vec::new();
    let mut labels = Vec::new();
    for i in 0..n {
        let wobble = (i as f32 * 1.3).sin();
        rows.extend([5.0 + wobble, 0.5 * wobble, 1.0]);
        rows.extend([0.0, 4.0 - 2.0 * wobble, wobble * wobble]);
        labels.extend([0, 1]);
    }
    (rows, labels)
}

fn fit(rows: &[f32], dim: usize, labels: &[usize], tail: usize) -> Result<OpenMax, OpenMaxError> {
    Ok(OpenMaxParams::new(tail)
        .check()
        .unwrap()
        .fit(2, rows, dim, labels)?
        .0)
}

fn model() -> OpenMax {
    let (rows, labels) = samples(20);
    fit(&rows, 3, &labels, 8).unwrap()
}

refuses!(
    no_rows,
    fit(&[], 3, &[], 8),
    OpenMaxError::ClassWithoutSamples { class_idx: 0 },
    "class 0 has no correctly classified sample: train longer, or leave the class out"
);
refuses!(
    no_rows_of_an_absurd_shape,
    OpenMaxParams::new(5)
        .check()
        .unwrap()
        .fit(1 << 40, &[], 1 << 40, &[]),
    OpenMaxError::ClassWithoutSamples { class_idx: 0 },
    "class 0 has no correctly classified sample: train longer, or leave the class out"
);
refuses!(
    one_class_without_correct_samples,
    {
        let (mut rows, labels) = samples(20);
        for row in rows.chunks_exact_mut(3) {
            row[0] = 100.0; // every row is now classified as class 0
        }
        fit(&rows, 3, &labels, 8)
    },
    OpenMaxError::ClassWithoutSamples { class_idx: 1 },
    "class 1 has no correctly classified sample: train longer, or leave the class out"
);
refuses!(
    tail_longer_than_a_class,
    {
        let (rows, labels) = samples(20);
        fit(&rows, 3, &labels, 21)
    },
    OpenMaxError::TooFewSamples {
        class_idx: 0,
        samples: 20,
        tail_size: 21
    },
    "class 0 has 20 correctly classified samples, fewer than the tail of 21 asked for: \
     ask for a shorter tail, or let it shrink"
);
refuses!(
    ragged_rows,
    fit(&[0.0; 7], 3, &[0, 0], 8),
    OpenMaxError::RaggedRows { len: 7, dim: 3 },
    "7 values are no whole number of rows of length 3"
);
refuses!(
    too_few_columns,
    fit(&[1.0, 2.0], 1, &[0, 0], 8),
    OpenMaxError::TooFewColumns {
        dim: 1,
        n_classes: 2
    },
    "activation vectors of length 1 cannot begin with the logits of 2 classes"
);
refuses!(
    label_count,
    fit(&[0.0; 6], 3, &[0], 8),
    OpenMaxError::LabelCount { rows: 2, labels: 1 },
    "1 labels for 2 rows"
);
refuses!(
    label_out_of_range,
    fit(&[0.0; 6], 3, &[0, 2], 8),
    OpenMaxError::Label {
        row: 1,
        label: 2,
        n_classes: 2
    },
    "row 1: label 2 is out of range for 2 classes"
);
refuses!(
    nan_in_a_misclassified_row,
    {
        let (mut rows, mut labels) = samples(20);
        rows[3 * 7 + 2] = f32::NAN;
        labels[7] = 0;
        fit(&rows, 3, &labels, 8)
    },
    OpenMaxError::NonFinite { row: 7, column: 2 },
    "row 7, column 2: the value is not finite"
);
refuses!(
    constant_tail,
    fit(
        &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0].repeat(10),
        3,
        &[0, 1].repeat(10),
        8
    ),
    OpenMaxError::TailFit {
        class_idx: 0,
        tail_size: 8,
        ..
    },
    "class 0: no Weibull fits its 8 largest distances"
);
refuses!(
    no_classes,
    OpenMaxParams::new(5).check().unwrap().fit(0, &[], 3, &[]),
    OpenMaxError::NoClasses,
    "no classes given, a model needs at least one"
);

refuses!(
    score_of_another_length,
    model().score(&[1.0, 2.0], &softmax_first()),
    OpenMaxError::DimensionMismatch {
        expected: 3,
        found: 2
    },
    "activation vector of length 3 expected, found 2"
);
refuses!(
    score_of_an_infinity,
    model().score(&[1.0, f32::INFINITY, 0.0], &softmax_first()),
    OpenMaxError::NonFinite { row: 0, column: 1 },
    "row 0, column 1: the value is not finite"
);
refuses!(
    score_rows_names_the_first_bad_row,
    {
        let mut rows = vec![0.5f32; 3 * 9000];
        rows[3 * 8000 + 1] = f32::NAN;
        rows[3 * 4321 + 2] = f32::NEG_INFINITY;
        model().score_rows(&rows, &softmax_first())
    },
    OpenMaxError::NonFinite {
        row: 4321,
        column: 2
    },
    "row 4321, column 2: the value is not finite"
);
refuses!(
    score_of_ragged_rows,
    model().score_rows(&[0.0; 4], &softmax_first()),
    OpenMaxError::RaggedRows { len: 4, dim: 3 },
    "4 values are no whole number of rows of length 3"
);

fn softmax_first() -> crosr_openmax::Recalibration {
    RecalibrationParams::new().check().unwrap()
}

refuses!(
    recalibrate_without_classes,
    recalibrate(&[], &[], &softmax_first()),
    OpenMaxError::NoClasses,
    "no classes given, a model needs at least one"
);
refuses!(
    recalibrate_other_lengths,
    recalibrate(&[1.0], &[0.1, 0.2], &softmax_first()),
    OpenMaxError::ClassCountMismatch {
        expected: 1,
        found: 2
    },
    "parts for 1 classes and for 2 classes do not fit together"
);
refuses!(
    recalibrate_nan_logit,
    recalibrate(&[1.0, f32::NAN], &[0.1, 0.2], &softmax_first()),
    OpenMaxError::NonFinite { row: 0, column: 1 },
    "row 0, column 1: the value is not finite"
);
refuses!(recalibrate_no_probability, recalibrate(&[1.0, 2.0], &[0.1, 1.25], &softmax_first()),
    OpenMaxError::WScore { class_idx: 1, value } if value == 1.25,
    "the w-score of class 1 is 1.25, not within 0 to 1");

refuses!(
    mean_of_a_class_there_is_not,
    MeanAccumulator::new(2, 3).push(2, &[0.0; 3]),
    OpenMaxError::ClassIndex {
        class_idx: 2,
        n_classes: 2
    },
    "class index 2 is out of range for 2 classes"
);
refuses!(
    mean_of_another_length,
    MeanAccumulator::new(2, 3).push(0, &[0.0; 4]),
    OpenMaxError::DimensionMismatch {
        expected: 3,
        found: 4
    },
    "activation vector of length 3 expected, found 4"
);
refuses!(
    mean_of_nan,
    MeanAccumulator::new(2, 3).push(0, &[0.0, f32::NAN, 0.0]),
    OpenMaxError::NonFinite { row: 0, column: 1 },
    "row 0, column 1: the value is not finite"
);
refuses!(
    means_merge_other_classes,
    MeanAccumulator::new(2, 3).merge(&MeanAccumulator::new(3, 3)),
    OpenMaxError::ClassCountMismatch {
        expected: 2,
        found: 3
    },
    "parts for 2 classes and for 3 classes do not fit together"
);
refuses!(
    means_merge_other_length,
    MeanAccumulator::new(2, 3).merge(&MeanAccumulator::new(2, 4)),
    OpenMaxError::DimensionMismatch {
        expected: 3,
        found: 4
    },
    "activation vector of length 3 expected, found 4"
);
refuses!(
    mean_of_no_sample,
    MeanAccumulator::new(2, 3).finish(),
    OpenMaxError::ClassWithoutSamples { class_idx: 0 },
    "class 0 has no correctly classified sample: train longer, or leave the class out"
);
refuses!(
    mean_of_no_class,
    MeanAccumulator::new(0, 3).finish(),
    OpenMaxError::NoClasses,
    "no classes given, a model needs at least one"
);

refuses!(
    tail_of_a_class_there_is_not,
    TailAccumulator::new(2, 5).push(3, 1.0),
    OpenMaxError::ClassIndex {
        class_idx: 3,
        n_classes: 2
    },
    "class index 3 is out of range for 2 classes"
);
refuses!(tail_of_nan, TailAccumulator::new(2, 5).push(1, f64::NAN),
    OpenMaxError::NonFiniteDistance { class_idx: 1, value } if value.is_nan(),
    "a distance of class 1 is NaN, not a finite number");
refuses!(
    tails_merge_other_classes,
    TailAccumulator::new(2, 5).merge(&TailAccumulator::new(1, 5)),
    OpenMaxError::ClassCountMismatch {
        expected: 2,
        found: 1
    },
    "parts for 2 classes and for 1 classes do not fit together"
);
refuses!(
    tails_merge_other_tail,
    TailAccumulator::new(2, 5).merge(&TailAccumulator::new(2, 6)),
    OpenMaxError::TailSizeMismatch {
        expected: 5,
        found: 6
    },
    "tails of size 5 and of size 6 do not fit together"
);
refuses!(
    tail_without_samples,
    TailAccumulator::new(2, 5).finish(),
    OpenMaxError::ClassWithoutSamples { class_idx: 0 },
    "class 0 has no correctly classified sample: train longer, or leave the class out"
);
refuses!(
    tail_without_classes,
    TailAccumulator::new(0, 5).finish(),
    OpenMaxError::NoClasses,
    "no classes given, a model needs at least one"
);
refuses!(
    tail_size_of_zero_cannot_be_fitted,
    {
        let mut tails = TailAccumulator::new(1, 0);
        tails.push(0, 1.0).unwrap();
        tails.finish()
    },
    OpenMaxError::TailParams {
        class_idx: 0,
        tail_size: 0,
        ..
    },
    "class 0: a tail of 0 cannot be fitted"
);

refuses!(
    recorded_means_ragged,
    MeanActivationVectors::from_rows(3, &[0.0; 5], &[1, 1]),
    OpenMaxError::RaggedRows { len: 5, dim: 3 },
    "5 values are no whole number of rows of length 3"
);
refuses!(
    recorded_means_without_samples,
    MeanActivationVectors::from_rows(2, &[0.0; 4], &[1, 0]),
    OpenMaxError::ClassWithoutSamples { class_idx: 1 },
    "class 1 has no correctly classified sample: train longer, or leave the class out"
);
refuses!(
    recorded_means_not_finite,
    MeanActivationVectors::from_rows(2, &[0.0, 0.0, 0.0, f64::NAN], &[1, 1]),
    OpenMaxError::NonFinite { row: 1, column: 1 },
    "row 1, column 1: the value is not finite"
);
refuses!(
    parts_of_other_counts,
    OpenMax::from_parts(
        model().mavs().clone(),
        model().weibulls()[..1].to_vec(),
        Distance::Cosine
    ),
    OpenMaxError::ClassCountMismatch {
        expected: 2,
        found: 1
    },
    "parts for 2 classes and for 1 classes do not fit together"
);
refuses!(
    parts_too_narrow,
    OpenMax::from_parts(
        MeanActivationVectors::from_rows(1, &[0.0, 1.0], &[1, 1]).unwrap(),
        model().weibulls().to_vec(),
        Distance::Cosine,
    ),
    OpenMaxError::TooFewColumns {
        dim: 1,
        n_classes: 2
    },
    "activation vectors of length 1 cannot begin with the logits of 2 classes"
);

#[test]
fn a_tail_shrinks_where_asked_and_says_so() {
    let (mut rows, mut labels) = samples(20);
    rows.truncate(3 * 29); // 15 of class 0, 14 of class 1
    labels.truncate(29);
    let params = OpenMaxParams::new(15).shrink_tail(true).check().unwrap();
    let (model, report) = params.fit(2, &rows, 3, &labels).unwrap();
    let found: Vec<_> = report
        .classes
        .iter()
        .map(|c| (c.samples, c.tail_size, c.shrunk))
        .collect();
    assert_eq!(found, [(15, 15, false), (14, 14, true)]);
    assert_eq!(report.samples(), 29);
    assert_eq!(model.weibulls()[1].parts().tail_size, 14);

    let mut tails = params.tail_accumulator(1);
    tails.push(0, 1.0).unwrap();
    let error = tails.finish().expect_err("one point has no fit");
    assert!(matches!(
        error,
        OpenMaxError::TooFewSamples {
            class_idx: 0,
            samples: 1,
            tail_size: 15
        }
    ));
}

/// Rows whose largest logit is not that of their label leave no trace, be it
/// in the means or in the tails.
#[test]
fn misclassified_samples_do_not_count() {
    let (rows, labels) = samples(20);
    let (expected, _) = OpenMaxParams::new(8)
        .check()
        .unwrap()
        .fit(2, &rows, 3, &labels)
        .unwrap();
    let (mut more_rows, mut more_labels) = (rows.clone(), labels.clone());
    for far in [50.0, 60.0, 70.0] {
        more_rows.extend([far, -far, 0.0, -far, far, far]); // classified as 0, then 1
        more_labels.extend([1, 0]);
    }
    let params = OpenMaxParams::new(8).check().unwrap();
    let (found, report) = params.fit(2, &more_rows, 3, &more_labels).unwrap();
    assert_eq!(report.samples(), 40);
    assert_eq!(found.mavs(), expected.mavs());
    assert_eq!(found.weibulls(), expected.weibulls());

    let mut means = MeanAccumulator::new(2, 3);
    assert_eq!(means.push_correct(&more_rows, &more_labels).unwrap(), 40);
    assert_eq!(means.finish().unwrap().counts(), [20, 20]);
    // The columns after the logits have no say in it.
    assert_eq!(means.push_correct(&[2.0, 1.0, 90.0], &[0]).unwrap(), 1);
}

#[test]
fn a_failed_fit_keeps_its_cause() {
    let rows = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0].repeat(10);
    let error = fit(&rows, 3, &[0, 1].repeat(10), 8).expect_err("constant distances");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_refused_batch_leaves_the_accumulators_as_they_were() {
    let (mut rows, labels) = samples(20);
    let mut means = MeanAccumulator::new(2, 3);
    means.push_correct(&rows, &labels).unwrap();
    let mavs = means.finish().unwrap();
    let mut tails = TailAccumulator::new(2, 5);
    tails
        .push_correct(&mavs, Distance::Eucos, &rows, &labels)
        .unwrap();
    let before = [tails.tail(0), tails.tail(1)];
    rows[119] = f32::NAN;
    assert!(means.push_correct(&rows, &labels).is_err());
    assert!(
        tails
            .push_correct(&mavs, Distance::Eucos, &rows, &labels)
            .is_err()
    );
    assert_eq!(means.finish().unwrap(), mavs);
    assert_eq!([tails.tail(0), tails.tail(1)], before);
    assert_eq!(
        [tails.count(0), tails.count(1), tails.count(2)],
        [20, 20, 0]
    );
}

#[test]
fn ties_go_to_the_lowest_class() {
    assert_eq!(closed_set_class(&[1.0, 2.0, 2.0, 9.0], 3), 1);
    assert_eq!(closed_set_class(&[-0.0, 0.0], 2), 0);
    assert_eq!(closed_set_class(&[], 3), 0);
    for (probabilities, epsilon, expected) in [
        (&[0.4, 0.4, 0.2][..], 0.0, Verdict::Known(0)),
        (&[0.2, 0.4, 0.4], 0.0, Verdict::Known(1)), // known before unknown
        (&[0.25, 0.5, 0.25], 0.5, Verdict::Known(1)), // not below epsilon
        (&[0.25, 0.5, 0.25], 0.5000001, Verdict::Unknown),
        (&[0.3, 0.3, 0.4], 0.0, Verdict::Unknown),
        (&[1.0], 0.0, Verdict::Unknown),
        (&[], 0.0, Verdict::Unknown),
        (&[f64::NAN, f64::NAN], 0.0, Verdict::Unknown),
    ] {
        assert_eq!(
            decide(probabilities, epsilon),
            expected,
            "{probabilities:?}, {epsilon}"
        );
    }
}

/// By hand: softmax(ln 6, ln 3, 0) = .6, .3, .1; α = 2 gives rank weights 1, ½.
#[test]
fn softmax_first_by_hand() {
    let logits = [0.0, 6f32.ln(), 3f32.ln()];
    let params = RecalibrationParams::new().alpha(2).check().unwrap();
    let found = recalibrate(&logits, &[1.0, 0.5, 0.4], &params).unwrap();
    for (p, expected) in found.iter().zip([0.1, 0.3, 0.24, 0.36]) {
        assert!((p - expected).abs() < 1e-7, "{found:?}");
    }
}

/// By hand: logits 2, -4, w 0.5 each, α = 2: v = 1, -3, and 1 - 1 = 0 or, clipped, 1.
#[test]
fn softmax_last_by_hand() {
    let e = std::f64::consts::E;
    for (order, unknown) in [(SoftmaxOrder::Last, 1.0), (SoftmaxOrder::LastClipped, e)] {
        let params = RecalibrationParams::new()
            .alpha(2)
            .softmax(order)
            .check()
            .unwrap();
        let found = recalibrate(&[2.0, -4.0], &[0.5, 0.5], &params).unwrap();
        let sum = e + (-3f64).exp() + unknown;
        for (p, v) in found.iter().zip([e, (-3f64).exp(), unknown]) {
            assert!((p - v / sum).abs() < 1e-15, "{order}: {found:?}");
        }
    }
}
