"""Writes families.json: reference figures for the tail families.

    python families.py          # Python 3.11, scipy 1.17.1, numpy 2.4.6, mpmath 1.4.1

fits         for each sample and family the largest log-likelihood that SciPy finds for
             the `tail_size` largest scores, within the family's domain: the better of
             scipy.stats' own `fit` and of Nelder-Mead searches from several starts
evaluations  cdf, sf, pdf and ppf in 50-digit arithmetic (SciPy's agree to 1e-9)
distances    scipy.stats.kstest, and the Anderson-Darling sum in 50-digit arithmetic
"""

import json
import warnings
from pathlib import Path

import mpmath as mp
import numpy as np
from scipy import optimize, stats

SEED = 20261123
warnings.filterwarnings("ignore")
mp.mp.dps = 50
rng = np.random.default_rng(SEED)


def log_likelihood(family, data, params):
    """SciPy's, -inf outside the family's domain. Shapes have the sign of this project."""
    shape, location, scale = params
    if not scale > 0 or not np.isfinite(params).all():
        return -np.inf
    if family == "gpd":
        if shape < -1:
            return -np.inf
        value = stats.genpareto.logpdf(data, shape, location, scale).sum()
    elif family == "gev":
        # The likelihood is unbounded for shapes that go to infinity.
        if not -1 <= shape <= 5:
            return -np.inf
        value = stats.genextreme.logpdf(data, -shape, location, scale).sum()
    else:
        if shape < 1 or location > data.min():
            return -np.inf
        value = stats.weibull_min.logpdf(data, shape, location, scale).sum()
    return value if np.isfinite(value) else -np.inf


def best_fit(family, data, threshold):
    mean, sd = data.mean(), data.std()
    found = []

    def keep(params):
        found.append((log_likelihood(family, data, params), params))

    if family == "gpd":
        keep(stats.genpareto.fit(data, floc=threshold))
        starts = [(shape, np.log((mean - threshold) * (1 - shape)))
                  for shape in (-0.9, -0.5, -0.1, 0.1, 0.5, 0.9)]
        expand = lambda p: (p[0], threshold, np.exp(p[1]))
    elif family == "gev":
        shape, location, scale = stats.genextreme.fit(data)
        keep((-shape, location, scale))
        starts = [(shape, mean - 0.45 * sd, np.log(0.78 * sd))
                  for shape in (-0.8, -0.4, -0.1, 0.0, 0.2, 0.6, 1.2)]
        expand = lambda p: (p[0], p[1], np.exp(p[2]))
    else:
        keep(stats.weibull_min.fit(data))
        below = [0.01, 0.1, 0.5, 2.0, 10.0]
        starts = [(np.log(share * sd), np.log(shape), np.log(mean - data.min() + share * sd))
                  for share in below for shape in (1.05, 2.0)]
        expand = lambda p: (np.exp(p[1]), data.min() - np.exp(p[0]), np.exp(p[2]))
        keep((1.0, data.min(), mean - data.min()))
    for start in starts:
        result = optimize.minimize(
            lambda p: min(-log_likelihood(family, data, expand(p)), 1e300), start,
            method="Nelder-Mead",
            options=dict(maxiter=4000, maxfev=4000, xatol=1e-9, fatol=1e-11))
        keep(expand(result.x))
    value, params = max(found, key=lambda pair: pair[0])
    return {"log_likelihood": float(value), "parameters": [float(p) for p in params]}


SAMPLES = {
    "exponential": lambda n: rng.exponential(2.0, n),
    "normal": lambda n: rng.normal(-3.0, 1.0, n),
    "uniform": lambda n: rng.uniform(0.0, 1.0, n),
    "gamma": lambda n: rng.gamma(2.0, 1.0, n),
    "pareto": lambda n: 1.0 + rng.pareto(1.5, n),
    "student_t2": lambda n: rng.standard_t(2.0, n),
    "gumbel": lambda n: rng.gumbel(10.0, 3.0, n),
    "weibull_steep": lambda n: 5.0 + 0.2 * rng.weibull(4.0, n),
    "weibull_flat": lambda n: rng.weibull(0.7, n),
    "beta": lambda n: rng.beta(2.0, 3.0, n),
    "lognormal": lambda n: rng.lognormal(0.0, 0.8, n),
    "minima": lambda n: -rng.gumbel(0.0, 1.0, n),
}


def fits():
    cases = []
    for name, draw in SAMPLES.items():
        for n, k in ((600, 40), (1000, 100), (60, 60)):
            # The scores below the (k + 1)-th do not count: three of them stay.
            scores = np.round(np.sort(draw(n))[::-1][: k + 4], 6)
            tail = scores[:k]
            threshold = scores[k] if k < len(scores) else tail.min()
            data = tail[tail > threshold]
            order = rng.permutation(len(scores))
            cases.append({
                "name": f"{name}_{k}_of_{n}", "tail_size": k,
                "scores": [float(x) for x in scores[order]],
                "gpd": best_fit("gpd", data, threshold),
                "gev": best_fit("gev", tail, None),
                "weibull3": best_fit("weibull3", tail, None),
            })
    return cases


def exact(family, shape, location, scale, x):
    """cdf, survival function and density at x, in 50 digits."""
    shape, location, scale, x = (mp.mpf(v) for v in (shape, location, scale, x))
    z = (x - location) / scale
    if family == "weibull3":
        if z <= 0:
            return mp.mpf(0), mp.mpf(1), mp.mpf(0)
        hazard = z ** shape
        return -mp.expm1(-hazard), mp.exp(-hazard), shape / scale * z ** (shape - 1) * mp.exp(-hazard)
    inside = 1 + shape * z
    if family == "gpd" and z < 0:
        return mp.mpf(0), mp.mpf(1), mp.mpf(0)
    if inside <= 0:
        top = shape < 0
        return mp.mpf(1 if top else 0), mp.mpf(0 if top else 1), mp.mpf(0)
    v = mp.log1p(shape * z) / shape if shape else z
    if family == "gpd":
        return -mp.expm1(-v), mp.exp(-v), mp.exp(-(1 + shape) * v) / scale
    hazard = mp.exp(-v)
    return mp.exp(-hazard), -mp.expm1(-hazard), mp.exp(-(1 + shape) * v - hazard) / scale


def quantile(family, shape, location, scale, p):
    shape, location, scale, p = (mp.mpf(v) for v in (shape, location, scale, p))
    if family == "weibull3":
        return location + scale * (-mp.log1p(-p)) ** (1 / shape)
    v = -mp.log1p(-p) if family == "gpd" else -mp.log(-mp.log(p))
    return location + scale * (mp.expm1(shape * v) / shape if shape else v)


def scipy_of(family, shape, location, scale):
    return {"gpd": lambda: stats.genpareto(shape, location, scale),
            "gev": lambda: stats.genextreme(-shape, location, scale),
            "weibull3": lambda: stats.weibull_min(shape, location, scale)}[family]()


def evaluations():
    levels = [1e-12, 1e-6, 0.01, 0.1, 0.37, 0.5, 0.9, 0.999, 1 - 1e-6]
    extreme_shapes = [-1.0, -0.5, -0.2, -1e-3, -1e-9, 0.0, 1e-12, 1e-5, 0.05, 0.3, 1.0, 2.5]
    cases = []
    for family, shapes in (("gpd", extreme_shapes), ("gev", extreme_shapes),
                           ("weibull3", [0.5, 1.0, 1.5, 3.0, 20.0])):
        for shape in shapes:
            location, scale = (0.0, 1.0) if rng.random() < 0.3 else (
                float(np.round(rng.normal(0, 5), 3)), float(np.round(rng.lognormal(0, 1), 3)))
            frozen = scipy_of(family, shape, location, scale)
            points = []
            for p in levels:
                x = float(quantile(family, shape, location, scale, p))
                if x == location and family == "weibull3":
                    continue  # rounded onto the end of the support
                cdf, sf, pdf = exact(family, shape, location, scale, x)
                assert abs(frozen.cdf(x) - float(cdf)) <= 1e-9, (family, shape, p)
                assert abs(frozen.pdf(x) - float(pdf)) <= 1e-9 * max(1, float(pdf)), (family, shape, p)
                assert abs(frozen.ppf(p) - x) <= 1e-9 * (scale + abs(x)), (family, shape, p)
                points.append({"p": p, "x": x, "cdf": float(cdf), "sf": float(sf), "pdf": float(pdf)})
            cases.append({"family": family, "shape": shape, "location": location,
                          "scale": scale, "points": points})
    return cases


def distances():
    cases = []
    for n in (1, 2, 7, 50, 200):
        for power in (0.5, 1.0, 1.7):
            values = np.sort(np.round(rng.random(n) ** power, 9)).clip(1e-9, 1 - 1e-9)
            square = mp.fsum((2 * i + 1) * (mp.log(mp.mpf(low)) + mp.log1p(-mp.mpf(high)))
                             for i, (low, high) in enumerate(zip(values, values[::-1])))
            cases.append({"values": [float(v) for v in values],
                          "kolmogorov_smirnov": float(stats.kstest(values, "uniform").statistic),
                          "anderson_darling": float(-n - square / n)})
    return cases


def lines(name, cases):
    return f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]"


meta = {"generator": "families.py", "seed": SEED, "scipy": "1.17.1", "numpy": np.__version__,
        "mpmath": mp.__version__}
text = "{\n" + ",\n".join([f'"meta": {json.dumps(meta)}', lines("fits", fits()),
                           lines("evaluations", evaluations()),
                           lines("distances", distances())]) + "\n}\n"
Path(__file__).with_name("families.json").write_text(text)
