"""A group of colour frames as one stream: the first frame stands alone, each later one is predicted.

    group = for each frame: number of references, the references, length, JPEG stream
    reference = back, share, gain, bias, six numbers of the motion, length, coded grid

One coefficient model learns through the whole group; groups know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.container.fields import Blob, Cursor, Field, SInt, UInt, pack, put_varint, unpack
from geo3d_compression.entropy.byte_model import decode_bytes, encode_bytes
from geo3d_compression.jpeg.codec import decode_file, encode_file
from geo3d_compression.jpeg.file import JpegFile
from geo3d_compression.jpeg.model import Prediction
from geo3d_compression.jpeg.priors import load_priors
from geo3d_compression.rgbd.grid import STEP, grid_shape
from geo3d_compression.rgbd.motion import Calibration, Motion
from geo3d_compression.rgbd.predict import CELL, CodedFrame, Reference, coded_frame, layout_of, predict
from geo3d_compression.rgbd.search import SeenFrame, find_references, luma_pyramid
from geo3d_compression.rgbd.warp import depth_in_color
from geo3d_compression.volume.profiles import Profile

MAX_REFERENCES = 4
# Frames that are kept to predict from.
_HISTORY = {"fast": 1, "best": 2}
_MOTION_LIMIT = (1 << 31) - 1
_REFERENCE: tuple[Field, ...] = (
    UInt("back", MAX_REFERENCES, low=1),
    UInt("share", 16, low=1),
    UInt("gain", 4096, low=256),
    SInt("bias", 4096),
    *(SInt(f"motion {k}", _MOTION_LIMIT) for k in range(6)),
    Blob("grid", 1 << 20),
)


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """A colour frame to code: its file, taken apart, the depth in front of it, and its camera's pose if known."""

    data: bytes
    file: JpegFile
    depth: NDArray[np.uint16] | None
    T_world_color: NDArray[np.float64] | None


def encode_group(frames: Sequence[SourceFrame], calibration: Calibration, profile: Profile) -> bytes:
    """The stream of the group."""
    return b"".join(encode_frames(frames, calibration, profile))


def encode_frames(
    frames: Sequence[SourceFrame], calibration: Calibration, profile: Profile, search_ahead: bool = False
) -> Iterator[bytes]:
    """The stream of a group, frame by frame.  `search_ahead`: look for references in a thread beside the coder."""
    state = load_priors()
    for frame, (references, prediction) in zip(
        frames, _searched(frames, calibration, profile, search_ahead), strict=True
    ):
        stream = encode_file(frame.file, frame.data, profile, state, prediction)
        out = bytearray()
        put_varint(out, len(references))
        for r in references:
            out += _pack(r)
        put_varint(out, len(stream))
        yield bytes(out) + stream


# Nothing is lost, so that the search sees what the decoder will have, without waiting for the coder.
_Found = tuple[list[Reference], Prediction | None]


def _searched(
    frames: Sequence[SourceFrame], calibration: Calibration, profile: Profile, ahead: bool
) -> Iterator[_Found]:
    """References and prediction of each frame."""
    found = _search(frames, calibration, profile)
    if not ahead:
        yield from found
        return
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, found, None)
        while (result := following.result()) is not None:
            following = pool.submit(next, found, None)
            yield result


def _search(frames: Sequence[SourceFrame], calibration: Calibration, profile: Profile) -> Iterator[_Found]:
    history: list[SeenFrame] = []
    for frame in frames:
        z = _z(frame.depth, calibration, frame.file)
        coded = coded_frame(frame.file, z)
        here = SeenFrame(coded, luma_pyramid(coded), frame.T_world_color)
        references = find_references(frame.file, here, history, calibration.color, _HISTORY[profile])
        prediction = None
        if references:
            prediction = predict(frame.file.planes, z, calibration.color, references, [h.coded for h in history])
        history = [*history, here][-MAX_REFERENCES:]
        yield references, prediction


def decode_group(
    data: bytes, depths: Sequence[Callable[[], NDArray[np.uint16] | None]], calibration: Calibration
) -> list[bytes]:
    """The files of the group; `depths`: for each frame a function that gives its depth picture."""
    state = load_priors()
    history: list[CodedFrame] = []
    files: list[bytes] = []
    cursor = Cursor(data, "group of colour frames")
    for depth in depths:
        references = _references(cursor, len(history))
        stream = cursor.take(cursor.varint())
        frame = _FrameDecoder(references, tuple(history), calibration, depth)
        file_bytes, file = decode_file(stream, state, frame.predict)
        files.append(file_bytes)
        history = [*history, coded_frame(file, frame.z)][-MAX_REFERENCES:]
    cursor.finish()
    return files


@dataclass
class _FrameDecoder:
    """Gives the prediction of one frame once its size is known, and keeps the depth that it made for it."""

    references: list[tuple[dict[str, int], bytes]]
    history: tuple[CodedFrame, ...]
    calibration: Calibration
    depth: Callable[[], NDArray[np.uint16] | None]
    z: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    def predict(self, file: JpegFile) -> Prediction | None:
        self.z = _z(self.depth(), self.calibration, file)
        if not self.references:
            return None
        if any(self.history[-values["back"]].layout != layout_of(file) for values, _ in self.references):
            raise BitstreamError("a colour frame refers to a frame of another size")
        references = [_unpack(values, grid, file) for values, grid in self.references]
        return predict(file.planes, self.z, self.calibration.color, references, self.history)


def _z(depth: NDArray[np.uint16] | None, calibration: Calibration, file: JpegFile) -> NDArray[np.float64]:
    return depth_in_color(depth, calibration, file.markers.height, file.markers.width)


def _pack(r: Reference) -> bytes:
    grid = (r.grid // STEP).astype(np.int8).transpose(2, 0, 1).tobytes()
    motion = {f"motion {k}": v for k, v in enumerate((*r.motion.rotation, *r.motion.translation))}
    values = {"back": r.back, "share": r.share, "gain": r.gain, "bias": r.bias, "grid": encode_bytes(grid), **motion}
    return pack(_REFERENCE, values)


def _references(cursor: Cursor, known: int) -> list[tuple[dict[str, int], bytes]]:
    count = cursor.varint()
    if count > MAX_REFERENCES:
        raise BitstreamError(f"a colour frame has {count} references, at most {MAX_REFERENCES} are allowed")
    result = []
    for _ in range(count):
        values = unpack(_REFERENCE, cursor)
        if values["back"] > known:
            raise BitstreamError(f"a colour frame refers {values['back']} frames back, but only {known} are there")
        result.append((values, values["grid"]))
    return result


def _unpack(values: dict[str, int], grid: bytes, file: JpegFile) -> Reference:
    rows, columns = grid_shape(file.markers.height, file.markers.width, CELL)
    raw = np.frombuffer(decode_bytes(grid, 2 * rows * columns), np.int8).reshape(2, rows, columns)
    m = [values[f"motion {k}"] for k in range(6)]
    motion = Motion((m[0], m[1], m[2]), (m[3], m[4], m[5]))
    shifts = np.ascontiguousarray(raw.transpose(1, 2, 0)).astype(np.int16) * STEP
    return Reference(values["back"], motion, values["gain"], values["bias"], values["share"], shifts)
