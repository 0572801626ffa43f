# mypy: allow-untyped-defs, no-check-untyped-defs
"""Contexts of a coefficient, hashed into the coder's scratch array, compiled."""

from __future__ import annotations

from numba import njit

from geo3d_compression.jpeg.quick import CONTEXTS
from geo3d_compression.jpeg.work import mix_hash

# What is coded: each kind has weights of its own.
INNER_AC, EDGE, DC, COUNT = range(4)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def set_contexts(work, inputs, to, kind, a, b, c, d, e, f, g, h, i, j, k, m, n, o):
    """The fourteen contexts of any coefficient, into the area `to`; the quick model has the first six."""
    if inputs.ndim == 2:
        work[to], work[to + 1], work[to + 2], work[to + 3], work[to + 4], work[to + 5] = a, b, c, d, e, f
        for t in range(CONTEXTS):
            work[to + t] = mix_hash(work[to + t], kind + 4 * t)
        return
    work[to], work[to + 1], work[to + 2], work[to + 3], work[to + 4], work[to + 5], work[to + 6] = a, b, c, d, e, f, g
    work[to + 7], work[to + 8], work[to + 9], work[to + 10], work[to + 11] = h, i, j, k, m
    work[to + 12], work[to + 13] = n, o
    for t in range(14):
        work[to + t] = mix_hash(work[to + t], kind + 4 * t)


@njit(cache=True, nogil=True, _nrt=False)
def set_warp_contexts(work, to, kind, a, b, c, d, e, f):
    """Six more where there is a prediction."""
    work[to + 14], work[to + 15], work[to + 16], work[to + 17], work[to + 18], work[to + 19] = a, b, c, d, e, f
    for t in range(14, 20):
        work[to + t] = mix_hash(work[to + t], kind + 4 * t)
