use super::*;

const TAILS: [&[f64]; 5] = [
    &[1.0, 2.0],
    &[1.0, 1.0, 1.0, 50.0],
    &[1e-9, 1.0, 1.0, 1.0, 1.1],
    &[1.0, 1.0 + 1e-12, 1.0 + 2e-12],
    &[1e-300, 1.0, 1e300],
];

fn of(data: &[f64]) -> ShapeEquation {
    ShapeEquation::new(data.to_vec(), data[0], data[data.len() - 1])
}

#[test]
fn the_bracket_holds_the_root() {
    for data in TAILS {
        let equation = of(data);
        let (low, high) = equation.bracket();
        let value = |s| equation.value(s, &equation.moments(s));
        assert!(low < high);
        assert!(value(low) > 0.0, "{data:?}");
        assert!(value(high) <= 0.0, "{data:?}");
    }
}

#[test]
fn the_slope_is_the_finite_difference() {
    for data in TAILS {
        let equation = of(data);
        let (low, high) = equation.bracket();
        let s = (low * high).sqrt();
        let h = s * 1e-5;
        let value = |s| equation.value(s, &equation.moments(s));
        let numeric = (value(s + h) - value(s - h)) / (2.0 * h);
        let slope = equation.slope(s, &equation.moments(s));
        let error = (numeric / slope - 1.0).abs();
        assert!(error < 1e-6, "{data:?}: {numeric} {slope}");
    }
}

#[test]
fn both_kinds_of_sums_agree() {
    for data in TAILS {
        let equation = of(data);
        let (low, high) = equation.bracket();
        for s in [low, (low * high).sqrt(), high] {
            let plain = equation.moments(s);
            let exact = equation.exact_moments(s, plain.skew);
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-13 * a.abs().max(1e-300);
            assert!(close(plain.total, exact.total), "{data:?} {s}");
            assert!(close(plain.mean, exact.mean), "{data:?} {s}");
            assert!((plain.variance - exact.variance).abs() <= 1e-15);

            let next = s * (1.0 + 1e-8);
            let there = equation.exact_moments(next, plain.skew);
            let shifted = exact.shifted(s, next);
            assert!(close(there.total, shifted.total), "{data:?} {s}");
            assert!(close(there.mean, shifted.mean), "{data:?} {s}");
            assert!((there.variance - shifted.variance).abs() <= 1e-15);
        }
    }
}

// In software, where the platform's library or the compiler does the rounding.
#[test]
fn the_bits_do_not_depend_on_the_instructions() {
    let data: Vec<f64> = (0..10_000u32)
        .map(|i| f64::from(i * 83 % 10_007).sqrt() + 0.1)
        .collect();
    for n in [3, 100, 10_000] {
        let largest = data[..n].iter().copied().fold(0.0, f64::max);
        let mut equation = ShapeEquation::new(data[..n].to_vec(), 0.1, largest);
        let s = equation.start();
        let widest = (equation.moments(s), equation.exact_moments(s, 0.5));
        equation.arch = Arch::Scalar;
        let scalar = (equation.moments(s), equation.exact_moments(s, 0.5));
        assert_eq!(widest, scalar, "{n}");
    }
}
