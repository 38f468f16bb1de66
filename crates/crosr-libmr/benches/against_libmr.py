"""Times fits by libMR and by this crate in alternated rounds, and prints medians and ratios.

    pip install numpy cython setuptools wheel && pip install --no-build-isolation libmr
    cargo build --release -p crosr-libmr --example time_fits
    python crates/crosr-libmr/benches/against_libmr.py target/release/examples/time_fits

libMR is timed through its Python binding, on the list of floats that it copies faster than an
array, and without the destructor of its object.
"""

import itertools
import math
import statistics
import subprocess
import sys
import time

import libmr

MASK = (1 << 64) - 1


def lists(n):
    """The lists of examples/time_fits.rs: exponential scores from SplitMix64."""
    state = 0

    def draw():
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        z ^= z >> 31
        return -math.log(((z >> 11) + 0.5) / (1 << 53))

    return [[draw() for _ in range(n)] for _ in range(min(max(200_000 // n, 50), 2000))]


def time_libmr(data, seconds):
    """Median microseconds of a fit over 25 rounds, each fit of the next list."""
    model = libmr.MR()
    n = len(data[0])
    each = itertools.cycle(data)
    times = []
    for _ in range(25):
        fits, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds / 25:
            for x in itertools.islice(each, 10):
                model.fit_high(x, n)
            fits += 10
        times.append((time.perf_counter() - started) / fits)
    assert model.is_valid
    return 1e6 * statistics.median(times)


def main():
    binary, rounds = sys.argv[1], 5
    print("| tail | libMR, us | crosr-libmr, us | times faster |")
    print("|---:|---:|---:|---:|")
    for n in (20, 100, 1000):
        data, pairs = lists(n), []
        for _ in range(rounds):
            theirs = time_libmr(data, 0.3)
            ours = float(subprocess.check_output([binary, str(n), "0.3"]))
            pairs.append((theirs, ours))
        theirs, ours = (statistics.median(side) for side in zip(*pairs))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"| {n} | {theirs:.2f} | {ours:.2f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
