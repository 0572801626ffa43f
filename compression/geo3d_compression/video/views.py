"""The right views of stereo frames exactly: the mixture, with the left view, moved by disparity, as the slice behind.

stream = for each frame: vectors into the left view; vectors into the right view before (not of the first frame)
         for each plane: length, stream
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.container.fields import Cursor, put_varint
from geo3d_compression.video.clip import Plane
from geo3d_compression.video.disparity import REACH_X, search_disparity
from geo3d_compression.video.exact import PlaneCoder, put_vectors, read_vectors, resized
from geo3d_compression.video.motion import REACH, moved, search
from geo3d_compression.volume.profiles import Profile

Frame = Sequence[Plane]
# Vectors into the left view, and into the right view before (None for the first frame).
_Vectors = tuple[NDArray[np.int8], NDArray[np.int8] | None]


def encode_right(left: Sequence[Frame], right: Sequence[Frame], highest: int, profile: Profile) -> bytes:
    """The stream of the right views; planes of both have the same shapes, samples are at most `highest`."""
    out = bytearray()
    vectors: list[_Vectors] = []
    for t, (there, here) in enumerate(zip(left, right, strict=True)):
        now = here[0].astype(np.float64)
        aside = search_disparity(now, there[0].astype(np.float64))
        put_vectors(out, aside)
        back = search(now, right[t - 1][0].astype(np.float64)) if t else None
        if back is not None:
            put_vectors(out, back)
        vectors.append((aside, back))
    coders = [PlaneCoder(p.shape, highest, profile, None) for p in right[0]]
    _run(coders, left, vectors, right)
    for coder in coders:
        stream = coder.finish()
        put_varint(out, len(stream))
        out += stream
    return bytes(out)


def decode_right(data: bytes, left: Sequence[Frame], highest: int, profile: Profile) -> list[list[Plane]]:
    """The right views of a stream, given the left ones.  Raises `BitstreamError` on anything else."""
    cursor = Cursor(data, "right views of stereo frames")
    height, width = left[0][0].shape
    vectors: list[_Vectors] = []
    for t in range(len(left)):
        aside = read_vectors(cursor, height, width, REACH_X)
        vectors.append((aside, read_vectors(cursor, height, width, REACH) if t else None))
    streams = [cursor.take(cursor.varint()) for _ in left[0]]
    cursor.finish()
    coders = [PlaneCoder(p.shape, highest, profile, s) for p, s in zip(left[0], streams, strict=True)]
    frames = _run(coders, left, vectors, None)
    for coder in coders:
        coder.finish()
    return frames


def _run(
    coders: Sequence[PlaneCoder], left: Sequence[Frame], vectors: Sequence[_Vectors], right: Sequence[Frame] | None
) -> list[list[Plane]]:
    """What encoder and decoder both do; `right` to encode."""
    result: list[list[Plane]] = []
    for t, (aside, back) in enumerate(vectors):
        current: list[Plane] = []
        for k, coder in enumerate(coders):
            ratio = (-(-coders[0].shape[0] // coder.shape[0]), -(-coders[0].shape[1] // coder.shape[1]))
            beside = moved(left[t][k].astype(np.float64), aside, ratio)
            if k:
                other = resized(current[k - 1], coder.shape)
            elif back is not None:
                other = moved(result[-1][k].astype(np.float64), back, ratio)
            else:
                other = beside
            # An index above 1 says that two planes stand behind.
            current.append(coder.code(t + 2, None if right is None else right[t][k], beside, other))
        result.append(current)
    return result
