"""Groups of frames exactly: each plane by the volume codec's mixture, with the moved frame before as the slice behind.

    group = for each frame but the first: length, coded vectors;  for each plane: length, stream

Luma (or green) sees the frame before, moved by the vectors, and the one before that.  The other planes see their own
frame before, and the plane that was coded before them.  Groups know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.container.fields import Cursor, put_varint
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.entropy.coder import POSITION, check_decoder, finish, new_decoder, new_encoder
from geo3d_compression.video.clip import Plane, highest_sample, plane_count, plane_shape
from geo3d_compression.video.motion import BLOCK, REACH, moved, search
from geo3d_compression.volume.kernel import MAX_BYTES, NOTHING_KNOWN, code_slice
from geo3d_compression.volume.model import Model, new_model
from geo3d_compression.volume.neighbours import PAD, causal_ball
from geo3d_compression.volume.profiles import Profile, Settings
from geo3d_compression.volume.values import dense_alphabet

_SMALL = causal_ball(5, 2, 0)
_MIDDLE = causal_ball(8, 5, 2)
_WIDE = causal_ball(13, 9, 4)
SETTINGS: dict[Profile, Settings] = {
    "fast": Settings(0, (_MIDDLE, _SMALL), (0.9995, 0.995), False),
    "best": Settings(1, (_WIDE, _MIDDLE, _SMALL), (0.9998, 0.998, 0.985), True),
}
Real = NDArray[np.float64]


def encode_frames(frames: Sequence[Sequence[Plane]], format: str, profile: Profile) -> bytes:
    """The stream of a group of frames of one format and size."""
    out = bytearray()
    vectors = []
    for before, now in pairwise(frames):
        found = search(now[0].astype(np.float64), before[0].astype(np.float64))
        put_vectors(out, found)
        vectors.append(found)
    coders = [PlaneCoder(frames[0][k].shape, highest_sample(format), profile, None) for k in range(len(frames[0]))]
    _run(coders, len(frames), vectors, frames)
    for c in coders:
        stream = c.finish()
        put_varint(out, len(stream))
        out += stream
    return bytes(out)


def decode_frames(data: bytes, count: int, format: str, height: int, width: int, profile: Profile) -> list[list[Plane]]:
    """The frames of `encode_frames`.  Raises `BitstreamError` on anything else."""
    cursor = Cursor(data, "group of video frames")
    vectors = [read_vectors(cursor, height, width, REACH) for _ in range(count - 1)]
    streams = [cursor.take(cursor.varint()) for _ in range(plane_count(format))]
    cursor.finish()
    coders = [
        PlaneCoder(plane_shape(format, k, height, width), highest_sample(format), profile, s)
        for k, s in enumerate(streams)
    ]
    frames = _run(coders, count, vectors, None)
    for c in coders:
        c.finish()
    return frames


def put_vectors(out: bytearray, vectors: NDArray[np.int8]) -> None:
    """Append motion vectors, coded."""
    coded = encode_bytes((vectors.astype(np.int16) + 128).astype(np.uint8).transpose(2, 0, 1).tobytes())
    put_varint(out, len(coded))
    out += coded


def read_vectors(cursor: Cursor, height: int, width: int, reach: int) -> NDArray[np.int8]:
    """The vectors of a picture, each at most `reach` long either way."""
    shape = (2, -(-height // BLOCK), -(-width // BLOCK))
    raw = np.frombuffer(decode_bytes(cursor.take(cursor.varint()), int(np.prod(shape))), np.uint8)
    found = (raw.reshape(shape).transpose(1, 2, 0).astype(np.int16) - 128).astype(np.int8)
    if np.abs(found.astype(np.int16)).max() > reach:
        raise BitstreamError("a group of video frames has impossible motion vectors")
    return np.ascontiguousarray(found)


class PlaneCoder:
    """Model and range coder of one plane [H, W] of samples up to `highest`; `data`: a stream, None to encode one."""

    def __init__(self, shape: tuple[int, int], highest: int, profile: Profile, data: bytes | None) -> None:
        self.shape = shape
        self._encode = data is None
        self._wide = highest > 255
        self._alphabet = dense_alphabet(0, highest)
        self._model: Model = new_model(*shape, SETTINGS[profile])
        self._state, self._buffer = new_encoder(8) if data is None else new_decoder(data)

    def code(self, index: int, plane: Plane | None, before: Real | None, older: Real | None) -> Plane:
        """Code slice `index`; `before` and `older` are what stands behind it (None: nothing, for index 0)."""
        worst = self.shape[0] * self.shape[1] * MAX_BYTES + 64
        if self._encode and len(self._buffer) - self._state[POSITION] < worst:
            self._buffer = np.concatenate([self._buffer, np.zeros(worst, np.uint8)])
        ranks = np.zeros(self.shape, np.int64) if plane is None else plane.astype(np.int64)
        if before is not None and older is not None:
            values = self._model.planes.values
            values[(index + 2) % 3] = np.pad(before, PAD, mode="edge").reshape(-1)
            values[(index + 1) % 3] = np.pad(older, PAD, mode="edge").reshape(-1)
        code_slice(index, ranks, NOTHING_KNOWN, self._alphabet, self._model, self._state, self._buffer, self._encode)
        return ranks.astype(np.uint16) if self._wide else ranks.astype(np.uint8)

    def finish(self) -> bytes:
        """End the stream, or check that it ended."""
        if self._encode:
            return finish(self._state, self._buffer)
        check_decoder(self._state, self._buffer, "a plane of frames")
        return b""


def _run(
    coders: Sequence[PlaneCoder], count: int, vectors: Sequence[NDArray[np.int8]],
    frames: Sequence[Sequence[Plane]] | None,
) -> list[list[Plane]]:  # fmt: skip
    """What encoder and decoder both do; `frames` to encode."""
    result: list[list[Plane]] = []
    last: list[Real] = []
    previous: Real | None = None
    for t in range(count):
        current: list[Plane] = []
        for k, coder in enumerate(coders):
            plane = None if frames is None else frames[t][k]
            ratio = (-(-coders[0].shape[0] // coder.shape[0]), -(-coders[0].shape[1] // coder.shape[1]))
            before = moved(last[k], vectors[t - 1], ratio) if t else None
            if k == 0:
                older = moved(previous, vectors[t - 1], ratio) if t and previous is not None else before
                current.append(coder.code(t, plane, before, older))
            else:
                # A plane of the same frame stands behind: never slice 0.
                other = resized(current[k - 1], coder.shape)
                current.append(coder.code(t + 1, plane, other if before is None else before, other))
        previous = last[0] if last else None
        last = [p.astype(np.float64) for p in current]
        result.append(current)
    return result


def resized(plane: Plane, shape: tuple[int, int]) -> Real:
    """A plane at the resolution of a coarser one: the mean of the samples that it covers."""
    real = plane.astype(np.float64)
    if real.shape == shape:
        return real
    step = (-(-real.shape[0] // shape[0]), -(-real.shape[1] // shape[1]))
    padded = np.pad(real, ((0, shape[0] * step[0] - real.shape[0]), (0, shape[1] * step[1] - real.shape[1])), "edge")
    total = np.zeros(shape)
    for y in range(step[0]):
        for x in range(step[1]):
            total += padded[y :: step[0], x :: step[1]]
    # Powers of two: exact.
    return total / (step[0] * step[1])
