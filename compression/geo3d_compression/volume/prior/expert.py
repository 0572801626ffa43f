# mypy: allow-untyped-defs, no-check-untyped-defs
"""The learned prior as the last expert of the mixture: asked before a voxel is coded, corrected after.

Its shift and scale are relative to the blend's.  How wrong its scales are is learned while coding, by context, so that
a scanner it has not seen costs little.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.volume.prior.features import voxel_features
from geo3d_compression.volume.prior.state import MEAN_DISTANCE, predict
from geo3d_compression.volume.tables import EXP2, EXP2_RANGE

_MEMORY = 150.0
_FIRST = 8.0


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def trace(y, x, value, m, scale, prior):
    """Keep inputs and target of a voxel for training."""
    n = prior.x.size
    for i in range(n):
        prior.trace[y, x, i] = prior.x[i]
    prior.trace[y, x, n] = (value - m) / scale
    prior.trace[y, x, n + 1] = 1.0 / scale


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def ask(y, x, c, stride, index, m, scale, context, lowest, highest, model, now, before, older):
    """Set the last expert of the mixture; returns 64 log2 of the ratio of its scale to the blend's."""
    prior, mixture = model.prior, model.mixture
    voxel_features(c, stride, index, m, scale, prior.levels, model, now, before, older)
    if prior.h2.size == 0:
        return np.int64(0)
    shift, octaves = predict(y, x, prior)
    last = mixture.mean.size - 1
    mixture.mean[last] = min(max(m + shift * scale, lowest), highest)
    prior.scale[0] = scale * EXP2[octaves + EXP2_RANGE]
    mixture.inverse[last] = MEAN_DISTANCE / (prior.scale[0] * prior.wrong[context])
    return octaves


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def learn(value, context, model):
    """Correct the scale of the context after a voxel."""
    prior, mixture = model.prior, model.mixture
    seen = prior.seen[context]
    if seen < _MEMORY:
        prior.seen[context] = seen + 1.0
    found = abs(value - mixture.mean[mixture.mean.size - 1]) / prior.scale[0]
    prior.wrong[context] += (found - prior.wrong[context]) / (seen + _FIRST)
