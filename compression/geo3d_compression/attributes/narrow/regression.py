# mypy: allow-untyped-defs, no-check-untyped-defs
"""Online least squares in integers: exponentially forgotten sums, and one sweep of Gauss-Seidel a sample.

The weights follow the solution of A w = b closely, since a sample moves it little (cf. Zakharov, White, Liu 2008,
"Low-complexity RLS algorithms using dichotomous coordinate descent iterations").  Only inputs that are not 0 take part,
and only their weights are improved.

All is bounded: |x|, |y| <= 2^13, so sums are below 2^26 * 2^shift (shift <= 12), weights below 2^16 in 1 / 2^14, and a
row's product below 2^38 * 2^16 * 96 < 2^61.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LIMIT = 1 << 13
_ONE_BITS = 14
_MOST = 1 << 16
# Sums are forgotten once in so many samples.
_EPOCH_BITS = 4


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def clip(x, most):
    return min(max(x, -most), most)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def estimate(w, places, inputs, count):
    """What the weights w [n] make of `count` inputs."""
    total = np.int64(1 << _ONE_BITS - 1)
    for k in range(count):
        total += w[places[k]] * inputs[k]
    return total >> _ONE_BITS


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def learn(A, b, w, places, inputs, count, target, age, shift, doubt):
    """Take sample number `age` into the sums and improve the weights; `doubt` is added to the diagonal."""
    n = b.size
    if age & ((1 << _EPOCH_BITS) - 1) == 0:
        for i in range(n):
            for j in range(n):
                A[i, j] -= A[i, j] >> shift - _EPOCH_BITS
            b[i] -= b[i] >> shift - _EPOCH_BITS
    for k in range(count):
        i, x = places[k], inputs[k]
        row = A[i]
        for j in range(count):
            row[places[j]] += x * inputs[j]
        b[i] += x * target
    for k in range(count):
        i = places[k]
        row = A[i]
        rest = b[i] << _ONE_BITS
        for j in range(n):
            rest -= row[j] * w[j]
        w[i] = clip(w[i] + rest // (row[i] + doubt), _MOST)
