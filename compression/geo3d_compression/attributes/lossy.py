"""Lossy colours: RAHT along the octree, prediction from the level above, adaptive coding of what is left.

colours -> Y Cb Cr -> means of all nodes
for each level, coarse to fine:   children - predicted children -> butterflies -> / step, round -> coder
                                  decoded: means of the children, which predict the next level
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from geo3d_compression.attributes.coefficients import BITS_A_COEFFICIENT, CoefficientModel
from geo3d_compression.attributes.raht import (
    Level,
    block,
    build_levels,
    earlier_neighbours,
    forward,
    inverse,
    predict,
    unblock,
)
from geo3d_compression.entropy.coder import check_decoder, code_bits, finish, new_decoder, new_encoder
from numpy.typing import NDArray

from geo3d.errors import BitstreamError

# Steps in the header are in sixteenths.
STEP_UNIT = 16
# Chroma is seen less sharply: its step is larger.
_CHROMA = 1.2
_ROUNDING = 0.36
_ROOT_UNIT = 16
# Shares of the prediction that a level can use: 0 ... 7 sevenths.
_TRUST = 7

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
    levels = build_levels(codes, depth)
    truth = _means(levels, colors)
    root = np.rint(truth[0][0] * _ROOT_UNIT).astype(np.int64)
    means = (root / _ROOT_UNIT)[None]
    model = CoefficientModel(3, len(codes))
    above = np.zeros((1, 3), np.int64)
    streams, first = [], 0
    for last in cuts:
        budget = sum(len(level.child_codes) for level in levels[first:last])
        state, buffer = new_encoder(3 * BITS_A_COEFFICIENT * budget + 16 * (last - first) + 1)
        for k in range(first, last):
            level = levels[k]
            means, above = _level(level, means, above, truth[k + 1], step, depth - k, model, state, buffer)
        streams.append(finish(state, buffer))
        first = last
    return [root.astype("<i2").tobytes() + streams[0], *streams[1:]]


def decode_colors(
    codes: NDArray[np.int64], depth: int, streams: Sequence[bytes], step: int, cuts: Sequence[int], target: int
) -> NDArray[np.float64]:
    """Mean colours [M, 3] of the nodes at level `target`, from the first groups; `codes` are all voxels."""
    if len(streams[0]) < 6:
        raise BitstreamError("a colour chunk is shorter than its first colour")
    root = np.frombuffer(streams[0][:6], "<i2").astype(np.int64)
    means = (root / _ROOT_UNIT)[None]
    levels = build_levels(codes, depth)
    model = CoefficientModel(3, len(codes))
    above = np.zeros((1, 3), np.int64)
    first = 0
    for data, last in zip([streams[0][6:], *streams[1:]], cuts, strict=True):
        state, buffer = new_decoder(data)
        for k in range(first, min(last, target)):
            means, above = _level(levels[k], means, above, None, step, depth - k, model, state, buffer)
        if last <= target:
            check_decoder(state, buffer, "colour stream")
        first = last
    return means


def _level(
    level: Level, means: NDArray[np.float64], above: NDArray[np.int64], truth: NDArray[np.float64] | None, step: int,
    height: int, model: CoefficientModel, state: NDArray[np.int64], buffer: NDArray[np.uint8],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """One level in either direction: the children's decoded means, and for each the sum of |q| in its node."""
    if not len(level.split):
        return means[level.parent], above[level.parent]
    steps = step / STEP_UNIT * np.array([1.0, _CHROMA, _CHROMA])
    predicted, w = block(level, predict(level, means))
    low, valid = forward(predicted, w)
    exact = None if truth is None else forward(block(level, truth)[0], w)[0]
    trust = _code_trust(low, exact, valid, steps, state, buffer)
    # Of the prediction as a context, its size in quarter steps counts even where it is not trusted as a value.
    guess = np.rint(4 * low / steps).astype(np.int64)
    low = low * trust
    q = np.zeros(low.shape, np.int64)
    if exact is not None:
        scaled = (exact - low) / steps
        q = (np.sign(scaled) * np.floor(np.abs(scaled) + _ROUNDING)).astype(np.int64) * valid[:, :, None]
    near = earlier_neighbours(level)
    if model.code(state, buffer, q, valid, near, above[level.split], guess, height, encode=truth is not None):
        raise BitstreamError("a colour stream is damaged: a coefficient is out of range")
    b = low + q * steps
    b[:, 0] = means[level.split] * np.sqrt(w.sum(axis=1))[:, None]
    children = unblock(level, inverse(b, w), w, means)
    energy = np.zeros((len(level.codes), 3), np.int64)
    energy[level.split] = np.abs(q).sum(axis=1)
    return children, energy[level.parent]


def _code_trust(
    low: NDArray[np.float64], exact: NDArray[np.float64] | None, valid: NDArray[np.bool_], steps: NDArray[np.float64],
    state: NDArray[np.int64], buffer: NDArray[np.uint8],
) -> NDArray[np.float64]:  # fmt: skip
    """How much of the predicted high values is subtracted, a channel, as the encoder found cheapest; coded.

    Not least squares: colours that are constant in patches have few high values, and a smooth prediction makes many.
    """
    trust = np.zeros(3)
    for c in range(3):
        best = 0
        if exact is not None:
            x, y = low[:, :, c][valid], exact[:, :, c][valid]
            costs = [float(np.log2(1 + np.abs(y - x * k / _TRUST) / steps[c]).sum()) for k in range(_TRUST + 1)]
            best = int(np.argmin(costs))
        trust[c] = code_bits(state, buffer, best, 3, exact is not None) / _TRUST
    return trust


def _means(levels: list[Level], colors: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Mean colours of the nodes of every level, from the root to the voxels."""
    result = [colors]
    for level in reversed(levels):
        sums = np.stack(
            [np.bincount(level.parent, result[-1][:, c] * level.weights, len(level.codes)) for c in range(3)], axis=1
        )
        total = np.bincount(level.parent, level.weights, len(level.codes))
        result.append(sums / total[:, None])
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
