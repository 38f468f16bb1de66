//! Open-set models: read, written again, asked.
#![no_main]

include!("house.rs");

use std::path::Path;

use crosr_openmax::{EvidenceSamples, RecalibrationParams, SoftmaxOrder};
use formats::openset::OpenSet;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::change_safetensors(data, size, max_size, seed)
});

fn read(file: &[u8]) -> error::Result<OpenSet> {
    OpenSet::from_bytes(file, Path::new("openset"))
}

fn written(openset: &OpenSet) -> Vec<u8> {
    let bytes = openset.to_bytes(Path::new("openset"));
    bytes.expect("what was read can be written")
}

fn check_probabilities(probabilities: &[f64], n_classes: usize) {
    assert_eq!(probabilities.len(), n_classes + 1);
    let sound = |p: &f64| (0.0..=1.0 + 1e-9).contains(p);
    assert!(probabilities.iter().all(sound), "{probabilities:?}");
}

/// Answers to any activations are probabilities.
fn ask(openset: &OpenSet) {
    let model = &openset.model;
    let k = model.n_classes();
    for row in [0.0, 1.0, -1e3, 1e30].map(|x| vec![x; model.dim()]) {
        for softmax in [SoftmaxOrder::First, SoftmaxOrder::Last] {
            let params = RecalibrationParams::new().softmax(softmax);
            let recalibration = params.check().expect("the defaults");
            let score = model.score(&row, &recalibration).expect("finite");
            if softmax == SoftmaxOrder::First {
                check_probabilities(&score.probabilities, k);
            }
            let sound = |w: &f64| (0.0..=1.0).contains(w);
            assert!(score.w_scores.iter().all(sound), "{score:?}");
        }
        if let Some(evidence) = &openset.evidence {
            let samples = EvidenceSamples {
                rows: &row,
                reconstruction_errors: Some(&[0.5]),
            };
            if let Ok(judged) = evidence.judge(model, samples) {
                check_probabilities(&judged[0].probabilities, k);
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    match read(data) {
        Ok(openset) => {
            let bytes = written(&openset);
            let again = read(&bytes).expect("just written");
            assert_eq!(again.class_names, openset.class_names);
            assert_eq!(again.tails, openset.tails);
            assert_eq!(again.calibration, openset.calibration);
            assert_eq!(written(&again), bytes);
            if openset.model.dim() <= 256 {
                ask(&openset);
            }
        }
        Err(error) => assert_eq!(error.one_line().lines().count(), 1),
    }
});
