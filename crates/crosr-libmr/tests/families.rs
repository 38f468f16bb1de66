//! The families against SciPy and against 50-digit arithmetic.
//!
//! `tests/data/families.json` holds the figures, `families.py` beside it made them.
#![allow(missing_docs)]

use crosr_libmr::{
    Border, CheckedParams, Family, FamilyReport, GeneralisedPareto, Gev, TailDistribution,
    TailSide, ThresholdSource, Weibull3, WeibullParams, anderson_darling, kolmogorov_smirnov,
};
use serde_json::Value;

fn cases(list: &str) -> Vec<Value> {
    let text = include_str!("data/families.json");
    let mut document: Value = serde_json::from_str(text).unwrap();
    let cases: Vec<Value> = serde_json::from_value(document[list].take()).unwrap();
    assert!(!cases.is_empty(), "no {list}");
    cases
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn params(tail_size: usize, side: TailSide) -> CheckedParams {
    WeibullParams::new(tail_size).side(side).check().unwrap()
}

type Fit = (Box<dyn TailDistribution>, FamilyReport);

fn fit(family: Family, scores: &[f64], params: CheckedParams) -> Fit {
    fn boxed<D: TailDistribution + 'static>((fitted, report): (D, FamilyReport)) -> Fit {
        (Box::new(fitted), report)
    }
    match family {
        Family::Weibull3 => boxed(Weibull3::fit(scores, params).unwrap()),
        Family::GeneralisedPareto => boxed(GeneralisedPareto::fit(scores, params).unwrap()),
        Family::Gev => boxed(Gev::fit(scores, params).unwrap()),
        other => panic!("{other} is tested elsewhere"),
    }
}

const NEW: [Family; 3] = [Family::Weibull3, Family::GeneralisedPareto, Family::Gev];

/// The distribution with these parameters, position first.
fn with(
    family: Family,
    [position, scale, shape]: [f64; 3],
    side: TailSide,
) -> Box<dyn TailDistribution> {
    match family {
        Family::Weibull3 => Box::new(Weibull3::new(position, scale, shape, side).unwrap()),
        Family::GeneralisedPareto => {
            Box::new(GeneralisedPareto::new(position, scale, shape, side).unwrap())
        }
        Family::Gev => Box::new(Gev::new(position, scale, shape, side).unwrap()),
        other => panic!("{other} is tested elsewhere"),
    }
}

/// Position, scale and shape.
fn triple(fitted: &dyn TailDistribution) -> [f64; 3] {
    let values: Vec<f64> = fitted.parameters().into_iter().map(|(_, v)| v).collect();
    values.try_into().unwrap()
}

/// The scores that a fit of `family` is made to.
fn data(family: Family, case: &Value) -> Vec<f64> {
    let mut scores = numbers(&case["scores"]);
    let tail_size = case["tail_size"].as_u64().unwrap() as usize;
    scores.sort_by(|a, b| b.total_cmp(a));
    let threshold = scores.get(tail_size).copied();
    scores.truncate(tail_size);
    if family == Family::GeneralisedPareto {
        let threshold = threshold.unwrap_or(scores[tail_size - 1]);
        scores.retain(|&x| x > threshold);
    }
    scores
}

fn log_likelihood(fitted: &dyn TailDistribution, data: &[f64]) -> f64 {
    data.iter().map(|&x| fitted.log_pdf(x)).sum()
}

#[test]
fn at_least_as_likely_as_scipy() {
    let (mut equal, mut better, mut borders) = (0, 0, 0);
    for case in cases("fits") {
        let name = case["name"].as_str().unwrap();
        let tail_size = case["tail_size"].as_u64().unwrap() as usize;
        let scores = numbers(&case["scores"]);
        for family in NEW {
            let (fitted, report) = fit(family, &scores, params(tail_size, TailSide::High));
            let expected = number(&case[family.name()]["log_likelihood"]);
            let gain = report.log_likelihood - expected;
            assert!(
                gain > -1e-9 * expected.abs().max(1.0),
                "{name} {family}: {} against {expected}, {fitted:?} {}",
                report.log_likelihood,
                case[family.name()]
            );
            let again = log_likelihood(&*fitted, &data(family, &case));
            assert!((again - report.log_likelihood).abs() < 1e-9 * again.abs().max(1.0));
            assert_eq!(report.border, fitted.border());
            borders += usize::from(report.border.is_some());
            if gain < 1e-6 {
                equal += 1;
            } else {
                better += 1;
            }
        }
    }
    // Both kinds of solution are among the cases.
    assert!(
        equal > 50 && borders > 10,
        "{equal} equal, {better} better, {borders} at a border"
    );
}

// At an interior maximum the log-likelihood does not change in any direction.
#[test]
fn the_gradient_vanishes_at_the_optimum() {
    let mut interior = 0;
    for case in cases("fits") {
        let name = case["name"].as_str().unwrap();
        let tail_size = case["tail_size"].as_u64().unwrap() as usize;
        let scores = numbers(&case["scores"]);
        for family in NEW {
            let (fitted, report) = fit(family, &scores, params(tail_size, TailSide::High));
            if report.border.is_some() {
                continue;
            }
            interior += 1;
            let data = data(family, &case);
            let at = triple(&*fitted);
            // A threshold is no parameter.
            let first = usize::from(family == Family::GeneralisedPareto);
            for parameter in first..3 {
                let unit = if parameter == 2 { 1.0 } else { at[1] };
                let moved = |by: f64| {
                    let mut there = at;
                    there[parameter] += by * unit;
                    log_likelihood(&*with(family, there, TailSide::High), &data)
                };
                let h = 1e-6;
                let (up, down) = (moved(h), moved(-h));
                let slope = (up - down) / (2.0 * h);
                let curvature = (up + down - 2.0 * moved(0.0)).abs() / (h * h);
                // The step that Newton's method would still make, in standard errors.
                let step = slope.abs() / curvature.sqrt().max(1.0);
                assert!(
                    step < 1e-3
                        && up <= report.log_likelihood + 1e-7
                        && down <= report.log_likelihood + 1e-7,
                    "{name} {family}: slope {slope:e} in parameter {parameter}, {fitted:?}"
                );
            }
        }
    }
    assert!(interior > 50, "{interior}");
}

#[test]
fn evaluates_as_50_digit_arithmetic_does() {
    let relative = |got: f64, expected: f64| {
        if got == expected {
            0.0
        } else {
            (got / expected - 1.0).abs()
        }
    };
    for case in cases("evaluations") {
        let family: Family = case["family"].as_str().unwrap().parse().unwrap();
        let at = [&case["location"], &case["scale"], &case["shape"]].map(number);
        let high = with(family, at, TailSide::High);
        let low = with(family, at, TailSide::Low);
        for point in case["points"].as_array().unwrap() {
            let [p, x, cdf, pdf] = ["p", "x", "cdf", "pdf"].map(|key| number(&point[key]));
            let what = format!("{family} {at:?} at {x}");
            // Half a unit in the last place of x - location, as it moves 1 + shape z.
            let z = (x - at[0]) / at[1];
            let inside = if family == Family::Weibull3 {
                1.0
            } else {
                1.0 + at[2] * z
            };
            let end = 4.0 * f64::EPSILON * (1.0 + at[2].abs() * z.abs()) / inside;
            let exponent = (1.0 + 1.0 / at[2].abs().max(1e-3)).max(1.0);
            let near_end = if inside < 0.1 { end * exponent } else { 0.0 };
            let tolerance = 1e-12 + near_end;
            for (distribution, x) in [(&high, x), (&low, -x)] {
                assert!(
                    relative(distribution.cdf(x), cdf) < tolerance,
                    "{what}: cdf {} {cdf}",
                    distribution.cdf(x)
                );
                assert!(
                    relative(distribution.pdf(x), pdf) < tolerance,
                    "{what}: pdf {} {pdf}",
                    distribution.pdf(x)
                );
                let log = distribution.log_pdf(x);
                assert!(
                    (log - pdf.ln()).abs() < tolerance * log.abs().max(1.0),
                    "{what}: {log}"
                );
                let inverse = distribution.inv(p);
                let size = x.abs().max(at[0].abs()).max(at[1]);
                assert!(
                    (inverse - x).abs() < 1e-12 * size,
                    "{what}: inv({p}) = {inverse}"
                );
            }
        }
    }
}

#[test]
fn distances_as_scipy_has_them() {
    for case in cases("distances") {
        let values = numbers(&case["values"]);
        let (ks, ad) = (
            kolmogorov_smirnov(&values).unwrap(),
            anderson_darling(&values).unwrap(),
        );
        let n = values.len();
        assert!(
            (ks - number(&case["kolmogorov_smirnov"])).abs() < 1e-14,
            "{n}: {ks}"
        );
        let expected = number(&case["anderson_darling"]);
        assert!(
            (ad - expected).abs() < 1e-11 * expected.abs().max(1.0),
            "{n}: {ad} {expected}"
        );
    }
}

// A power of two is exact; any other unit and any shift cost a few digits.
#[test]
fn equivariant_under_scale_and_shift() {
    for case in cases("fits") {
        let name = case["name"].as_str().unwrap();
        let tail_size = case["tail_size"].as_u64().unwrap() as usize;
        let scores = numbers(&case["scores"]);
        for family in NEW {
            let params = params(tail_size, TailSide::High);
            let (fitted, _) = fit(family, &scores, params);
            let [position, scale, shape] = triple(&*fitted);
            for (unit, shift, tolerance) in
                [(1024.0, 0.0, 0.0), (1e-3, 0.0, 1e-6), (3.0, 8.0, 1e-6)]
            {
                let moved: Vec<f64> = scores.iter().map(|x| x * unit + shift).collect();
                let (other, _) = fit(family, &moved, params);
                let got = triple(&*other);
                let expected = [position * unit + shift, scale * unit, shape];
                let size = [scale * unit, scale * unit, 1f64.max(shape)];
                for i in 0..3 {
                    assert!(
                        (got[i] - expected[i]).abs() <= tolerance * size[i],
                        "{name} {family} times {unit} plus {shift}: {got:?} for {expected:?}"
                    );
                }
            }
            // Low of the negated scores in another order: the same bits.
            let mut negated: Vec<f64> = scores.iter().map(|x| -x).collect();
            negated.reverse();
            let (low, _) = fit(family, &negated, self::params(tail_size, TailSide::Low));
            assert_eq!(low.parameters(), fitted.parameters());
            for &x in &scores {
                assert_eq!(low.cdf(-x), fitted.cdf(x));
                assert_eq!(low.log_pdf(-x), fitted.log_pdf(x));
                assert_eq!(low.inv(0.3), -fitted.inv(0.3));
            }
        }
    }
}

#[test]
fn the_borders_are_reported() {
    // Densities that fall from the start: exponential at best.
    let falling: Vec<f64> = (1..=40).map(|i| (f64::from(i) / 41.0).powi(-3)).collect();
    let (fitted, report) = Weibull3::fit(&falling, params(40, TailSide::High)).unwrap();
    assert_eq!(report.border, Some(Border::Shape));
    assert_eq!((fitted.shape(), fitted.location()), (1.0, falling[39]));
    // Quantiles of Gumbel minima and beyond: the location runs away.
    let skewed: Vec<f64> = (1..=40).map(|i| -(f64::from(i) / 41.0).powi(-3)).collect();
    let (fitted, report) = Weibull3::fit(&skewed, params(40, TailSide::High)).unwrap();
    assert_eq!(report.border, Some(Border::Location));
    assert!(fitted.location() < -1e4 * 60_000.0);
    // More scores at the upper end than anywhere.
    let rising: Vec<f64> = (1..=40).map(|i| (f64::from(i) / 40.0).powf(0.2)).collect();
    let (fitted, report) = GeneralisedPareto::fit(&rising, params(39, TailSide::High)).unwrap();
    assert_eq!(report.border, Some(Border::Shape));
    assert_eq!(fitted.threshold_source(), ThresholdSource::NextScore);
    assert_eq!((fitted.shape(), fitted.cdf(1.0)), (-1.0, 1.0));
    let (fitted, report) = Gev::fit(&skewed, params(40, TailSide::High)).unwrap();
    assert_eq!((report.border, fitted.shape()), (Some(Border::Shape), -1.0));
    assert_eq!(fitted.log_pdf(skewed[39]), -fitted.scale().ln());
}
