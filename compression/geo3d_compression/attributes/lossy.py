"""Lossy colours: RAHT along the octree, prediction from decoded nodes, adaptive coding of what is left, a post filter.

colours -> Y Cb Cr -> means of all nodes
for each level, coarse to fine, node by node:
    children - predicted children -> butterflies -> / step, round -> coder
    decoded: means of the children, which predict those of later nodes and of the next level
voxels' colours -> smoothed by how far they are from those around, in steps

The stream: the root's mean, three little-endian int16 in sixteenths; then, range coded, for each level each channel's
share of the prediction and its nodes' coefficients; after the last level whether each channel is smoothed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from geo3d_compression.attributes.coefficients import BITS_A_COEFFICIENT, CoefficientModel
from geo3d_compression.attributes.raht import STEP_UNIT, UNIT, Nodes, levels_of
from geo3d_compression.attributes.smooth import smoothed
from geo3d_compression.attributes.trust import USUAL_TRUST, best_trust
from geo3d_compression.entropy.coder import check_decoder, code_bit, code_bits, finish, new_decoder, new_encoder
from geo3d_compression.octree.levels import child_level
from numpy.typing import NDArray

from geo3d.errors import BitstreamError

# Steps of chroma, times that of luma.
_CHROMA = 1.0
_ROOT_UNIT = 16
# Probability of another share of the prediction than the usual one, in 1/65536.
_RARE = 4096

# BT.709, full range.
_KR, _KB = 0.2126, 0.0722


def step_of_quality(quality: float) -> int:
    """Quantiser step in sixteenths for a quality of 0 ... 100: 16 / 16 at 100, doubling every 12.5 below."""
    return max(1, round(STEP_UNIT * 2 ** ((100 - quality) / 12.5)))


def rgb_to_ycc(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """[N, 3] RGB to Y, Cb, Cr (BT.709, full range, chroma around 0)."""
    r, g, b = (rgb[:, k].astype(np.float64) for k in range(3))
    y = _KR * r + (1 - _KR - _KB) * g + _KB * b
    return np.stack([y, (b - y) / (2 * (1 - _KB)), (r - y) / (2 * (1 - _KR))], axis=1)


def ycc_to_rgb(ycc: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The inverse, rounded and clipped."""
    y, cb, cr = (ycc[:, k] for k in range(3))
    r, b = y + 2 * (1 - _KR) * cr, y + 2 * (1 - _KB) * cb
    g = (y - _KR * r - _KB * b) / (1 - _KR - _KB)
    return np.rint(np.stack([r, g, b], axis=1)).clip(0, 255).astype(np.uint8)


def encode_colors(
    codes: NDArray[np.int64], depth: int, colors: NDArray[np.float64], step: int, cuts: Sequence[int]
) -> list[bytes]:
    """Code colours [V, 3] (Y, Cb, Cr) of the voxels; group k ends with the nodes of level cuts[k]."""
    levels = list(levels_of(codes, depth))
    truth = _means(levels, colors)
    root = np.rint(truth[0][0] * _ROOT_UNIT / UNIT).astype(np.int64)
    coder = _Coder(root, step, depth, len(codes))
    streams, first = [], 0
    for last in cuts:
        budget = sum(len(nodes.weights) for nodes in levels[first:last])
        stream = new_encoder(3 * BITS_A_COEFFICIENT * budget + 16 * (last - first) + 1)
        for k in range(first, last):
            coder.level(levels[k], k, *stream, truth[k + 1])
        if last == depth and levels:
            coder.smooth(levels[-1], *stream, truth[-1])
        streams.append(finish(*stream))
        first = last
    return [root.astype("<i2").tobytes() + streams[0], *streams[1:]]


def decode_colors(
    codes: NDArray[np.int64], depth: int, streams: Sequence[bytes], step: int, cuts: Sequence[int], target: int
) -> NDArray[np.float64]:
    """Mean colours [M, 3] of the nodes at level `target`, from the first groups; `codes` are all voxels."""
    if len(streams[0]) < 6:
        raise BitstreamError("a colour chunk is shorter than its first colour")
    coder = _Coder(np.frombuffer(streams[0][:6], "<i2").astype(np.int64), step, depth, len(codes))
    levels = levels_of(codes, depth)
    nodes = None
    first = 0
    for data, last in zip([streams[0][6:], *streams[1:]], cuts, strict=True):
        stream = new_decoder(data)
        for k in range(first, min(last, target)):
            nodes = next(levels)
            coder.level(nodes, k, *stream)
        if last == target == depth and nodes is not None:
            coder.smooth(nodes, *stream)
        if last <= target:
            check_decoder(*stream, "colour stream")
        first = last
    return coder.means[:-1] / UNIT


class _Coder:
    """Colours of the nodes of one level after the other, in either direction."""

    def __init__(self, root: NDArray[np.int64], step: int, depth: int, voxels: int) -> None:
        self.means = np.stack([root * (UNIT // _ROOT_UNIT), np.zeros(3, np.int64)])  # [n + 1, 3], the last is no node
        self._above = np.zeros((2, 3), np.int64)
        self._steps = np.array([step, round(_CHROMA * step), round(_CHROMA * step)])
        self._depth = depth
        self._model = CoefficientModel(voxels)

    def level(
        self, nodes: Nodes, index: int, state: NDArray[np.int64], buffer: NDArray[np.uint8],
        truth: NDArray[np.int64] | None = None,
    ) -> None:  # fmt: skip
        """Go from the nodes of level `index` to their children, whose means are `truth` [M, 3] when encoding."""
        trust = np.zeros(3, np.int64) if truth is None else best_trust(nodes, self.means, truth, self._steps)
        for c in range(3):
            other = code_bit(state, buffer, _RARE, int(trust[c] != USUAL_TRUST), truth is not None)
            trust[c] = code_bits(state, buffer, int(trust[c]), 3, truth is not None) if other else USUAL_TRUST
        done = self._model.code(
            state, buffer, nodes, self.means, self._above, truth, self._steps, trust, self._depth - index
        )
        if done is None:
            raise BitstreamError("a colour stream is damaged: a coefficient is out of range")
        self.means, self._above = done

    def smooth(
        self, nodes: Nodes, state: NDArray[np.int64], buffer: NDArray[np.uint8], truth: NDArray[np.int64] | None = None
    ) -> None:
        """Correct the voxels' colours, the children of `nodes`, in the channels where the encoder finds it better."""
        voxels = child_level(nodes.level, nodes.occupancy)
        better = smoothed(self.means, self._above, voxels.neighbours, int(self._steps[0]))
        for c in range(3):
            use = 0
            if truth is not None:
                before, after = (((m[:-1, c] - truth[:, c]) ** 2).sum() for m in (self.means, better))
                use = int(after < before)
            if code_bits(state, buffer, use, 1, truth is not None):
                self.means[:, c] = better[:, c]


def _means(levels: list[Nodes], colors: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Mean colours of the nodes of every level, from the root to the voxels, in 1 / UNIT."""
    sums = colors * UNIT
    result = [np.rint(sums).astype(np.int64)]
    for nodes in reversed(levels):
        starts = nodes.first[:-1]
        sums = np.add.reduceat(sums, starts, axis=0)
        weights = np.add.reduceat(nodes.weights, starts)
        result.append(np.rint(sums / weights[:, None]).astype(np.int64))
    return result[::-1]


def level_means(values: NDArray[np.float64], counts: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Mean of the points' values [N, 3] in each voxel, points of a voxel next to each other."""
    if counts is None:
        return values
    starts = np.cumsum(counts) - counts
    return np.add.reduceat(values, starts, axis=0) / counts[:, None]


def split_levels(depth: int, groups: int) -> list[int]:
    """Where the groups end: the coarse one two levels above the finest, as for lossless attributes."""
    return [depth - 2, depth] if groups == 2 else [depth]
