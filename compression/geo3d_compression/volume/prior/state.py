# mypy: allow-untyped-defs, no-check-untyped-defs
"""The learned prior in integers, as the codec runs it: a gated recurrent state over slices, and a network per voxel.

    slice t-1 coded -> planes [H, W, 6] --conv 3x3 with state h--> gate z, candidate c;  h += (c - h) z / 256
    h --conv 3x3--> features of slice t [H, W, C]          (once a slice, all voxels alike)
    inputs near a voxel · features -> hidden -> hidden -> (shift, log scale): one logistic expert of the mixture

Weights are integers in steps of 1/256, activations in steps of 1/32 from 0 to 255, both held in float32.  Every sum
stays below 2^24 (`check_bounds`), so that it is exact in any order, fused or not, whatever the vector unit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.volume.neighbours import PAD
from geo3d_compression.volume.prior.features import LEVELS, PLANES, distances, slice_planes
from geo3d_compression.volume.vectors import add_product

ACTIVATION_SCALE = 32
WEIGHT_SCALE = 256
ACTIVATION_MAX = 255
INPUT_MAX = 127
EXACT_LIMIT = 1 << 24
# A logistic variable's mean distance from its centre is 2 ln 2 scales.
MEAN_DISTANCE = 1.3862943611198906

# Octaves of the scale by 64ths that the network can choose: a ratio from 1/16 to 16.
_OCTAVES = 4


class Weights(NamedTuple):
    """float32 arrays of integers; sums are in 1/8192."""

    gate_planes: Any  # [3, 3, PLANES, 2 C] the gate's sums first
    gate_state: Any  # [3, 3, C, 2 C]
    gate_bias: Any  # [2 C]
    spread: Any  # [3, 3, C, F]
    spread_bias: Any  # [F]
    first: Any  # [VOXEL + F, H1]
    first_bias: Any  # [H1]
    second: Any  # [H1, H2]
    second_bias: Any  # [H2]
    out: Any  # [H2, 2]
    out_bias: Any  # [2]


class Prior(NamedTuple):
    """Weights, state and scratch of the learned expert; `x` of size 0: there is none."""

    weights: Weights
    here: Any  # [14] distances of neighbours in this slice
    back: Any  # [13] and in the one before
    x: Any  # [VOXEL + F] float32, inputs of the voxel
    h1: Any  # [H1] float32
    h2: Any  # [H2] float32
    levels: Any  # [LEVELS - 1] scratch
    residual: Any  # [2, plane] float32
    level: Any  # [plane] int64
    noise: Any  # [2] sum of absolute errors of the slice, and of how many voxels
    state: Any  # [H + 2, W + 2, C] float32, zero border
    renewed: Any  # [H, W, C] float32, scratch: the state to come
    total: Any  # [2 C] float32, scratch
    spread: Any  # [F] float32, scratch
    features: Any  # [H, W, F] float32
    planes: Any  # [H + 2, W + 2, PLANES] float32, zero border
    wrong: Any  # [contexts] learned: mean distance in units of the network's scale ...
    seen: Any  # [contexts] ... over so many voxels
    scale: Any  # [1] the scale it gave last
    trace: Any  # [H, W, VOXEL + 2] float32 or empty: inputs and target of every coded voxel, for training


_LAYERS = ("gate", "spread", "first", "second", "out")


def load_weights(tensors: dict[str, NDArray[Any]]) -> Weights:
    """Checked weights from the tensors of `training.export`."""
    check_bounds(tensors)
    real = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
    gate = real.pop("gate")
    parts = {"gate_planes": gate[:, :, :PLANES], "gate_state": gate[:, :, PLANES:]}
    return Weights(**{name: np.ascontiguousarray(tensor) for name, tensor in {**parts, **real}.items()})


def no_weights() -> Weights:
    """What stands in the place of weights where there is no prior."""
    four, two, one = (np.zeros((0,) * n, np.float32) for n in (4, 2, 1))
    return Weights(four, four, one, four, one, two, one, two, one, two, one)


def check_bounds(tensors: dict[str, NDArray[Any]]) -> None:
    """Raise unless every sum that the weights can make stays below 2^24 in magnitude."""
    for name in _LAYERS:
        weight = np.abs(tensors[name].astype(np.int64))
        sums = weight.reshape(-1, weight.shape[-1]).sum(0) * ACTIVATION_MAX
        sums = sums + np.abs(tensors[f"{name}_bias"].astype(np.int64))
        if sums.max() + WEIGHT_SCALE >= EXACT_LIMIT:
            raise BitstreamError(f"volume prior layer {name} can reach {sums.max()}, exact sums end at {EXACT_LIMIT}")


def new_prior(height: int, width: int, inputs: int, weights: Weights, contexts: int, trace: bool = False) -> Prior:
    """A prior that has seen no slice."""
    stride = width + 2 * PAD
    plane = stride * (height + 2 * PAD)
    here, back = distances(stride)
    C, F = weights.spread.shape[2:]
    return Prior(
        weights, here, back, np.zeros(inputs + F, np.float32), np.zeros(weights.first.shape[1], np.float32),
        np.zeros(weights.second.shape[1], np.float32), np.zeros(LEVELS - 1), np.zeros((2, plane), np.float32),
        np.zeros(plane, np.int64), np.zeros(2), np.zeros((height + 2, width + 2, C), np.float32),
        np.zeros((height, width, C), np.float32), np.zeros(2 * C, np.float32), np.zeros(F, np.float32),
        np.zeros((height, width, F), np.float32), np.zeros((height + 2, width + 2, PLANES), np.float32),
        np.full(contexts, MEAN_DISTANCE), np.zeros(contexts), np.ones(1),
        np.zeros((height, width, inputs + 2) if trace else (0, 0, 0), np.float32),
    )  # fmt: skip


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _activation(total):
    """Sums in 1/8192 as activations in 1/32, rounded, 0 ... 255."""
    x = np.floor((total + np.float32(128)) * np.float32(1 / 256))
    return min(max(x, np.float32(0)), np.float32(255))


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _gather(y, x, source, weight, total):
    """Add a 3 x 3 convolution of `source`, which has a border of one, at (y, x) to `total`."""
    rows = 3 * source.shape[2]
    for dy in range(3):
        first = ((y + dy) * source.shape[1] + x) * source.shape[2]
        add_product(weight, dy * rows * total.size, source, first, rows, total)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def update_state(index, model):
    """Take the slice before into the state, and spread the state into the features of this one."""
    prior = model.prior
    w, state = prior.weights, prior.state
    height, width, count = prior.features.shape
    channels = state.shape[2]
    if index > 0:
        slice_planes(index - 1, model, prior.planes[1:-1, 1:-1])
        total, renewed = prior.total, prior.renewed
        for y in range(height):
            for x in range(width):
                for j in range(2 * channels):
                    total[j] = w.gate_bias[j]
                _gather(y, x, prior.planes, w.gate_planes, total)
                _gather(y, x, state, w.gate_state, total)
                for j in range(channels):
                    # The gate is 0 ... 256 for sums from -2 to 2.
                    z = np.floor((total[j] + np.float32(64)) * np.float32(1 / 128)) + np.float32(128)
                    z = min(max(z, np.float32(0)), np.float32(256))
                    h = state[y + 1, x + 1, j]
                    change = (_activation(total[channels + j]) - h) * z
                    renewed[y, x, j] = h + np.floor((change + np.float32(128)) * np.float32(1 / 256))
        for y in range(height):
            for x in range(width):
                for j in range(channels):
                    state[y + 1, x + 1, j] = renewed[y, x, j]
    spread = prior.spread
    for y in range(height):
        for x in range(width):
            for j in range(count):
                spread[j] = w.spread_bias[j]
            _gather(y, x, state, w.spread, spread)
            for j in range(count):
                prior.features[y, x, j] = _activation(spread[j])


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy", forceinline=True)
def _layer(x, weight, bias, out):
    for j in range(out.size):
        out[j] = bias[j]
    add_product(weight, 0, x, 0, x.size, out)


@njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def predict(y, x, prior):
    """(shift in scales of the blend, 64 log2 of the ratio of scales) of the voxel whose inputs are in `prior.x`."""
    w, features = prior.weights, prior.features
    first = prior.x.size - features.shape[2]
    for j in range(features.shape[2]):
        prior.x[first + j] = features[y, x, j]
    _layer(prior.x, w.first, w.first_bias, prior.h1)
    for j in range(prior.h1.size):
        prior.h1[j] = _activation(prior.h1[j])
    _layer(prior.h1, w.second, w.second_bias, prior.h2)
    for j in range(prior.h2.size):
        prior.h2[j] = _activation(prior.h2[j])
    shift, log = np.float32(0), np.float32(0)
    for m in range(prior.h2.size):
        shift += prior.h2[m] * w.out[m, 0]
        log += prior.h2[m] * w.out[m, 1]
    shift += w.out_bias[0]
    log += w.out_bias[1]
    # Both in 1/8192: scales, and octaves.
    octaves = min(max(np.int64(np.floor(log * np.float32(1 / 128))), -64 * _OCTAVES), 64 * _OCTAVES)
    return np.float64(shift) * (1.0 / 8192.0), octaves
