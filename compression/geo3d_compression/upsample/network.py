# mypy: allow-untyped-defs, no-check-untyped-defs
"""The up-sampling network in integers: `nn.network` as the codec runs it, without torch.

Weights and activations are small integers held in float32, with every sum below 2^24 (checked on loading): the logits
are the same whatever the order of summation, the number of threads or the machine.  No bit of the stream depends on
them, but the decoded points do, and colours are coded along these.  With `dtype=numpy.int64` the same code runs on
integers proper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.octree.integers import (
    ACTIVATION_MAX,
    BLOCK_NODES,
    EXACT_LIMIT,
    LOGIT_LIMIT,
    LOGIT_SHIFT,
    WEIGHT_SCALE,
    in_blocks,
    to_activation,
)
from geo3d_compression.upsample.structure import Structure

# Voxels judged at a time: 64 hidden units each are 16 MB.
_BLOCK_VOXELS = 1 << 16


class IntegerUpsampler:
    """`features` of the cells once, then `logits` of the voxels of any of them."""

    def __init__(self, tensors: dict[str, NDArray[Any]], threads: int = 1, dtype: Any = np.float32) -> None:
        check_bounds(tensors)
        self._dtype = dtype
        self._threads = threads
        self._w = {name: np.ascontiguousarray(tensor.astype(dtype)) for name, tensor in tensors.items()}
        C = self._w["exist"].shape[1]
        for name in ("parent_conv1", "parent_conv2", "conv1", "conv2", "conv3"):
            self._w[name] = self._w[name].reshape(27, C, C)
        self._w["down"] = self._w["down"].reshape(8, C, C)

    def features(self, levels: Structure, scale: int, density: int) -> NDArray[Any]:
        """[n, C] of the cells, for the classes of scale and density."""
        w = self._w
        bias = w["parent_bias"] + w["parent_scale"][scale] + w["parent_density"][density]
        p, n, C = levels.parents.size, levels.cells.size, w["exist"].shape[1]
        near = levels.parents.neighbours
        g, h, f = (np.zeros((k + 1, C), self._dtype) for k in (p, p, n))
        nothing = np.zeros((0, C), self._dtype)
        self._run(p, _exist, near, levels.occupancy, w["exist_parent"], w["own"], bias, g)
        self._run(p, _convolve, g, near, w["parent_conv1"], w["parent_bias1"], nothing, h)
        self._run(p, _convolve, h, near, w["parent_conv2"], w["parent_bias2"], h, g)
        bias = w["scale"][scale] + w["density"][density]
        near = levels.cells.neighbours
        self._run(n, _exist, near, levels.occupancy[:0], w["exist"], w["own"], bias, f)
        down = np.zeros((n, C), self._dtype)
        self._run(n, _lower, g, levels.cells.parent, levels.cells.octant, w["down"], down)
        a, b = np.zeros_like(f), f
        self._run(n, _convolve_onto, f, near, w["conv1"], w["bias1"], down, a)
        b = np.zeros_like(f)
        self._run(n, _convolve, a, near, w["conv2"], w["bias2"], a, b)
        c = np.zeros_like(f)
        self._run(n, _convolve, b, near, w["conv3"], w["bias3"], b, c)
        return c[:-1]

    def logits(
        self, features: NDArray[Any], owner: NDArray[np.int32], phases: NDArray[np.uint8], scale: int
    ) -> NDArray[np.int16]:
        """[m] of the voxels at `phases` [m, 3] of the cells `owner` [m], in steps of 1/256."""
        w = self._w
        start = features @ w["cell_in"] + w["scale_in"][scale]
        out = np.zeros(len(owner), np.int16)
        for first in range(0, len(owner), _BLOCK_VOXELS):
            part = slice(first, first + _BLOCK_VOXELS)
            hidden = np.zeros((len(owner[part]), start.shape[1]), self._dtype)
            _place(start, owner[part], phases[part], w["place"], hidden)
            top = hidden @ w["middle"] + w["bias_middle"]
            _activate(top)
            total = (top @ w["out"][:, 0] + w["bias_out"][0]).astype(np.int64)
            total = (total + (1 << LOGIT_SHIFT >> 1)) >> LOGIT_SHIFT
            out[part] = total.clip(-LOGIT_LIMIT, LOGIT_LIMIT)
        return out

    def _run(self, n: int, kernel: Callable[..., None], *arguments: Any) -> None:
        in_blocks(kernel, n, BLOCK_NODES, self._threads, *arguments)


def check_bounds(tensors: dict[str, NDArray[Any]]) -> None:
    """Raise unless every sum that the weights can make stays below 2^24 in magnitude."""

    def total(name: str, top: int = ACTIVATION_MAX) -> NDArray[np.int64]:
        return np.abs(tensors[name].astype(np.int64)).sum(-2) * top

    def most(name: str) -> NDArray[np.int64]:
        value = np.abs(tensors[name].astype(np.int64))
        return value.max(axis=0) if value.ndim > 1 else value

    C = tensors["exist"].shape[1]
    skip = ACTIVATION_MAX * WEIGHT_SCALE
    down = np.abs(tensors["down"].astype(np.int64)).reshape(8, C, C).sum(1).max(0) * ACTIVATION_MAX
    place = np.abs(tensors["place"].astype(np.int64)).max(1).sum(0)
    sums = {
        "exist_parent": total("exist_parent", 1) + total("own", 1) + most("parent_bias") + most("parent_scale")
        + most("parent_density"),
        "parent_conv1": total("parent_conv1") + most("parent_bias1"),
        "parent_conv2": total("parent_conv2") + most("parent_bias2") + skip,
        "exist": total("exist", 1) + most("scale") + most("density"),
        "conv1": total("conv1") + most("bias1") + down,
        "conv2": total("conv2") + most("bias2") + skip,
        "conv3": total("conv3") + most("bias3") + skip,
        "cell_in": total("cell_in") + most("scale_in") + place,
        "middle": total("middle") + most("bias_middle"),
        "out": total("out") + most("bias_out"),
    }  # fmt: skip
    for name, value in sums.items():
        if value.max() + WEIGHT_SCALE >= EXACT_LIMIT:
            raise BitstreamError(
                f"up-sampling network layer {name} can reach {value.max()}, exact sums end at {EXACT_LIMIT}"
            )


@njit(cache=True, nogil=True)
def _exist(first, last, neighbours, occupancy, exist, own, bias, out):
    """Which neighbours there are, and (where `occupancy` is given) which children the node has."""
    n, c = out.shape[0] - 1, out.shape[1]
    total = np.zeros(c, out.dtype)
    for i in range(first, last):
        total[:] = bias
        for k in range(27):
            if neighbours[i, k] != n:
                for j in range(c):
                    total[j] += exist[k, j]
        if occupancy.shape[0]:
            for s in range(8):
                if occupancy[i] >> s & 1:
                    for j in range(c):
                        total[j] += own[s, j]
        for j in range(c):
            out[i, j] = to_activation(total[j])


@njit(cache=True, nogil=True)
def _convolve(first, last, source, neighbours, weight, bias, skip, out):
    """Sparse 3 x 3 x 3 convolution, plus the activations `skip` when there are any."""
    n, c = source.shape[0] - 1, source.shape[1]
    total = np.zeros(c, out.dtype)
    for i in range(first, last):
        total[:] = bias
        for k in range(27):
            q = neighbours[i, k]
            if q == n:
                continue
            for m in range(c):
                x = source[q, m]
                if x != 0:
                    for j in range(c):
                        total[j] += x * weight[k, m, j]
        if skip.shape[0]:
            for j in range(c):
                total[j] += skip[i, j] * WEIGHT_SCALE
        for j in range(c):
            out[i, j] = to_activation(total[j])


@njit(cache=True, nogil=True)
def _convolve_onto(first, last, source, neighbours, weight, bias, extra, out):
    """Sparse 3 x 3 x 3 convolution, plus the sums `extra`."""
    n, c = source.shape[0] - 1, source.shape[1]
    total = np.zeros(c, out.dtype)
    for i in range(first, last):
        for j in range(c):
            total[j] = bias[j] + extra[i, j]
        for k in range(27):
            q = neighbours[i, k]
            if q == n:
                continue
            for m in range(c):
                x = source[q, m]
                if x != 0:
                    for j in range(c):
                        total[j] += x * weight[k, m, j]
        for j in range(c):
            out[i, j] = to_activation(total[j])


@njit(cache=True, nogil=True)
def _lower(first, last, source, parent, octant, weight, out):
    """Sums that a cell gets from its parent's features, by its octant."""
    c = out.shape[1]
    for i in range(first, last):
        o = octant[i]
        for m in range(c):
            x = source[parent[i], m]
            if x != 0:
                for j in range(c):
                    out[i, j] += x * weight[o, m, j]


@njit(cache=True, nogil=True)
def _place(start, owner, phases, place, out):
    """First hidden layer of the voxels: their cell's sums and a table an axis."""
    for i in range(owner.shape[0]):
        a, b, c = phases[i, 0], phases[i, 1], phases[i, 2]
        for j in range(out.shape[1]):
            total = start[owner[i], j] + place[0, a, j] + place[1, b, j] + place[2, c, j]
            out[i, j] = to_activation(total)


@njit(cache=True, nogil=True)
def _activate(values):
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            values[i, j] = to_activation(values[i, j])
