# mypy: allow-untyped-defs, no-check-untyped-defs
"""The octree-latent network in integers: `nn.network` as the codec runs it, without torch.

Weights and activations are small integers held in float32.  Every partial sum stays below 2^24 (checked on loading), so
that matrix products are exact whatever the order of summation: any BLAS, any number of threads, any block
size gives the same logits.  With `dtype=numpy.int64` the same code runs on integers proper, which the tests compare.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.octree.levels import Level

ACTIVATION_SCALE = 32
WEIGHT_SCALE = 256
ACTIVATION_MAX = 255
EXACT_LIMIT = 1 << 24

# Logits leave in steps of 1/256 as the mixer wants them; sums are in steps of 1/8192.
_LOGIT_SHIFT = 5
_LOGIT_LIMIT = 2815

# round(256 * 2^(k / 4)) for k = 1 .. 11: nodes per parent, times 256, at which the density class steps up.
_DENSITY_THRESHOLDS = (304, 362, 431, 512, 609, 724, 861, 1024, 1218, 1448, 1722)

BLOCK_NODES = 4096


def density_class(nodes: int, parents: int) -> int:
    """Class 0 .. 11 of the mean number of nodes a parent has, in quarter octaves."""
    return sum(256 * nodes >= t * parents for t in _DENSITY_THRESHOLDS)


class IntegerNetwork:
    """One level at a time: `begin`, then `logits` for each octant in turn, then `finish`."""

    def __init__(self, tensors: dict[str, NDArray[Any]], dtype: Any = np.float32, block: int = BLOCK_NODES) -> None:
        check_bounds(tensors)
        self._dtype = dtype
        self._block = block
        self._w = {name: tensor.astype(dtype) for name, tensor in tensors.items()}
        self.channels = tensors["conv1"].shape[1]
        self._latent = np.zeros((1, self.channels), dtype)
        self._features = self._latent
        self._previous = 1

    def begin(self, level: Level) -> None:
        """Features of a level's nodes from the latents of the level above and from who neighbours whom."""
        n, C, w = level.size, self.channels, self._w
        density = density_class(n, self._previous)
        self._previous = n
        f0 = np.zeros((n + 1, C), self._dtype)
        f1 = np.zeros((n + 1, C), self._dtype)
        f2 = np.zeros((n + 1, C), self._dtype)
        up = (self._latent @ w["up"]).reshape(-1, C)
        for a, b in self._blocks(n):
            rows = level.parent[a:b].astype(np.int64) * 8 + level.octant[a:b]
            f0[a:b] = _requantise(up[rows] + w["up_bias"][level.octant[a:b]])
        for source, target, index in ((f0, f1, "1"), (f1, f2, "2")):
            bias = w["density"][density] if index == "1" else w["bias2"]
            for a, b in self._blocks(n):
                columns, exist = _gather(source, level.neighbours, a, b)
                total = columns @ w["conv" + index] + exist @ w["exist" + index] + bias
                if index == "2":
                    total += source[a:b] * WEIGHT_SCALE
                target[a:b] = _requantise(total)
        self._features = f2

    def logits(self, stage: int, known: NDArray[np.uint8], neighbours: NDArray[np.int32]) -> NDArray[np.int32]:
        """Logits [n] of octant `stage`, given the octants before it: `known` [n + 1] occupancy bytes."""
        n, w = len(neighbours) - 1, self._w
        out = np.zeros(n, np.int32)
        for a, b in self._blocks(n):
            h = self._features[a:b] @ w["latent_in"][stage] + w["bias_in"][stage]
            if stage:
                h += _known_bits(known, neighbours, a, b, stage, h[:1, :1]) @ w[f"known_in.{stage}"]
            h = _requantise(_requantise(h) @ w["middle"][stage] + w["bias_middle"][stage])
            total = (h @ w["out"][stage] + w["bias_out"][stage]).astype(np.int32)
            out[a:b] = np.clip((total + (1 << _LOGIT_SHIFT >> 1)) >> _LOGIT_SHIFT, -_LOGIT_LIMIT, _LOGIT_LIMIT)
        return out

    def finish(self, occupancy: NDArray[np.uint8]) -> None:
        """Take in the level's occupancy [n + 1] and make the latents of the nodes."""
        w, n = self._w, len(occupancy) - 1
        latent = np.zeros((n, self.channels), self._dtype)
        for a, b in self._blocks(n):
            bits = np.unpackbits(occupancy[a:b, None], axis=1, bitorder="little").astype(self._dtype)
            total = bits @ w["own"] + w["own_bias"] + self._features[a:b] * WEIGHT_SCALE
            latent[a:b] = _requantise(total)
        self._latent = latent

    def _blocks(self, n: int) -> list[tuple[int, int]]:
        return [(a, min(n, a + self._block)) for a in range(0, n, self._block)]


def check_bounds(tensors: dict[str, NDArray[Any]]) -> None:
    """Raise unless every sum that the weights can make stays below 2^24 in magnitude."""

    def column_sum(name: str, top: int) -> NDArray[np.int64]:
        return np.abs(tensors[name].astype(np.int64)).sum(-2) * top

    def bias(name: str) -> NDArray[np.int64]:
        return np.abs(tensors[name].astype(np.int64))

    act, res = ACTIVATION_MAX, ACTIVATION_MAX * WEIGHT_SCALE
    known = np.stack([column_sum(f"known_in.{s}", 1) for s in range(8)])
    out = (np.abs(tensors["out"].astype(np.int64)).sum(-1)) * act + bias("bias_out")
    sums = {
        "up": column_sum("up", act).reshape(8, -1) + bias("up_bias"),
        "conv1": column_sum("conv1", act) + column_sum("exist1", 1) + bias("density"),
        "conv2": column_sum("conv2", act) + column_sum("exist2", 1) + bias("bias2") + res,
        "own": column_sum("own", 1) + bias("own_bias") + res,
        "stage": column_sum("latent_in", act) + bias("bias_in") + known,
        "middle": column_sum("middle", act) + bias("bias_middle"),
        "out": out,
    }
    for name, value in sums.items():
        if value.max() + WEIGHT_SCALE >= EXACT_LIMIT:
            raise BitstreamError(
                f"octree network layer {name} can reach {value.max()}, exact sums end at {EXACT_LIMIT}"
            )


def _requantise(total):
    """Sum in 1/8192 to an activation in 1/32, rounded and clipped to [0, 255]."""
    if total.dtype == np.float32:
        return _requantise_float(total)
    return np.clip((total + WEIGHT_SCALE // 2) >> 8, 0, ACTIVATION_MAX)


@njit(cache=True, nogil=True)
def _requantise_float(total):
    out = np.zeros_like(total)
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            x = np.floor((total[i, j] + np.float32(128)) * np.float32(1 / 256))
            out[i, j] = min(max(x, np.float32(0)), np.float32(255))
    return out


@njit(cache=True, nogil=True)
def _gather(source, neighbours, a, b):
    """Features of the 27 neighbours side by side [b - a, 27 C], and which of them exist [b - a, 27]."""
    n, c = source.shape[0] - 1, source.shape[1]
    out = np.zeros((b - a, 27 * c), source.dtype)
    exist = np.zeros((b - a, 27), source.dtype)
    for i in range(a, b):
        for k in range(27):
            j = neighbours[i, k]
            if j != n:
                exist[i - a, k] = 1
                for m in range(c):
                    out[i - a, k * c + m] = source[j, m]
    return out, exist


@njit(cache=True, nogil=True)
def _known_bits(known, neighbours, a, b, stage, like):
    """Bits of the octants before `stage` in the 27 nodes around [b - a, 27 stage], octant by octant."""
    out = np.zeros((b - a, 27 * stage), like.dtype)
    for i in range(a, b):
        for k in range(27):
            byte = known[neighbours[i, k]]
            for s in range(stage):
                out[i - a, 27 * s + k] = byte >> s & 1
    return out
