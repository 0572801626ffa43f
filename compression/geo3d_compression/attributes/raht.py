"""The region-adaptive hierarchical transform on an octree, with children predicted from the level above.

Queiroz and Chou 2016, "Compression of 3D point clouds using a region-adaptive hierarchical transform"; the prediction
from the upper level follows the idea of Lasserre and Flynn 2019 (G-PCC).  At every node the (up to 8) children's means,
times the square root of their points, go through three butterflies (eq. 3 there); one low value and, for n children,
n - 1 high values come out.  It is orthonormal, so one quantiser step serves all levels.

Everything is IEEE double with + - x / sqrt, element by element in one order: every machine computes the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from geo3d_compression.attributes.order import find_code, hash_table, step_code
from numba import njit
from numpy.typing import NDArray

# High values by place: the last butterfly's (x) first, it has the most energy.
PLACES = np.array([4, 2, 6, 1, 3, 5, 7])
_MASK_X, _MASK_Y, _MASK_Z = 0x4924924924924924, 0x2492492492492492, 0x1249249249249249


@dataclass(frozen=True, eq=False)
class Level:
    """The nodes of one octree level that have children, and those children.

    codes    [P] Morton codes of the nodes, rising
    weights  [M] voxels in each child, as float64
    parent   [M] the node of each child
    octant   [M] 0 ... 7
    split    [K] the nodes with more than one child
    """

    codes: NDArray[np.int64]
    child_codes: NDArray[np.int64]
    weights: NDArray[np.float64]
    parent: NDArray[np.int64]
    octant: NDArray[np.int64]
    split: NDArray[np.int64]


def build_levels(codes: NDArray[np.int64], depth: int) -> list[Level]:
    """Levels 0 ... depth - 1 of the voxels with Morton `codes` (rising); every voxel weighs the same."""
    weights = np.ones(len(codes))
    levels = []
    for _ in range(depth):
        up = codes >> 3
        first = np.append(True, up[1:] != up[:-1])
        starts = np.flatnonzero(first)
        parent = np.cumsum(first) - 1
        split = np.flatnonzero(np.diff(np.append(starts, len(codes))) > 1)
        levels.append(Level(up[starts], codes, weights, parent, codes & 7, split))
        codes, weights = up[starts], np.add.reduceat(weights, starts)
    return levels[::-1]


def block(level: Level, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Children's `values` [M, C] of the split nodes as [K, 8, C], and their weights [K, 8] (0 where there is none)."""
    row = np.full(len(level.codes), -1)
    row[level.split] = np.arange(len(level.split))
    mine = row[level.parent]
    keep = mine >= 0
    b = np.zeros((len(level.split), 8, values.shape[1]))
    w = np.zeros((len(level.split), 8))
    b[mine[keep], level.octant[keep]] = values[keep] * np.sqrt(level.weights[keep])[:, None]
    w[mine[keep], level.octant[keep]] = level.weights[keep]
    return b, w


def unblock(
    level: Level, b: NDArray[np.float64], w: NDArray[np.float64], means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Children's means [M, C] from blocks, and for nodes that are not split from the nodes' `means` [P, C]."""
    result = means[level.parent]
    row = np.full(len(level.codes), -1)
    row[level.split] = np.arange(len(level.split))
    mine = row[level.parent]
    keep = mine >= 0
    result[keep] = b[mine[keep], level.octant[keep]] / np.sqrt(w[mine[keep], level.octant[keep]])[:, None]
    return result


def forward(b: NDArray[np.float64], w: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Butterflies on blocks [K, 8, C]: the low value at place 0, high values where `valid` [K, 8] says."""
    b, w = b.copy(), w.copy()
    valid = np.zeros(w.shape, bool)
    for stride in (1, 2, 4):
        for a in range(0, 8, 2 * stride):
            c = a + stride
            ca, cc, both = _rotation(w[:, a], w[:, c])
            low = ca * b[:, a] + cc * b[:, c]
            b[:, c] = ca * b[:, c] - cc * b[:, a]
            b[:, a] = low
            valid[:, c] = both
            w[:, a] += w[:, c]
    return b, valid


def inverse(b: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `forward`; `w` are the children's weights."""
    b = b.copy()
    sums = {1: w.copy()}
    for stride in (2, 4):
        s = sums[stride // 2].copy()
        for a in range(0, 8, stride):
            s[:, a] += s[:, a + stride // 2]
        sums[stride] = s
    for stride in (4, 2, 1):
        for a in range(0, 8, 2 * stride):
            c = a + stride
            ca, cc, _ = _rotation(sums[stride][:, a], sums[stride][:, c])
            first = ca * b[:, a] - cc * b[:, c]
            b[:, c] = cc * b[:, a] + ca * b[:, c]
            b[:, a] = first
    return b


def _rotation(
    wa: NDArray[np.float64], wc: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Cosine and sine of the butterfly; a value without partner goes to the low place."""
    total = np.where(wa + wc > 0, wa + wc, 1.0)
    ca, cc = np.sqrt(wa / total), np.sqrt(wc / total)
    empty = (wa + wc) == 0
    return np.where(empty, 1.0, ca)[:, None], cc[:, None], (wa > 0) & (wc > 0)


def predict(level: Level, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Children's means [M, C] by trilinear interpolation of the nodes' means [P, C] around them."""
    result = np.zeros((len(level.child_codes), means.shape[1]))
    _interpolate(level.codes, hash_table(level.codes), means, level.child_codes, level.parent, result)
    return result


def earlier_neighbours(level: Level) -> NDArray[np.int64]:
    """[K, 3] rows of the split nodes beside each split node towards -x, -y, -z; -1 where there is none."""
    codes = level.codes[level.split]
    result = np.full((len(codes), 3), -1, np.int64)
    _look_back(codes, hash_table(codes), result)
    return result


@njit(cache=True, nogil=True)
def _interpolate(codes, table, means, child_codes, parent, result):  # type: ignore[no-untyped-def]
    channels = means.shape[1]
    for i in range(child_codes.size):
        code, octant = codes[parent[i]], child_codes[i] & 7
        dx = np.int64(1) if octant & 4 else np.int64(-1)
        dy = np.int64(1) if octant & 2 else np.int64(-1)
        dz = np.int64(1) if octant & 1 else np.int64(-1)
        total = 0.0
        for corner in range(8):
            x = step_code(code, _MASK_X, 4, dx if corner & 4 else np.int64(0))
            y = step_code(code, _MASK_Y, 2, dy if corner & 2 else np.int64(0))
            z = step_code(code, _MASK_Z, 1, dz if corner & 1 else np.int64(0))
            if x < 0 or y < 0 or z < 0:
                continue
            j = find_code(codes, table, x | y | z)
            if j < 0:
                continue
            # A child's centre lies a quarter of a cell from its node's: (3/4, 1/4) along each axis.
            w = 27.0
            if corner & 4:
                w = w / 3.0
            if corner & 2:
                w = w / 3.0
            if corner & 1:
                w = w / 3.0
            total = total + w
            for c in range(channels):
                result[i, c] = result[i, c] + w * means[j, c]
        for c in range(channels):
            result[i, c] = result[i, c] / total


@njit(cache=True, nogil=True)
def _look_back(codes, table, result):  # type: ignore[no-untyped-def]
    for i in range(codes.size):
        code = codes[i]
        x = step_code(code, _MASK_X, 4, np.int64(-1))
        y = step_code(code, _MASK_Y, 2, np.int64(-1))
        z = step_code(code, _MASK_Z, 1, np.int64(-1))
        cx, cy, cz = code & _MASK_X, code & _MASK_Y, code & _MASK_Z
        if x >= 0:
            result[i, 0] = find_code(codes, table, x | cy | cz)
        if y >= 0:
            result[i, 1] = find_code(codes, table, cx | y | cz)
        if z >= 0:
            result[i, 2] = find_code(codes, table, cx | cy | z)
