//! The decision out of several kinds of evidence.

use crosr_openmax::{
    Distance, Evidence, EvidenceModel, EvidenceParams, EvidenceSamples, OpenMax, OpenMaxError,
    OpenMaxParams, ParamError, Verdict,
};

const K: usize = 3;
const D: usize = 5;

/// A number in [0, 1), another one for each `i`.
fn noise(i: usize) -> f64 {
    let bits = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let bits = (bits ^ (bits >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((bits ^ (bits >> 32)) >> 11) as f64 * 2f64.powi(-53)
}

struct Data {
    rows: Vec<f32>,
    labels: Vec<usize>,
    errors: Vec<f32>,
}

impl Data {
    /// `n` samples of K classes; `clarity` is the size of the right logit, `error` that of the
    /// reconstruction error.
    fn new(n: usize, seed: usize, clarity: f64, error: f64) -> Self {
        let mut data = Self {
            rows: Vec::new(),
            labels: Vec::new(),
            errors: Vec::new(),
        };
        for i in 0..n {
            let at = |k: usize| noise((seed * 1_000_003 + i) * 16 + k);
            let label = i % K;
            for column in 0..D {
                let own = if column == label { clarity } else { 0.0 };
                data.rows.push((own + 2.0 * at(column)) as f32);
            }
            data.labels.push(label);
            data.errors.push((error * (0.5 + at(9))) as f32);
        }
        data
    }

    fn samples(&self) -> EvidenceSamples<'_> {
        EvidenceSamples {
            rows: &self.rows,
            reconstruction_errors: Some(&self.errors),
        }
    }
}

fn openmax() -> OpenMax {
    let train = Data::new(3_000, 1, 6.0, 0.01);
    let params = OpenMaxParams::new(50).distance(Distance::Cosine);
    let params = params.check().expect("valid");
    let fitted = params.fit(K, &train.rows, D, &train.labels);
    fitted.expect("spread").0
}

fn fitted(model: &OpenMax, params: EvidenceParams) -> EvidenceModel {
    // Enough for 200 samples beyond a threshold that keeps 99 of 100.
    let held_out = Data::new(20_000, 2, 6.0, 0.01);
    let params = params.check().expect("valid");
    EvidenceModel::fit(params, model, held_out.samples()).expect("finite")
}

fn unknown_part(model: &OpenMax, evidence: &EvidenceModel, data: &Data) -> f64 {
    let judged = evidence.judge(model, data.samples()).expect("finite");
    let unknown = judged.iter().filter(|j| j.verdict == Verdict::Unknown);
    unknown.count() as f64 / judged.len() as f64
}

#[test]
fn as_many_known_samples_are_kept_as_asked_for() {
    let model = openmax();
    let fresh = Data::new(20_000, 3, 6.0, 0.01);
    for keep in [0.8, 0.9, 0.99] {
        let evidence = fitted(&model, EvidenceParams::new().keep_known(keep));
        let rejected = unknown_part(&model, &evidence, &fresh);
        let expected = 1.0 - keep;
        assert!(
            (rejected - expected).abs() < 0.3 * expected,
            "{keep}: {rejected}"
        );
    }
}

#[test]
fn each_kind_of_evidence_is_heard() {
    let model = openmax();
    let all = fitted(&model, EvidenceParams::new());
    // Unclear logits with an ordinary reconstruction, and the other way round.
    let unclear = Data::new(1_000, 4, 1.0, 0.01);
    let distorted = Data::new(1_000, 5, 6.0, 0.1);
    for (data, loudest) in [
        (
            &unclear,
            &[Evidence::Classification, Evidence::Distance][..],
        ),
        (&distorted, &[Evidence::Reconstruction]),
    ] {
        assert!(unknown_part(&model, &all, data) > 0.9, "{loudest:?}");
        let judged = all.judge(&model, data.samples()).expect("finite");
        let shares: f64 = judged
            .iter()
            .flat_map(|j| &j.evidence)
            .filter(|reading| loudest.contains(&reading.evidence))
            .map(|reading| reading.share)
            .sum();
        assert!(shares / judged.len() as f64 > 0.4, "{loudest:?}: {shares}");
    }
    let deaf = fitted(
        &model,
        EvidenceParams::new().evidence(&[Evidence::Classification]),
    );
    assert!(unknown_part(&model, &deaf, &distorted) < 0.2);
}

#[test]
fn evidence_that_knows_nothing_hardly_costs_where_it_is_truncated() {
    let model = openmax();
    // Half-clear logits, reconstructions like those of known samples.
    let unclear = Data::new(20_000, 4, 5.3, 0.01);
    let rejected = |kinds: &[Evidence], truncation: f64| {
        let params = EvidenceParams::new().evidence(kinds).truncation(truncation);
        unknown_part(&model, &fitted(&model, params), &unclear)
    };
    let alone = rejected(&[Evidence::Classification], 0.05);
    let both = [Evidence::Classification, Evidence::Reconstruction];
    let (truncated, fisher) = (rejected(&both, 0.05), rejected(&both, 1.0));
    assert!(
        alone - truncated < 0.25 * (alone - fisher),
        "alone {alone}, truncated {truncated}, Fisher {fisher}"
    );
}

#[test]
fn evidence_is_silent_above_the_truncation_and_fisher_s_at_one() {
    let model = openmax();
    let data = Data::new(2_000, 6, 5.0, 0.012);
    for truncation in [0.05, 0.3, 1.0] {
        let evidence = fitted(&model, EvidenceParams::new().truncation(truncation));
        let judged = evidence.judge(&model, data.samples()).expect("finite");
        let mut spoken = 0;
        for sample in &judged {
            let shares: f64 = sample.evidence.iter().map(|reading| reading.share).sum();
            assert!((shares - 1.0).abs() < 1e-12);
            let terms: Vec<f64> = (0..3)
                .map(|kind| {
                    let below = if kind == 0 { 1.0 } else { truncation };
                    (below / sample.evidence[kind].tail_probability)
                        .ln()
                        .max(0.0)
                })
                .collect();
            let total: f64 = terms.iter().sum();
            for (term, reading) in terms.iter().zip(&sample.evidence) {
                assert!((term / total - reading.share).abs() < 1e-9);
            }
            spoken += usize::from(sample.evidence[2].share > 0.0);
        }
        let part = spoken as f64 / judged.len() as f64;
        assert!(
            part > 0.5 * truncation && part <= 1.0,
            "{truncation}: {part}"
        );
    }
}

#[test]
fn probabilities_sum_to_one_and_agree_with_the_verdict() {
    let model = openmax();
    let evidence = fitted(&model, EvidenceParams::new());
    for data in [
        Data::new(500, 6, 6.0, 0.01),
        Data::new(500, 7, 3.0, 0.02),
        Data::new(500, 8, 0.0, 10.0),
    ] {
        for judged in evidence.judge(&model, data.samples()).expect("finite") {
            let sum: f64 = judged.probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
            assert!(judged.probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
            let unknown = judged.probabilities[K];
            assert_eq!(
                judged.verdict == Verdict::Unknown,
                unknown > 0.5,
                "{judged:?}"
            );
            let shares: f64 = judged.evidence.iter().map(|reading| reading.share).sum();
            assert!((shares - 1.0).abs() < 1e-12, "{judged:?}");
        }
    }
}

#[test]
fn a_model_rebuilt_from_its_scores_is_the_same() {
    let model = openmax();
    let kinds = [
        Evidence::Reconstruction,
        Evidence::Distance,
        Evidence::Distance,
    ];
    let evidence = fitted(&model, EvidenceParams::new().evidence(&kinds));
    assert_eq!(
        evidence.params().evidence(),
        [Evidence::Distance, Evidence::Reconstruction]
    );
    let again = EvidenceModel::from_scores(
        evidence.params().clone(),
        K,
        evidence.scores().to_vec(),
        evidence.classes().to_vec(),
        evidence.whitening().cloned(),
    );
    assert_eq!(again.expect("its own scores"), evidence);
}

#[test]
fn a_more_surprising_sample_is_never_less_unknown() {
    let model = openmax();
    let evidence = fitted(
        &model,
        EvidenceParams::new().evidence(&[Evidence::Reconstruction]),
    );
    let mut data = Data::new(1, 9, 6.0, 0.01);
    let mut last = 0.0;
    for step in 0..200 {
        data.errors[0] = 1e-4 * 1.08f32.powi(step);
        let judged = evidence.judge(&model, data.samples()).expect("finite");
        let unknown = judged[0].probabilities[K];
        assert!(unknown >= last, "step {step}: {unknown} after {last}");
        last = unknown;
    }
    assert!(last > 0.99);
}

#[test]
fn what_is_missing_is_named() {
    let model = openmax();
    let evidence = fitted(&model, EvidenceParams::new());
    let data = Data::new(10, 10, 6.0, 0.01);
    let without = EvidenceSamples {
        reconstruction_errors: None,
        ..data.samples()
    };
    assert!(matches!(
        evidence.judge(&model, without),
        Err(OpenMaxError::ReconstructionErrors {
            expected: 10,
            found: 0
        })
    ));
    let mut broken = Data::new(10, 10, 6.0, 0.01);
    broken.errors[7] = f32::NAN;
    assert!(matches!(
        evidence.judge(&model, broken.samples()),
        Err(OpenMaxError::ReconstructionError { row: 7, .. })
    ));
    let no_evidence = EvidenceParams::new().evidence(&[]).check();
    assert_eq!(no_evidence, Err(ParamError::NoEvidence));
    for keep in [0.0, 1.0, f64::NAN] {
        let params = EvidenceParams::new().keep_known(keep).check();
        assert!(matches!(params, Err(ParamError::Keep { .. })));
        let params = EvidenceParams::new().truncation(keep);
        let expected = matches!(params.check(), Err(ParamError::Truncation { .. }));
        assert_eq!(expected, keep != 1.0, "{keep}");
    }
    let params = EvidenceParams::new()
        .evidence(&[Evidence::Distance])
        .check();
    let build = |scores: Vec<f64>, classes: Vec<usize>| {
        EvidenceModel::from_scores(params.clone().expect("valid"), K, scores, classes, None)
    };
    assert!(matches!(
        build(vec![1.0], vec![0]),
        Err(OpenMaxError::TooFewReferences { given: 1 })
    ));
    assert!(matches!(
        build(vec![1.0; 3], vec![0; 2]),
        Err(OpenMaxError::RaggedRows { .. })
    ));
    assert!(matches!(
        build(vec![1.0; 2], vec![0, 3]),
        Err(OpenMaxError::ClassIndex { .. })
    ));
    assert!(matches!(
        build(vec![1.0, f64::NAN], vec![0, 1]),
        Err(OpenMaxError::NonFiniteReference { row: 1, .. })
    ));
}
