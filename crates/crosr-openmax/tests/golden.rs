//! Reference figures: distances, w-scores, probabilities and whole models
//! against libMR and 40-digit arithmetic, at the tolerances of their README.

#![allow(clippy::print_stderr)] // a skipped test says so

use std::{fs, path::Path};

use crosr_libmr::{TailSide, Weibull, WeibullParts};
use crosr_openmax::{
    Distance, MeanAccumulator, MeanActivationVectors, OpenMax, OpenMaxParams, Recalibration,
    RecalibrationParams, SoftmaxOrder, TailAccumulator, recalibrate,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixtures {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    num_classes: usize,
    dim: usize,
    metric: String,
    tail_size: usize,
    alpha_rank: usize,
    softmax_before: bool,
    mavs: Vec<Vec<f64>>,
    train_distances: Vec<Vec<f64>>,
    train_features: Option<Vec<Vec<Vec<f32>>>>,
    queries: Vec<Vec<f32>>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    weibull: Vec<Parameters>,
    distances: Vec<Vec<f64>>,
    w_scores: Vec<Vec<f64>>,
    probabilities: Vec<Vec<f64>>,
    bendale: Vec<Vec<f64>>,
    max_abs_diff_with_exact_mle: Differences,
}

#[derive(Deserialize)]
struct Parameters {
    scale: f64,
    shape: f64,
    small_score: f64,
    mle_scale: f64,
    mle_shape: f64,
}

#[derive(Deserialize)]
struct Differences {
    w_scores: f64,
    probabilities: f64,
    bendale: f64,
}

/// The largest departure, for a look at how much room the tolerances leave.
#[derive(Default, Debug)]
struct Worst {
    distance: f64,
    w_score: f64,
    probability: f64,
    end_to_end: f64,
}

impl Case {
    fn distance(&self) -> Distance {
        self.metric.parse().unwrap()
    }

    fn mavs(&self) -> MeanActivationVectors {
        let counts: Vec<u64> = self
            .train_distances
            .iter()
            .map(|d| d.len() as u64)
            .collect();
        MeanActivationVectors::from_rows(self.dim, &self.mavs.concat(), &counts).unwrap()
    }

    fn recalibration(&self, softmax: SoftmaxOrder) -> Recalibration {
        RecalibrationParams::new()
            .alpha(self.alpha_rank)
            .softmax(softmax)
            .check()
            .unwrap()
    }

    /// Both recorded kinds of probabilities with the settings behind them.
    fn kinds(&self) -> [(Recalibration, &[Vec<f64>], f64); 2] {
        let own = if self.softmax_before {
            SoftmaxOrder::First
        } else {
            SoftmaxOrder::LastClipped
        };
        let Expected {
            probabilities,
            bendale,
            max_abs_diff_with_exact_mle: moves,
            ..
        } = &self.expected;
        [
            (self.recalibration(own), probabilities, moves.probabilities),
            (
                self.recalibration(SoftmaxOrder::Last),
                bendale,
                moves.bendale,
            ),
        ]
    }

    /// A model with libMR's own parameters.
    fn recorded_model(&self) -> OpenMax {
        let weibulls = self.expected.weibull.iter().map(|w| {
            let parts = WeibullParts {
                scale: w.scale,
                shape: w.shape,
                small_score: w.small_score,
                translate: 1.0,
                side: TailSide::High,
                tail_size: self.tail_size,
            };
            Weibull::from_parts(parts).unwrap()
        });
        OpenMax::from_parts(self.mavs(), weibulls.collect(), self.distance()).unwrap()
    }

    fn check_recorded_parameters(&self, worst: &mut Worst) {
        let model = self.recorded_model();
        for (n, query) in self.queries.iter().enumerate() {
            let found = model
                .score(query, &self.recalibration(SoftmaxOrder::First))
                .unwrap();
            for k in 0..self.num_classes {
                let (d, expected) = (found.distances[k], self.expected.distances[n][k]);
                let (w, expected_w) = (found.w_scores[k], self.expected.w_scores[n][k]);
                let at = format!("{}, query {n}, class {k}", self.name);
                let off = (d - expected).abs();
                assert!(
                    off <= (1e-10 * expected).max(1e-13),
                    "{at}: distance {d}, not {expected}"
                );
                assert!(
                    (w - expected_w).abs() <= 1e-10,
                    "{at}: w-score {w}, not {expected_w}"
                );
                worst.distance = worst.distance.max(off / expected.max(1e-3));
                worst.w_score = worst.w_score.max((w - expected_w).abs());
            }
        }
    }

    fn check_recalibration(&self, worst: &mut Worst) {
        for (kind, (recalibration, expected, _)) in self.kinds().into_iter().enumerate() {
            for (n, query) in self.queries.iter().enumerate() {
                let logits = &query[..self.num_classes];
                let w_scores = &self.expected.w_scores[n];
                let found = recalibrate(logits, w_scores, &recalibration).unwrap();
                let off = largest_difference(&found, &expected[n]);
                assert!(
                    off <= 1e-11,
                    "{}, query {n}, kind {kind}: off by {off:e}",
                    self.name
                );
                worst.probability = worst.probability.max(off);
            }
        }
    }

    fn check_end_to_end(&self, worst: &mut Worst) {
        let params = OpenMaxParams::new(self.tail_size)
            .distance(self.distance())
            .check()
            .unwrap();
        let mut tails = params.tail_accumulator(self.num_classes);
        for (class_idx, distances) in self.train_distances.iter().enumerate() {
            for &distance in distances {
                tails.push(class_idx, distance).unwrap();
            }
        }
        let (model, report) = params.finish(self.mavs(), &tails).unwrap();
        assert_eq!(report.classes.len(), self.num_classes);
        for (k, expected) in self.expected.weibull.iter().enumerate() {
            let parts = model.weibulls()[k].parts();
            assert_eq!(
                parts.small_score, expected.small_score,
                "{}, class {k}",
                self.name
            );
            assert!(
                (parts.scale / expected.mle_scale - 1.0).abs() <= 1e-12,
                "{} {k}",
                self.name
            );
            assert!(
                (parts.shape / expected.mle_shape - 1.0).abs() <= 1e-9,
                "{} {k}",
                self.name
            );
        }
        for (recalibration, expected, moves) in self.kinds() {
            let scored = model
                .score_rows(&self.queries.concat(), &recalibration)
                .unwrap();
            assert_eq!(scored.len(), self.queries.len());
            for (n, found) in scored.iter().enumerate() {
                let off_w = largest_difference(&found.w_scores, &self.expected.w_scores[n]);
                let off_p = largest_difference(&found.probabilities, &expected[n]);
                let allowed_w = self.expected.max_abs_diff_with_exact_mle.w_scores + 1e-9;
                assert!(
                    off_w <= allowed_w,
                    "{}, query {n}: w-scores {off_w:e}",
                    self.name
                );
                assert!(off_p <= moves + 1e-9, "{}, query {n}: {off_p:e}", self.name);
                worst.end_to_end = worst.end_to_end.max(off_p - moves);
            }
        }
    }

    /// Means and tails from the features themselves, where they are recorded.
    fn check_features(&self) -> bool {
        let Some(features) = &self.train_features else {
            return false;
        };
        let mut means = MeanAccumulator::new(self.num_classes, self.dim);
        for (class_idx, rows) in features.iter().enumerate() {
            rows.iter()
                .for_each(|row| means.push(class_idx, row).unwrap());
        }
        let mavs = means.finish().unwrap();
        let mut tails = TailAccumulator::new(self.num_classes, self.tail_size);
        for (k, rows) in features.iter().enumerate() {
            for (found, expected) in mavs.row(k).iter().zip(&self.mavs[k]) {
                let room = 1e-14 * expected.abs().max(1.0);
                assert!(
                    (found - expected).abs() <= room,
                    "{} {k}: mean {found}",
                    self.name
                );
            }
            for (row, expected) in rows.iter().zip(&self.train_distances[k]) {
                let found = mavs.distance(k, row, self.distance()).unwrap();
                let room = (1e-10 * expected).max(1e-13);
                assert!(
                    (found - expected).abs() <= room,
                    "{} {k}: {found}",
                    self.name
                );
                tails.push(k, found).unwrap();
            }
        }
        for (fit, expected) in tails.finish().unwrap().iter().zip(&self.expected.weibull) {
            let parts = fit.weibull.parts();
            assert!(
                (parts.shape / expected.mle_shape - 1.0).abs() <= 1e-9,
                "{}",
                self.name
            );
            assert!(
                (parts.scale / expected.mle_scale - 1.0).abs() <= 1e-9,
                "{}",
                self.name
            );
        }
        true
    }
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).abs())
        .fold(0.0, f64::max)
}

fn check_file(path: &Path, n_cases: usize) {
    let text = fs::read_to_string(path).unwrap();
    let fixtures: Fixtures = serde_json::from_str(&text).unwrap();
    assert_eq!(fixtures.cases.len(), n_cases);
    let mut worst = Worst::default();
    let mut with_features = 0;
    for case in &fixtures.cases {
        case.check_recorded_parameters(&mut worst);
        case.check_recalibration(&mut worst);
        case.check_end_to_end(&mut worst);
        with_features += usize::from(case.check_features());
    }
    assert!(with_features > 0);
    eprintln!("{n_cases} cases, worst: {worst:?}");
}

#[test]
fn small_copy() {
    check_file(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/openmax_small.json"),
        4,
    );
}

#[test]
fn all_of_the_golden_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/openmax.json");
    if path.exists() {
        check_file(&path, 60);
    } else {
        eprintln!("skipped: no {}", path.display());
    }
}
