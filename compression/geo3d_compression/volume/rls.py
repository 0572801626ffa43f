# mypy: allow-untyped-defs, no-check-untyped-defs
"""Recursive least squares with forgetting, weighted by the noise (Haykin, "Adaptive Filter Theory", ch. 13).

Double precision with + − × ÷ √ in one fixed order: dot products in four named sums, everything else elementwise, so
that a compiler may vectorise but never reorders.  Compiled without fast-math, hence without contraction to FMA.

The step of the inverse correlation, P <- (P - h h') / lambda, waits until the next sample needs P: one pass over the
matrix then takes the step and multiplies, with the same numbers as two.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.volume.vectors import add_scaled, dot4, propagate, propagate_upper

# Matrices with more rows do not fit the nearest cache; of those, half is kept.
_SMALL = 32


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def rls_reset(P, w, h, grow, k, count, delta):
    """Forget everything: the west neighbour predicts, nothing is certain."""
    rls_doubt(P, h, grow, k, count, delta)
    for j in range(count):
        w[j] = 0.0
    w[0] = 1.0


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def rls_doubt(P, h, grow, k, count, delta):
    """Nothing is certain; the weights stay."""
    for j in range(count):
        for i in range(count):
            P[j, i] = 0.0
        P[j, j] = delta
        h[j] = 0.0
    grow[k] = 1.0


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy", forceinline=True)
def rls_update(P, w, x, u, h, grow, k, count, error, forget, noise, delta):
    """One step after the target was seen.

    P [N, N] inverse correlation, exactly symmetric (a large one only on and above its diagonal), but for the step
    h [N], grow[k] that waits; w [N] weights, x [N] inputs, u [N] scratch, `count` a multiple of four, `error` the
    prediction error, `forget` the factor lambda, `noise` the variance to weigh this sample by.
    """
    if count > _SMALL:
        propagate_upper(P, h, x, u, count, grow[k])
    else:
        propagate(P, h, x, u, count, grow[k])
    q = dot4(x, u, count)
    if not (0.0 <= q < 1e30):
        # Rounding has made P indefinite: the weights are kept, the certainty starts again.
        rls_doubt(P, h, grow, k, count, delta)
        return
    gain = 1.0 / (forget * noise + q)
    add_scaled(w, 0, u, 0, count, gain * error)
    root = np.sqrt(gain)
    for i in range(count):
        h[i] = u[i] * root
    grow[k] = 1.0 / forget
