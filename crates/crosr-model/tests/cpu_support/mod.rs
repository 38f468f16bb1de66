//! What the tests of the CPU operators share.

#![allow(dead_code, unreachable_pub)]

use crosr_model::cpu::{Path, available_paths, with_path};

/// Numbers in [-1, 1) from a SplitMix64 sequence.
pub fn random(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x2545_f491_4f6c_dd1d);
    (0..len)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Runs `test` with every path that the machine has.
pub fn on_every_path(test: impl Fn(Path)) {
    assert!(!available_paths().is_empty());
    for &path in available_paths() {
        with_path(path, || test(path));
    }
}

/// Asserts that `got` is within `tolerance` times the largest of `want`.
pub fn assert_close(name: &str, got: &[f32], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{name}: length");
    let largest = want.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(g) - w).abs();
        assert!(
            error <= tolerance * largest,
            "{name}: element {i} is {g}, should be {w}"
        );
    }
}

/// Asserts that `work` gives the same bits with 1, 2 and 4 threads, on every path.
pub fn same_bits_for_all_thread_counts(work: impl Fn() -> Vec<f32> + Sync) {
    on_every_path(|path| {
        let [one, two, four] = [1, 2, 4].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            // The choice of path belongs to the thread that calls.
            let out = pool.install(|| with_path(path, &work));
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        });
        assert!(!one.is_empty());
        assert!(
            one == two && one == four,
            "{path:?}: the bits depend on the number of threads"
        );
    });
}
