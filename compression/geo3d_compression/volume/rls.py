# mypy: allow-untyped-defs, no-check-untyped-defs
"""Recursive least squares with forgetting, weighted by the noise (Haykin, "Adaptive Filter Theory", ch. 13).

Double precision with + − × ÷ √ in one fixed order: dot products in four named sums, everything else elementwise, so
that a compiler may vectorise but never reorders.  Compiled without fast-math, hence without contraction to FMA.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def dot4(a, b, count):
    """Sum of a[i] * b[i]; `count` is a multiple of four."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    for i in range(0, count, 4):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
    return (s0 + s1) + (s2 + s3)


@njit(cache=True, nogil=True, error_model="numpy")
def rls_reset(P, w, count, delta):
    """Forget everything: the west neighbour predicts, nothing is certain."""
    for j in range(count):
        for i in range(count):
            P[j, i] = 0.0
        P[j, j] = delta
        w[j] = 0.0
    w[0] = 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def rls_update(P, w, x, u, count, error, forget, noise, delta):
    """One step after the target was seen.

    P [N, N] inverse correlation (stays exactly symmetric), w [N] weights, x [N] inputs, u [N] scratch, `count` a
    multiple of four, `error` the prediction error, `forget` the factor lambda, `noise` the variance to weigh this
    sample by.
    """
    for i in range(count):
        u[i] = 0.0
    # Four rows at a time, in the order of one at a time.
    for j in range(0, count, 4):
        x0, x1, x2, x3 = x[j], x[j + 1], x[j + 2], x[j + 3]
        p0, p1, p2, p3 = P[j], P[j + 1], P[j + 2], P[j + 3]
        for i in range(count):
            u[i] = (((u[i] + p0[i] * x0) + p1[i] * x1) + p2[i] * x2) + p3[i] * x3
    q = dot4(x, u, count)
    if not (0.0 <= q < 1e30):
        # Rounding has made P indefinite: the weights are kept, the certainty starts again.
        for j in range(count):
            for i in range(count):
                P[j, i] = 0.0
            P[j, j] = delta
        return
    gain = 1.0 / (forget * noise + q)
    step = gain * error
    root = np.sqrt(gain)
    for i in range(count):
        w[i] += u[i] * step
        u[i] *= root
    grow = 1.0 / forget
    for j in range(0, count, 2):
        h0, h1 = u[j], u[j + 1]
        p0, p1 = P[j], P[j + 1]
        for i in range(count):
            v = u[i]
            p0[i] = (p0[i] - h0 * v) * grow
            p1[i] = (p1[i] - h1 * v) * grow
