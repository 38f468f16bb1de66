//! Against libMR and against 40-digit arithmetic.
//!
//! Tolerances are those recommended with the reference figures: they follow from the
//! rounding of scale and shape to doubles and from libMR's stopping rule.
#![allow(clippy::print_stderr, missing_docs)]

mod common;

use common::{case_files, number, numbers, side};
use crosr_libmr::{FitError, FitReport, ParamError, Weibull, WeibullParams, WeibullParts};
use serde_json::Value;

fn fit(case: &Value) -> Result<(Weibull, FitReport), FitError> {
    let tail_size = case["tail_size"].as_u64().unwrap() as usize;
    WeibullParams::new(tail_size)
        .side(side(case))
        .translate(number(&case["translate_amount"]))
        .check()?
        .fit(&numbers(&case["scores"]))
}

/// The largest error met, in units of its tolerance.
#[derive(Default)]
struct Worst {
    share: f64,
    case: String,
}

impl Worst {
    /// Fails unless `error <= tolerance`; a NaN fails.
    fn check(&mut self, error: f64, tolerance: f64, what: &str, case: &str) {
        assert!(
            error <= tolerance,
            "{case}: {what} is off by {error:e}, allowed {tolerance:e}"
        );
        let share = if error == 0.0 { 0.0 } else { error / tolerance };
        if share > self.share {
            *self = Worst {
                share,
                case: case.to_owned(),
            };
        }
    }

    fn print(&self, what: &str) {
        eprintln!(
            "{what}: at most {:.2e} of the tolerance ({})",
            self.share, self.case
        );
    }
}

fn relative(got: f64, expected: f64) -> f64 {
    (got / expected - 1.0).abs()
}

fn valid_cases() -> Vec<Vec<Value>> {
    let mut files = case_files("libmr.json");
    for cases in &mut files {
        cases.retain(|case| case["expected"]["valid"] == true);
        assert!(cases.len() >= 12, "only {} valid cases", cases.len());
    }
    files
}

#[test]
fn the_optimum_is_the_exact_maximum_likelihood() {
    for cases in valid_cases() {
        let mut worst: [Worst; 4] = Default::default();
        let mut most_iterations = 0;
        for case in &cases {
            let name = case["name"].as_str().unwrap();
            let (weibull, report) = fit(case).unwrap_or_else(|e| panic!("{name}: {e}"));
            let (exact, libmr) = (&case["expected_mle"], &case["expected"]);
            let shape = number(&exact["shape"]);
            let log_range = number(&exact["log_range"]);

            let scale_error = relative(weibull.scale(), number(&exact["scale"]));
            worst[0].check(scale_error, 1e-12, "scale", name);
            worst[1].check(relative(weibull.shape(), shape), 1e-9, "shape", name);
            let exact_ll = number(&exact["log_likelihood"]);
            let ll_error = (report.log_likelihood - exact_ll).abs();
            worst[2].check(
                ll_error,
                1e-9 * exact_ll.abs().max(1.0),
                "log-likelihood",
                name,
            );
            let libmr_ll = number(&libmr["log_likelihood"]);
            let slack = 1e-9 * libmr_ll.abs().max(1.0);
            assert!(
                report.log_likelihood >= libmr_ll - slack,
                "{name}: libMR is more likely"
            );

            let x = numbers(&case["probes"]["x"]);
            for (x, w) in x.iter().zip(numbers(&exact["w_score"])) {
                let tolerance = (1e-15 * shape).max(1e-9);
                worst[3].check((weibull.w_score(*x) - w).abs(), tolerance, "w_score", name);
            }

            let shape_tolerance = 1e-9 + 2e-6 * shape * log_range;
            let shape_difference = relative(weibull.shape(), number(&libmr["shape"]));
            assert!(
                shape_difference <= shape_tolerance,
                "{name}: far from libMR's shape"
            );
            let scale_difference = relative(weibull.scale(), number(&libmr["scale"]));
            assert!(scale_difference <= 2e-5, "{name}: far from libMR's scale");
            if shape < 1e9 {
                for (x, w) in x.iter().zip(numbers(&case["probes"]["w_score"])) {
                    let difference = (weibull.w_score(*x) - w).abs();
                    assert!(difference <= 1e-4, "{name}: far from libMR's w_score({x})");
                }
            }

            assert_eq!(
                weibull.small_score(),
                number(&libmr["small_score"]),
                "{name}"
            );
            assert_eq!(weibull.side().sign(), number(&libmr["sign"]), "{name}");
            assert_eq!(
                weibull.translate(),
                number(&libmr["translate_amount"]),
                "{name}"
            );
            let floor = 1e-14 * shape * log_range;
            assert!(
                report.residual <= floor.max(1e-12),
                "{name}: {}",
                report.residual
            );
            most_iterations = most_iterations.max(report.iterations);
        }
        eprintln!("{} fits, at most {most_iterations} iterations", cases.len());
        for (worst, what) in worst
            .iter()
            .zip(["scale", "shape", "log-likelihood", "w_score"])
        {
            worst.print(what);
        }
    }
}

#[test]
fn evaluation_with_libmrs_parameters() {
    for cases in valid_cases() {
        let mut worst: [Worst; 4] = Default::default();
        for case in &cases {
            let name = case["name"].as_str().unwrap();
            let (expected, probes) = (&case["expected"], &case["probes"]);
            let (scale, shape) = (number(&expected["scale"]), number(&expected["shape"]));
            let translate = number(&expected["translate_amount"]);
            let small_score = number(&expected["small_score"]);
            let weibull = Weibull::from_parts(WeibullParts {
                scale,
                shape,
                small_score,
                translate,
                side: side(case),
                tail_size: case["tail_size"].as_u64().unwrap() as usize,
            })
            .unwrap();

            let xs = numbers(&probes["x"]);
            let pdfs = numbers(&probes["pdf"]);
            let w_scores = numbers(&probes["w_score"]);
            for (i, &x) in xs.iter().enumerate() {
                let tolerance = (1e-15 * shape).max(1e-12);
                let error = (weibull.w_score(x) - w_scores[i]).abs();
                worst[0].check(error, tolerance, "w_score", name);
                assert_eq!(weibull.cdf(x), weibull.w_score(x), "{name}");

                let t = (x * weibull.side().sign() + translate) - small_score;
                let pdf = weibull.pdf(x);
                if pdfs[i].is_nan() {
                    assert_eq!(pdf, 0.0, "{name}: the true limit of pdf({x})");
                } else if t <= 0.0 {
                    assert_eq!(pdf, pdfs[i], "{name}: pdf({x}) at t = {t}");
                } else {
                    let log_z = shape * (t / scale).ln();
                    let steep = log_z.abs().max(log_z.exp()).clamp(1.0, 800.0);
                    let tolerance = 1e-11 * (shape / 1000.0).max(1.0) * steep;
                    // Below 1e-290 the neighbours of a double are no longer relatively close.
                    let allowed = tolerance * pdfs[i] + 1e-290;
                    worst[1].check((pdf - pdfs[i]).abs(), allowed, "pdf", name);
                }
            }
            for (p, x) in numbers(&probes["inv_p"])
                .iter()
                .zip(numbers(&probes["inv"]))
            {
                let tolerance = 1e-12 * translate.max(small_score.abs()).max(x.abs());
                worst[2].check((weibull.inv(*p) - x).abs(), tolerance, "inv", name);
            }

            let mut tail = numbers(&case["scores"]);
            tail.sort_by(|a, b| {
                (b * weibull.side().sign()).total_cmp(&(a * weibull.side().sign()))
            });
            tail.truncate(weibull.tail_size());
            let expected_ll = number(&expected["log_likelihood"]);
            // Rounding of t / scale, half a unit in the last place, acts on every ln z.
            let tolerance = 1e-9 * expected_ll.abs().max(1.0) + 1e-15 * shape * tail.len() as f64;
            let error = (weibull.log_likelihood(&tail) - expected_ll).abs();
            worst[3].check(error, tolerance, "log_likelihood", name);
        }
        for (worst, what) in worst
            .iter()
            .zip(["w_score", "pdf", "inv", "log_likelihood"])
        {
            worst.print(what);
        }
    }
}

#[test]
fn what_libmr_refuses_is_an_error_that_says_why() {
    for cases in case_files("libmr.json") {
        let refused: Vec<_> = cases
            .iter()
            .filter(|case| case["expected"]["valid"] != true)
            .collect();
        assert!(refused.len() >= 8, "only {} refused cases", refused.len());
        for case in refused {
            let name = case["name"].as_str().unwrap();
            let error = fit(case).expect_err(name);
            let as_expected = match name {
                _ if name.starts_with("translate") => {
                    matches!(error, FitError::Param(ParamError::Translate { .. }))
                }
                _ if name.starts_with("tail_1_") || name == "tail_1" => {
                    matches!(error, FitError::Param(ParamError::TailSize { given: 1 }))
                }
                _ if name.starts_with("tail_") => matches!(error, FitError::TooFewScores { .. }),
                _ if name.starts_with("all_equal") || name == "equal_inside_the_tail_only" => {
                    matches!(error, FitError::NoSpread { .. })
                }
                "one_ulp_apart" | "difference_lost_in_translation" | "unit_1e-100" => {
                    matches!(error, FitError::SpreadLost { .. })
                }
                "offset_1e16" | "unit_1e100" => matches!(error, FitError::TranslateLost { .. }),
                "range_overflow" => matches!(error, FitError::RangeOverflow { .. }),
                _ => panic!("{name}: not known what to expect"),
            };
            assert!(as_expected, "{name}: {error:?}");
        }
    }
}

#[test]
fn libmrs_own_text_loads_and_is_written_back() {
    for cases in valid_cases() {
        for case in &cases {
            let name = case["name"].as_str().unwrap();
            let expected = &case["expected"];
            let theirs = expected["serialized"].as_str().unwrap();
            let weibull = Weibull::from_text(theirs).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(weibull.scale(), number(&expected["scale"]), "{name}");
            assert_eq!(weibull.shape(), number(&expected["shape"]), "{name}");
            assert_eq!(
                weibull.small_score(),
                number(&expected["small_score"]),
                "{name}"
            );
            assert_eq!(weibull.side(), side(case), "{name}");
            assert_eq!(
                weibull.translate(),
                number(&expected["translate_amount"]),
                "{name}"
            );
            assert_eq!(
                weibull.tail_size() as u64,
                case["tail_size"].as_u64().unwrap(),
                "{name}"
            );

            let (_, report) = fit(case).unwrap();
            let ours = weibull.to_text(&report);
            assert_eq!(Weibull::from_text(&ours).unwrap(), weibull, "{name}");
            // Byte for byte except the bounds and alpha, which libMR gets wrong by default.
            let [theirs, ours] = [theirs, &ours].map(|line| line.split(' ').collect::<Vec<_>>());
            assert_eq!(theirs.len(), ours.len(), "{name}");
            for (i, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
                if !(3..=6).contains(&i) && i != 9 {
                    // libMR negates a score of 0 to -0.
                    let zeros = ours.parse() == Ok(0.0) && theirs.parse() == Ok(0.0);
                    assert!(
                        theirs == ours || zeros,
                        "{name}, field {i}: {theirs} {ours}"
                    );
                }
            }
        }
    }
}

#[test]
fn confidence_intervals() {
    for cases in case_files("weibull_ci.json") {
        let mut worst = Worst::default();
        for case in &cases {
            let name = case["name"].as_str().unwrap();
            let (weibull, report) = fit(case).unwrap_or_else(|e| panic!("{name}: {e}"));
            let expected = &case["expected"];
            worst.check(
                relative(weibull.scale(), number(&expected["scale"])),
                1e-9,
                "scale",
                name,
            );
            worst.check(
                relative(weibull.shape(), number(&expected["shape"])),
                1e-9,
                "shape",
                name,
            );
            for (row, expected) in report
                .covariance
                .iter()
                .zip(expected["cov_log_scale_log_shape"].as_array().unwrap())
            {
                for (got, expected) in row.iter().zip(numbers(expected)) {
                    worst.check(relative(*got, expected), 1e-9, "covariance", name);
                }
            }
            let levels = expected["levels"].as_object().unwrap();
            assert!(levels.len() >= 3);
            for (level, expected) in levels {
                let got = report.confidence(level.parse().unwrap()).unwrap();
                let got = [got.scale.0, got.scale.1, got.shape.0, got.shape.1];
                let expected = [numbers(&expected["scale"]), numbers(&expected["shape"])].concat();
                for (got, expected) in got.iter().zip(expected) {
                    worst.check(relative(*got, expected), 1e-9, "bound", name);
                }
            }

            // The line written carries lo, hi of scale and then of shape, at 95 %.
            let line = weibull.to_text(&report);
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let ci95 = &expected["ci95"];
            let bounds = [numbers(&ci95["scale"]), numbers(&ci95["shape"])].concat();
            for (field, expected) in fields[2..6].iter().zip(bounds) {
                worst.check(
                    relative(field.parse().unwrap(), expected),
                    1e-9,
                    "text bound",
                    name,
                );
            }
            assert_eq!(fields[7].parse(), Ok(0.05));
            let theirs = numbers(&case["libmr"]["alpha_0.05"]["serialized_fields_3_to_6"]);
            for (field, theirs) in fields[2..6].iter().zip(theirs) {
                let difference = relative(field.parse().unwrap(), theirs);
                assert!(
                    difference <= 1e-4,
                    "{name}: {field} against libMR's {theirs}"
                );
            }
        }
        worst.print("confidence");
    }
}
