# mypy: allow-untyped-defs, no-check-untyped-defs
"""Contexts of a coefficient, hashed into the coder's scratch array, compiled."""

from __future__ import annotations

from numba import njit

from geo3d_compression.jpeg.quick import CONTEXTS
from geo3d_compression.jpeg.work import mix_hash

# What is coded: each kind has weights of its own.
INNER_AC, EDGE, DC, COUNT = range(4)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def set_contexts(work, inputs, kind, a, b, c, d, e, f, g, h, i, j, k, m, n, o):
    """The fourteen contexts of any coefficient; the quick model has the first six."""
    if inputs.ndim == 2:
        work[0], work[1], work[2], work[3], work[4], work[5] = a, b, c, d, e, f
        for t in range(CONTEXTS):
            work[t] = mix_hash(work[t], kind + 4 * t)
        return
    work[0], work[1], work[2], work[3], work[4], work[5], work[6] = a, b, c, d, e, f, g
    work[7], work[8], work[9], work[10], work[11], work[12], work[13] = h, i, j, k, m, n, o
    for t in range(14):
        work[t] = mix_hash(work[t], kind + 4 * t)


@njit(cache=True, nogil=True, _nrt=False)
def set_warp_contexts(work, kind, a, b, c, d, e, f):
    """Six more where there is a prediction."""
    work[14], work[15], work[16], work[17], work[18], work[19] = a, b, c, d, e, f
    for t in range(14, 20):
        work[t] = mix_hash(work[t], kind + 4 * t)
