# mypy: allow-untyped-defs, no-check-untyped-defs
"""What a voxel is predicted to be: least squares over neighbours in three slices, and their blend."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.volume.model import DELTA
from geo3d_compression.volume.rls import rls_reset
from geo3d_compression.volume.vectors import dot4


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy", forceinline=True)
def predict(c, reference, index, model, now, before, lowest, highest):
    """Every predictor's value into `mixture.mean`; a predictor that went astray starts again."""
    experts, mean, flat = model.experts, model.mixture.mean, model.planes.flat
    for k in range(experts.counts.size):
        x = experts.x[k]
        count = experts.counts[k]
        if index > 1:
            place = experts.place[k]
            for i in range(count):
                x[i] = flat[np.uint64(c + place[i])] - reference
        else:
            for i in range(count):
                back, o = experts.back[k, i], c + experts.distance[k, i]
                if back == 0:
                    x[i] = now[o] - reference
                elif back == 1:
                    x[i] = before[o] - reference if index > 0 else 0.0
                else:
                    x[i] = 0.0
        p = reference + dot4(experts.w[k], x, count)
        if not (-1e15 < p < 1e15):
            rls_reset(experts.P[k], experts.w[k], experts.h[k], experts.grow, k, count, DELTA)
            p = reference
        mean[k] = min(max(p, lowest), highest)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy", forceinline=True)
def blend(c, stride, index, squared, mean):
    """Mean of the first predictors weighted by the inverse square of their squared errors nearby."""
    total, weighted = 0.0, 0.0
    for k in range(squared.shape[0]):
        e, f = squared[k, index % 2], squared[k, (index + 1) % 2]
        s = e[c - 1] + e[c - stride]
        s += 0.5 * (e[c - stride - 1] + e[c - stride + 1] + e[c - 2] + e[c - 2 * stride]) + 0.5 * f[c]
        s += 0.25 * (f[c + 1] + f[c + stride] + f[c - 1] + f[c - stride]) + 1.0
        b = 1.0 / s
        b = b * b
        total += b
        weighted += b * mean[k]
    return weighted / total
