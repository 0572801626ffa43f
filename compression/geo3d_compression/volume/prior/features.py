# mypy: allow-untyped-defs, no-check-untyped-defs
"""What the learned prior is told: small integers, free of the amplitude of scanner and bit depth.

Differences are in units of the noise that the mixture expects here, levels are ratios of noise, so that what was
learned on one scanner holds on another.  Doubles become integers by + − × ÷ and comparison alone.

    near a voxel   14 + 13 + 1 differences of neighbours (this slice, one back, two back) · predictions · residuals of
                   neighbours · levels                                                           -> inputs [VOXEL]
    a coded slice  residual, level, curvature, gradients, change since the slice before          -> planes [H, W, 6]
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.volume.neighbours import PAD

HERE = (
    (0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2), (-1, 2), (-2, -1), (-2, 1), (-2, -2), (-2, 2),
    (0, -3), (-3, 0),
)  # fmt: skip
BACK = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)) + ((0, -2), (0, 2), (-2, 0), (2, 0))
RESIDUALS = 5
LEVELS = 8
PLANES = 6


def voxel_inputs(predictors: int) -> int:
    """How many integers `voxel_features` makes with so many predictors besides the blend."""
    return len(HERE) + len(BACK) + 1 + predictors + RESIDUALS + LEVELS


def distances(stride: int):
    """(this slice [14], one slice back [13]): the neighbourhoods in a flattened plane."""
    return tuple(np.array([y * stride + x for y, x in part], np.int64) for part in (HERE, BACK))


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _soft(v, knee):
    """-127 ... 127, linear in v while |v| is small against `knee`; no NaN comes in that would not give 0."""
    size = abs(v)
    if not (size < 1e15):
        return 0.0
    return np.floor(127.0 * v / (size + knee) + 0.5)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def log_level(value, learned):
    """64 log2(value), linear between powers of two: the upper bits of a positive double."""
    learned.real[0] = value
    return learned.bits[0] >> 46


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _ratio(a, b):
    return float(min(max((a - b) >> 2, -127), 127))


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def voxel_features(c, stride, index, m, scale, levels, model, now, before, older):
    """Fill `model.prior.x` up to the features of the slice; `levels` [LEVELS - 1]: noises that go in as ratios."""
    prior, mean = model.prior, model.mixture.mean
    x, unit, n = prior.x, 1.0 / scale, 0
    for i in range(prior.here.size):
        x[n] = _soft((now[c + prior.here[i]] - m) * unit, 6.0)
        n += 1
    for i in range(prior.back.size):
        x[n] = _soft((before[c + prior.back[i]] - m) * unit, 6.0) if index > 0 else 0.0
        n += 1
    x[n] = _soft((older[c] - m) * unit, 6.0) if index > 1 else 0.0
    n += 1
    for k in range(model.experts.counts.size + 1):
        x[n] = _soft((mean[k] - m) * unit, 1.5)
        n += 1
    residual = prior.residual[index % 2]
    x[n], x[n + 1] = residual[c - 1], residual[c - stride]
    x[n + 2], x[n + 3] = residual[c - stride - 1], residual[c - stride + 1]
    x[n + 4] = prior.residual[(index + 1) % 2, c]
    n += RESIDUALS
    own = log_level(scale, model.learned)
    for i in range(LEVELS - 1):
        x[n] = _ratio(log_level(levels[i], model.learned), own)
        n += 1
    x[n] = _ratio(own, np.int64(1023 << 6))


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def note(c, index, value, m, scale, model):
    """Keep a voxel's residual and level for its neighbours and for the slices to come."""
    prior = model.prior
    prior.residual[index % 2, c] = _soft((value - m) / scale, 3.0)
    prior.level[c] = log_level(scale, model.learned)
    prior.noise[0] += abs(value - m)
    prior.noise[1] += 1.0


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def note_repeat(c, index, model):
    """A voxel that was no surprise."""
    model.prior.residual[index % 2, c] = 0.0
    model.prior.level[c] = 0


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def slice_planes(index, model, out):
    """The coded slice `index` as integers [H, W, PLANES]."""
    prior = model.prior
    now, before = model.planes.values[index % 3], model.planes.values[(index + 2) % 3]
    residual = prior.residual[index % 2]
    height, width = out.shape[:2]
    stride = width + 2 * PAD
    noise = prior.noise[0] / max(prior.noise[1], 1.0) + 0.02
    unit = 1.0 / noise
    own = log_level(noise, model.learned)
    for y in range(height):
        for x in range(width):
            c = (y + PAD) * stride + PAD + x
            v = now[c]
            around = now[c - 1] + now[c + 1] + now[c - stride] + now[c + stride]
            out[y, x, 0] = residual[c]
            out[y, x, 1] = _ratio(prior.level[c], own) if prior.level[c] > 0 else -127.0
            out[y, x, 2] = _soft((v - 0.25 * around) * unit, 4.0)
            out[y, x, 3] = _soft((now[c + 1] - now[c - 1]) * unit, 12.0)
            out[y, x, 4] = _soft((now[c + stride] - now[c - stride]) * unit, 12.0)
            out[y, x, 5] = _soft((v - before[c]) * unit, 12.0) if index > 0 else 0.0
    prior.noise[0] = 0.0
    prior.noise[1] = 0.0
