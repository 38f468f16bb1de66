//! Times `fit_high` on whole lists of exponential scores: `time_fits TAIL SECONDS` prints the
//! median microseconds of a fit over 25 rounds. Every fit takes the next of many lists, so that
//! no branch can be learnt by heart. `benches/against_libmr.py` alternates it with libMR.
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use std::{env, error::Error, hint::black_box, time::Instant};

use crosr_libmr::fit_high;

/// Number of lists: together a few hundred thousand scores.
fn lists(tail: usize) -> usize {
    (200_000 / tail).clamp(50, 2000)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let tail: usize = args.next().unwrap_or("20".into()).parse()?;
    let seconds: f64 = args.next().unwrap_or("0.5".into()).parse()?;
    // The same scores as in the script: the SplitMix64 generator from 0, exponentially
    // distributed.
    let mut state = 0u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        -(((z >> 11) as f64 + 0.5) / (1u64 << 53) as f64).ln()
    };
    let lists: Vec<Vec<f64>> = (0..lists(tail))
        .map(|_| (0..tail).map(|_| next()).collect())
        .collect();

    let mut times = Vec::new();
    let mut each = lists.iter().cycle();
    while times.len() < 25 {
        let started = Instant::now();
        let mut fits = 0u32;
        while started.elapsed().as_secs_f64() < seconds / 25.0 {
            for scores in each.by_ref().take(10) {
                black_box(fit_high(black_box(scores), tail)?);
                fits += 1;
            }
        }
        times.push(started.elapsed().as_secs_f64() / f64::from(fits));
    }
    times.sort_by(f64::total_cmp);
    println!("{:.4}", 1e6 * times[12]);
    Ok(())
}
