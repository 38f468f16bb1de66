"""Times fits by libMR and by this crate in alternated rounds, and prints medians and ratios.

    pip install numpy cython setuptools wheel && pip install --no-build-isolation libmr
    cargo build --release -p crosr-libmr --example time_fits
    python crates/crosr-libmr/benches/against_libmr.py target/release/examples/time_fits

libMR is timed through its Python binding, from lists of floats and from numpy arrays, which it
copies more slowly, without the construction of its object.
"""

import itertools
import math
import statistics
import subprocess
import sys
import time

import libmr
import numpy

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
    binary, rounds = sys.argv[1], 7
    print("| tail | libMR, list | libMR, array | crosr-libmr | times faster than list | array |")
    print("|---:|---:|---:|---:|---:|---:|")
    for n in (20, 100, 1000):
        data = lists(n)
        arrays = [numpy.array(x) for x in data]
        times = []
        for _ in range(rounds):
            ours = float(subprocess.check_output([binary, str(n), "0.3"]))
            times.append((time_libmr(data, 0.3), time_libmr(arrays, 0.3), ours))
        row = [f"{statistics.median(side):.2f} us" for side in zip(*times)]
        row += [f"{statistics.median(t[i] / t[2] for t in times):.1f}" for i in (0, 1)]
        print("|", n, "|", " | ".join(row), "|")


if __name__ == "__main__":
    main()
