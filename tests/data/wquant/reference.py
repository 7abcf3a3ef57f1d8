#!/usr/bin/env python3
"""Makes weights.txt, levels.txt and alpha.csv: what wquant must do to a small matrix, by numpy in the arithmetic of the
reference code (float32, halves to even) written anew from its formulas, and by scipy in double for the clipping rules.
    python3 reference.py            (numpy 1.24, scipy 1.10)"""
import itertools
import numpy as np
from scipy import optimize, special, stats

f32 = np.float32


def bf16(x):
    u = np.atleast_1d(np.asarray(x, f32)).view(np.uint32).astype(np.int64)
    return (((u + 0x7FFF + (u >> 16 & 1)) >> 16) << 16).astype(np.uint32).view(f32).reshape(np.shape(x))


def as_dtype(x, dtype):
    x = np.asarray(x, f32)
    return x if dtype == "F32" else x.astype(np.float16).astype(f32) if dtype == "F16" else bf16(x)


EPS = {"F32": 2.0**-23, "F16": 2.0**-10, "BF16": 2.0**-7}


def quantise(w, grid, bits, scale_dtype):
    """One cell, min-max, in float32."""
    h = f32(2 ** (bits - 1))
    lo, hi = min(w.min(), f32(0)), max(w.max(), f32(0))
    a = np.abs(w).max()
    qmin, qmax = -h, h - 1
    if grid in ("gptq", "gptq-asym"):  # IST-DASLab/gptq quant.py
        xmin, xmax = lo, hi
        if grid == "gptq":
            xmax = max(abs(xmin), xmax)
            if xmin < 0:
                xmin = -xmax
        if xmin == 0 and xmax == 0:
            xmin, xmax = f32(-1), f32(1)
        maxq = f32(2**bits - 1)
        s = (xmax - xmin) / maxq
        zero = (maxq + 1) / 2 if grid == "gptq" else np.rint(-xmin / s)
        q = np.clip(np.rint(w / s) + f32(zero), 0, maxq)
        return s * (q - f32(zero))
    if grid == "q4_0":  # the first of the largest; the step of llama.cpp, rounding to even
        s = w[np.argmax(np.abs(w))] / -h
    elif grid == "absmax":
        s, qmin = a / (h - 1), -(h - 1)
    elif grid == "qmax":
        s = a / (h - 1)
    elif grid == "ct":  # compressed-tensors, calculate_qparams and _quantize
        s = a / ((2 * h - 1) / f32(2))
    elif grid == "ct-asym":
        s = (hi - lo) / (2 * h - 1)
    else:  # qmin, midrise
        s = a / h
    s = as_dtype(s, scale_dtype)
    if s == 0:
        s = f32(EPS[scale_dtype])
    if grid == "midrise":
        return (np.clip(np.rint(w / s - f32(0.5)), qmin, qmax) + f32(0.5)) * s
    zero = np.rint(np.clip(qmin - lo / s, qmin, qmax)) if grid == "ct-asym" else f32(0)
    return (np.rint(np.clip(w / s + zero, qmin, qmax)) - zero) * s


def quantise_matrix(w, grid, bits, per, scale_dtype):
    if per == "tensor":
        return quantise(w.ravel(), grid, bits, scale_dtype).reshape(w.shape)
    step = w.shape[1] if per == "channel" else int(per.split(":")[1])
    out = np.empty_like(w)
    for r, c in itertools.product(range(w.shape[0]), range(0, w.shape[1], step)):
        out[r, c : c + step] = quantise(w[r, c : c + step], grid, bits, scale_dtype)
    return out


# ---- clipping rules: alpha of a symmetric grid with k steps between -alpha and alpha


def optimum(beta, k):
    """In sd: least of clipping error plus (2a/k)^2/12 of the generalised Gauss with shape beta."""
    source = stats.gennorm(beta)
    sd = source.std()

    def slope(a):  # of half the error
        mass, first = 2 * source.sf(a), special.gamma(2 / beta) / special.gamma(1 / beta) * special.gammaincc(2 / beta, a**beta)
        return a / (3 * k**2) - (first - a * mass)

    return optimize.brentq(slope, 1e-6, 1e3, xtol=1e-14, rtol=1e-14) / sd


def alpha(w, rule, bits, steps):
    w = w.astype(np.float64)
    sd, b, kurtosis = w.std(), np.abs(w - w.mean()).mean(), stats.kurtosis(w)
    if rule == "minmax":
        return np.abs(w).max()
    if rule.startswith("pct"):
        return np.quantile(np.abs(w), float(rule.split(":")[1]) / 100)
    if rule == "aciq-gauss":
        return optimum(2, steps) * sd
    if rule == "aciq-laplace":
        return optimum(1, steps) * np.sqrt(2) * b
    if rule == "kurt":
        return optimum(2, steps) * sd * (1 + 0.1 * kurtosis)
    if rule == "gennorm":
        g = special.gamma
        off = lambda t: g(5 / t) * g(1 / t) / g(3 / t) ** 2 - 3 - kurtosis
        return optimum(optimize.brentq(off, 0.21, 20) if off(20) < 0 else 20, steps) * sd
    a, best = np.abs(w).max(), []  # mse, of grid absmax in double
    top = 2 ** (bits - 1) - 1
    for i in range(641):
        s = a * 2 ** (-i / 64) / top
        best.append(((np.clip(np.rint(w / s), -top, top) * s - w) ** 2).sum())
    return a * 2 ** (-np.argmin(best) / 64)


def main():
    rng = np.random.default_rng(20)
    w = rng.standard_normal((10, 24)).astype(f32) * f32(0.3)
    w[1] = rng.laplace(size=24) * 0.2
    w[2, 5] = 2.5  # an outlier
    w[3] = 0
    w[4] = np.abs(w[4]) + f32(0.01)  # no weight below 0
    w[5] = (rng.integers(-15, 16, 24)) / 16  # many ties
    w[5, :2] = 15 / 16, -15 / 16  # the largest on both sides
    w[6, :2] = -15 / 16, 15 / 16
    w[7] = -np.abs(w[7])
    w[8] *= f32(1 / 64)
    w[np.abs(w) < 2.0**-14] = 0
    w = bf16(w)  # 8 bits of mantissa: exact in F32, F16 and BF16
    assert (w == as_dtype(w, "F16")).all()
    np.savetxt("weights.txt", w, "%.9g")

    grids = ["absmax", "qmax", "qmin", "ct", "gptq", "q4_0", "midrise", "ct-asym", "gptq-asym"]
    with open("levels.txt", "w") as out:

        def case(dtype, grid, bits, per, scale):
            scale_dtype = dtype if scale == "same" else scale.upper()
            q = as_dtype(quantise_matrix(w, grid, bits, per, scale_dtype), dtype)
            options = f"{dtype} --grid={grid} --bits={bits} --per={per} --scale={scale}"
            out.write(options + "|" + " ".join("%.9g" % (v + f32(0)) for v in q.ravel()) + "\n")

        for grid in grids:
            case("F32", grid, 4, "channel", "f32")
            case("BF16", grid, 4, "group:8", "f32" if grid.startswith("gptq") else "same")
        for grid, bits in (("absmax", 2), ("ct", 2), ("ct", 3), ("gptq-asym", 3), ("absmax", 5), ("ct", 8), ("ct-asym", 8)):
            case("F32", grid, bits, "channel", "f32")
        case("F32", "ct", 4, "tensor", "f32")
        case("F32", "ct-asym", 4, "tensor", "f32")
        case("F32", "absmax", 4, "group:10", "f32")  # the last group of a row is shorter
        case("F16", "ct", 4, "channel", "same")
        case("F16", "ct-asym", 4, "group:8", "same")
        case("BF16", "ct-asym", 6, "channel", "f32")

    steps = {"absmax": lambda b: 2**b - 2, "ct": lambda b: 2**b - 1, "qmin": lambda b: 2**b}
    with open("alpha.csv", "w") as out:
        out.write("grid,bits,clip,channel,alpha\n")
        for grid, bits in (("absmax", 4), ("absmax", 3), ("ct", 4), ("qmin", 2)):
            for rule in ("minmax", "pct:90", "pct:97.5", "aciq-gauss", "aciq-laplace", "kurt", "gennorm", "mse"):
                for channel in (0, 1, 2, 4, 5, 7, 8):
                    if rule == "mse" and grid != "absmax":
                        continue
                    a = alpha(w[channel], rule, bits, steps[grid](bits))
                    out.write(f"{grid},{bits},{rule},{channel},{a:.12g}\n")


main()
