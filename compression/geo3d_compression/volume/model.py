# mypy: allow-untyped-defs, no-check-untyped-defs
"""What the voxel loop keeps between voxels: padded slices, predictors, learned tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.volume.density import Mixture, new_mixture
from geo3d_compression.volume.neighbours import PAD, linear_offsets
from geo3d_compression.volume.prior.features import voxel_inputs
from geo3d_compression.volume.prior.state import Prior, Weights, new_prior, no_weights
from geo3d_compression.volume.profiles import Settings
from geo3d_compression.volume.rls import rls_reset
from geo3d_compression.volume.spikes import Spikes, new_spikes

NO_SPIKES: NDArray[np.int64] = np.zeros(0, np.int64)

# Half-octaves of the scale, and the certainty that the least squares start with.
LEVELS = 80
DELTA = 1.0


class Planes(NamedTuple):
    """Padded slices, flattened: three of values, two of the blend's absolute error, two of each squared error."""

    values: Any  # [3, plane]
    flat: Any  # [3 * plane] the same memory
    error: Any  # [2, plane]
    squared: Any  # [K + 1, 2, plane]


class Experts(NamedTuple):
    """The least-squares predictors."""

    counts: Any  # [K]
    back: Any  # [K, N]
    distance: Any  # [K, N]
    place: Any  # [K, N] back and distance in `Planes.flat`, for the slice at hand
    forget: Any  # [K]
    P: Any  # [K, N, N]
    w: Any  # [K, N]
    x: Any  # [K, N]
    h: Any  # [K, N] the step of P that waits (see `rls`) ...
    grow: Any  # [K] ... and what the rest grows by
    u: Any  # [N] scratch


class Learned(NamedTuple):
    """Adaptive tables of the loop."""

    scale: Any  # [M, levels * 4] mean absolute error of each of the mixture's M experts by context
    seen: Any  # [M, levels * 4] how many it is the mean of
    same: Any  # [512] counters: are flat surroundings continued?
    real: Any  # [1] scratch: a double ...
    bits: Any  # [1] ... and the same eight bytes as an integer, to read its exponent


class Model(NamedTuple):
    """Everything that coding a group of slices keeps between voxels."""

    planes: Planes
    experts: Experts
    mixture: Mixture
    learned: Learned
    spikes: Spikes
    prior: Prior


def new_model(
    height: int,
    width: int,
    settings: Settings,
    spikes: NDArray[np.int64] = NO_SPIKES,
    weights: Weights | None = None,
    trace: bool = False,
) -> Model:
    """A model that has seen nothing, for slices of `height` x `width`.

    spikes : ranks that are coded apart
    weights : of the learned prior; `trace`: keep what it would be told, for training
    """
    stride = width + 2 * PAD
    plane = stride * (height + 2 * PAD)
    counts, back, distance = linear_offsets(settings.neighbourhoods, stride)
    K, N = back.shape
    experts = Experts(
        counts, back, distance, np.zeros_like(back), np.array(settings.forget), np.zeros((K, N, N)), np.zeros((K, N)),
        np.zeros((K, N)), np.zeros((K, N)), np.ones(K), np.zeros(N),
    )  # fmt: skip
    for k in range(K):
        rls_reset(experts.P[k], experts.w[k], experts.h[k], experts.grow, k, int(counts[k]), DELTA)
    # The least-squares predictors, the median edge, the blend with its scale from two or three contexts, the prior.
    mixed = K + 3 + settings.scale_by_value + (weights is not None)
    start = np.array([_level_value(level) for level in range(LEVELS) for _ in range(4)])
    real = np.zeros(1)
    learned = Learned(
        np.tile(start, (mixed, 1)),
        np.zeros((mixed, 4 * LEVELS)),
        np.full(512, 1 << 31, np.uint32),
        real,
        real.view(np.int64),
    )
    values = np.zeros((3, plane))
    planes = Planes(values, values.reshape(-1), np.zeros((2, plane)), np.zeros((K + 1, 2, plane)))
    told = voxel_inputs(K + 1) if trace or weights is not None else 0
    prior = new_prior(height, width, told, weights or no_weights(), 4 * LEVELS, trace)
    return Model(planes, experts, new_mixture(mixed), learned, new_spikes(spikes, plane), prior)


def _level_value(level: int) -> float:
    """Where the scale of an activity level starts: half-octaves from 1/16."""
    return (2 ** (level // 2)) / 16 * (1.4142135623730951 if level % 2 else 1.0)
