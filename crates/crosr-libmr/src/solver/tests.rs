use std::{hint::black_box, time::Instant};

use super::*;

#[test]
fn solves_to_the_last_digits() {
    let tails: [&[f64]; 5] = [
        &[1.0, 2.0],
        &[1.0, 1.0, 1.0, 50.0],
        &[1e-9, 1.0, 1.0, 1.0, 1.1],
        &[1.0, 1.0 + 1e-12, 1.0 + 2e-12],
        &[1e-300, 1.0, 1e300],
    ];
    for data in tails {
        let root = solve(
            &ShapeEquation::new(data.to_vec(), data[0], data[data.len() - 1]),
            200,
        )
        .unwrap();
        assert!(root.residual < RESIDUAL, "{data:?}: {root:?}");
        assert!(root.iterations < 30, "{data:?}: {root:?}");
    }
}

#[test]
fn running_out_of_iterations_is_an_error() {
    let equation = ShapeEquation::new(vec![1.0, 1.3, 2.0, 2.2, 9.0], 1.0, 9.0);
    match solve(&equation, 1) {
        Err(FitError::NotConverged {
            iterations: 1,
            last_shape,
            residual,
        }) => {
            assert!(last_shape > 0.0 && residual > RESIDUAL);
        }
        other => panic!("{other:?}"),
    }
}

/// [`solve`] by a bare loop, without argmin.
fn solve_bare(equation: &ShapeEquation, max_iterations: u64) -> Result<Root, FitError> {
    let mut search = Bracketed::new(equation);
    let mut iterations = 0;
    let mut last = false;
    while !last && iterations < max_iterations {
        last = search.advance(equation);
        iterations += 1;
    }
    polish(equation, &search, iterations, max_iterations)
}

/// Exponential data, 1 and above, from a multiplicative sequence that begins at `seed`.
fn equation(n: usize, seed: u64) -> ShapeEquation {
    let mut data: Vec<f64> = (seed..seed + n as u64)
        .map(|i| {
            let bits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
            1.0 - ((bits as f64 + 0.5) / (1u64 << 53) as f64).ln()
        })
        .collect();
    data[0] = 1.0;
    let largest = data.iter().copied().fold(0.0, f64::max);
    ShapeEquation::new(data, 1.0, largest)
}

// argmin drives the search and decides nothing: a bare loop goes the same way, bit for bit. With
// CROSR_SLOW_TESTS=1 and --nocapture the time of both is printed.
#[test]
#[allow(clippy::print_stderr, reason = "a measurement is for reading")]
fn argmin_changes_nothing_and_costs_little() {
    let measured = std::env::var_os("CROSR_SLOW_TESTS").is_some();
    for n in [2usize, 20, 100, 1000] {
        let equations: Vec<ShapeEquation> =
            (1..=200).map(|seed| equation(n, 1000 * seed)).collect();
        for equation in &equations {
            let (driven, bare) = (
                solve(equation, 200).unwrap(),
                solve_bare(equation, 200).unwrap(),
            );
            let bits = |root: Root| (root.s.to_bits(), root.residual.to_bits(), root.iterations);
            assert_eq!(bits(driven), bits(bare));
            assert_eq!(driven.moments, bare.moments);
        }
        if measured {
            // The least of many alternated rounds: what the machine does besides only adds.
            let mut least = [f64::INFINITY; 2];
            for round in 0..600 {
                // Each goes first in turn.
                for at in [round % 2, 1 - round % 2] {
                    let solve = [solve, solve_bare][at];
                    let started = Instant::now();
                    for equation in &equations {
                        let _ = black_box(solve(black_box(equation), 200));
                    }
                    let each = started.elapsed().as_secs_f64() / equations.len() as f64;
                    least[at] = least[at].min(each);
                }
            }
            let [driven, bare] = least.map(|seconds| 1e9 * seconds);
            eprintln!(
                "tail {n}: the search takes {driven:.0} ns with argmin, {bare:.0} ns without, \
                 {:.0} ns more",
                driven - bare
            );
        }
    }
}
