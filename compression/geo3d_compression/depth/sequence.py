"""A group of depth pictures as one stream: the first by itself, each next one with the one before as context."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.depth.kernel import MAX_BYTES, PAD, code_frame, new_model
from geo3d_compression.depth.warp import FixedCamera, splat
from geo3d_compression.entropy.coder import OVERRUN, POSITION, TAIL, check_decoder, finish, new_decoder, new_encoder

Motions = list[NDArray[np.int64] | None]


class Steps:
    """The depths that a sensor gives, rising, without 0: rank r >= 1 is `values[r - 1]`."""

    def __init__(self, values: NDArray[np.int64]) -> None:
        self.values = values
        self._depth = np.concatenate([[0], values]).astype(np.int64)
        # Midpoints between steps decide which one is nearest; for depths that do not occur (warped ones).
        edges = (values[1:] + values[:-1] + 1) >> 1
        self._nearest = np.searchsorted(edges, np.arange(65536), side="right") + 1
        self._nearest[0] = 0

    def ranks(self, depth: NDArray[np.int64]) -> NDArray[np.int64]:
        """Nearest ranks; exact for depths that occur; 0 stays 0."""
        return self._nearest[depth]

    def depth(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The depths of ranks."""
        return self._depth[ranks]


def encode_frames(ranks: NDArray[np.int64], steps: Steps, camera: FixedCamera | None, motions: Motions) -> bytes:
    """Code ranks [N, H, W]; `motions[k]`: from picture k - 1 to k, None where unknown."""
    count, height, width = ranks.shape
    model = new_model(height, width)
    worst = height * width * MAX_BYTES + 64
    state, _ = new_encoder(8)
    buffer = np.zeros(worst, np.uint8)
    for k in range(count):
        if len(buffer) - state[POSITION] < worst:
            buffer = np.concatenate([buffer, np.zeros(len(buffer) + worst, np.uint8)])
        warped, last = _contexts(ranks[k - 1] if k else None, (height, width), steps, camera, motions[k])
        code_frame(ranks[k], len(steps.values), warped, last, model, state, buffer, True)
    return finish(state, buffer)


def decode_frames(
    data: bytes, shape: tuple[int, int, int], steps: Steps, camera: FixedCamera | None, motions: Motions
) -> NDArray[np.int64]:
    """Ranks of a stream by `encode_frames`."""
    count, height, width = shape
    model = new_model(height, width)
    state, buffer = new_decoder(data)
    ranks = np.zeros(shape, np.int64)
    for k in range(count):
        warped, last = _contexts(ranks[k - 1] if k else None, (height, width), steps, camera, motions[k])
        code_frame(ranks[k], len(steps.values), warped, last, model, state, buffer, False)
        if state[OVERRUN] > TAIL:
            break
    check_decoder(state, buffer, "a group of depth pictures")
    return ranks


def _contexts(
    before: NDArray[np.int64] | None,
    size: tuple[int, int],
    steps: Steps,
    camera: FixedCamera | None,
    motion: NDArray[np.int64] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The picture before, warped and as it was, both padded."""
    if before is None:
        nothing = np.zeros((size[0] + 2 * PAD, size[1] + 2 * PAD), np.int64)
        return nothing, nothing
    last = np.pad(before, PAD)
    if camera is None or motion is None:
        return last, last
    return np.pad(steps.ranks(splat(steps.depth(before), camera, motion)), PAD), last
