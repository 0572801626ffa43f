"""A group of colour frames as one stream: the first frame stands alone, each later one is predicted.

    group = for each frame: number of references, the references, length, JPEG stream

One coefficient model learns through the whole group; groups know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d_compression.container.fields import Cursor, put_varint
from geo3d_compression.jpeg.codec import decode_file, encode_file
from geo3d_compression.jpeg.file import JpegFile
from geo3d_compression.jpeg.model import Prediction
from geo3d_compression.jpeg.priors import load_priors
from geo3d_compression.rgbd.motion import Calibration
from geo3d_compression.rgbd.predict import CodedFrame, Reference, coded_frame, layout_of, predict
from geo3d_compression.rgbd.references import Packed, pack_references, read_references, unpack_reference
from geo3d_compression.rgbd.search import SeenFrame, find_references, luma_pyramid
from geo3d_compression.rgbd.views import kept_frames
from geo3d_compression.rgbd.warp import depth_in_color
from geo3d_compression.volume.profiles import Profile

# References of a frame.
_WANTED = {"fast": 1, "best": 2}


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
        out = bytearray(pack_references(references))
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
        references = find_references(frame.file.planes, here, history, calibration.color, _WANTED[profile])
        prediction = None
        if references:
            prediction = predict(frame.file.planes, z, calibration.color, references, [h.coded for h in history])
        history = [*history, here][-kept_frames(coded.layout) :]
        yield references, prediction


@dataclass(frozen=True, eq=False)
class DecodedFrame:
    """One frame of a group: its file, whole and taken apart, and its stream's length.

    prediction   what was known of it before; None for the first
    marks        int64 [blocks, 2] (see `jpeg.model.costs_of`), if they were asked for
    """

    data: bytes
    file: JpegFile
    length: int
    prediction: Prediction | None
    marks: NDArray[np.int64]


def decode_group(
    data: bytes, depths: Sequence[Callable[[], NDArray[np.uint16] | None]], calibration: Calibration
) -> list[bytes]:
    """The files of the group; `depths`: for each frame a function that gives its depth picture."""
    return [frame.data for frame in decode_frames(data, depths, calibration)]


def decode_frames(
    data: bytes,
    depths: Sequence[Callable[[], NDArray[np.uint16] | None]],
    calibration: Calibration,
    marked: bool = False,
) -> Iterator[DecodedFrame]:
    """The frames of a group, one by one.  Raises `BitstreamError` where the stream is not one of `encode_group`."""
    state = load_priors()
    history: list[CodedFrame] = []
    cursor = Cursor(data, "group of colour frames")
    for depth in depths:
        left = cursor.left
        references = read_references(cursor, len(history))
        stream = cursor.take(cursor.varint())
        frame = _FrameDecoder(references, tuple(history), calibration, depth)
        marks: list[NDArray[np.int64]] = []

        def mark(blocks: int, marks: list[NDArray[np.int64]] = marks) -> NDArray[np.int64]:
            marks.append(np.zeros((blocks if marked else 0, 2), np.int64))
            return marks[0]

        file_bytes, file = decode_file(stream, state, frame.predict, mark=mark)
        yield DecodedFrame(file_bytes, file, left - cursor.left, frame.prediction, marks[0])
        coded = coded_frame(file, frame.z)
        history = [*history, coded][-kept_frames(coded.layout) :]
    cursor.finish()


def frame_lengths(data: bytes, count: int) -> list[int]:
    """Bytes of each frame of a group."""
    cursor = Cursor(data, "group of colour frames")
    result = []
    for known in range(count):
        left = cursor.left
        read_references(cursor, known)
        cursor.take(cursor.varint())
        result.append(left - cursor.left)
    cursor.finish()
    return result


@dataclass
class _FrameDecoder:
    """Gives the prediction of one frame once its size is known, and keeps the depth that it made for it."""

    references: list[Packed]
    history: tuple[CodedFrame, ...]
    calibration: Calibration
    depth: Callable[[], NDArray[np.uint16] | None]
    z: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    prediction: Prediction | None = None

    def predict(self, file: JpegFile) -> Prediction | None:
        self.z = _z(self.depth(), self.calibration, file)
        if not self.references:
            return None
        if any(self.history[-values["back"]].layout != layout_of(file) for values, _ in self.references):
            raise BitstreamError("a colour frame refers to a frame of another size")
        height, width = file.markers.height, file.markers.width
        references = [unpack_reference(r, height, width) for r in self.references]
        if any(r.back > len(self.history) for r in references):
            raise BitstreamError("a colour frame refers to a frame that is not kept any more")
        self.prediction = predict(file.planes, self.z, self.calibration.color, references, self.history)
        return self.prediction


def _z(depth: NDArray[np.uint16] | None, calibration: Calibration, file: JpegFile) -> NDArray[np.float64]:
    return depth_in_color(depth, calibration, file.markers.height, file.markers.width)
