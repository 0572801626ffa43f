"""What a coded folder's colour frames cost: bytes of each, and of one frame what was predicted and where bits went."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d_compression.container import ChunkType, Container
from geo3d_compression.entropy.byte_model import decode_bytes
from geo3d_compression.image.stored import decode_bytes_any
from geo3d_compression.jpeg.file import JpegFile, Plane
from geo3d_compression.jpeg.model import Prediction, costs_of
from geo3d_compression.rgbd.codec import need_priors
from geo3d_compression.rgbd.depth import decode_depths
from geo3d_compression.rgbd.folder import depth_of, natural
from geo3d_compression.rgbd.group import decode_frames, frame_lengths
from geo3d_compression.rgbd.listing import DEPTH, GROUPED, OWN, PICTURED, camera_of, read_header
from geo3d_compression.rgbd.restore import ALONE
from geo3d_compression.rgbd.samples import SAMPLE_ONE, plane_samples

KIND = "rgbd"


@dataclass(frozen=True, eq=False)
class FrameCost:
    """One JPEG colour frame as the codec saw it.

    predicted, actual   uint8 [H, W, 3]; predicted is mid grey for a frame that stands alone
    bits                float64 [H / 8, W / 8] bits that each block of luma, with the chroma over it, took
    """

    name: str
    bytes: int
    predicted: NDArray[np.uint8]
    actual: NDArray[np.uint8]
    bits: NDArray[np.float64]


def rgbd_item(container: Container) -> int | None:
    """The number of the first folder of frames in a container."""
    return next((k for k, item in enumerate(container.items) if item.kind == KIND), None)


def frame_bytes(container: Container, item: int) -> dict[str, float]:
    """Bytes of each colour frame by name, in order; PNG frames of a group share its bytes evenly."""
    _, entries, _ = read_header(container, item)
    grouped = [(place[0], place[1], place[2], name) for name, place in entries if place[0] in (GROUPED, PICTURED)]
    result: dict[str, float] = {}
    for (kind, number), members in groupby(sorted(grouped), key=lambda m: m[:2]):
        names = [m[3] for m in members]
        data = container.need(item, ChunkType.DATA, number)
        lengths = frame_lengths(data, len(names)) if kind == GROUPED else [len(data) / len(names)] * len(names)
        result |= dict(zip(names, lengths, strict=True))
    return {name: result[name] for name in sorted(result, key=natural)}


def frame_cost(container: Container, item: int, name: str) -> FrameCost:
    """Decode the group of a JPEG colour frame as far as the frame, by its name, or a part of it that one name has."""
    need_priors(container.items[item])
    header, entries, no_depth = read_header(container, item)
    places = {n: place for n, place in entries if place[0] == GROUPED}
    found = [n for n in places if n == name] or [n for n in places if name in n]
    if len(found) != 1:
        said = "no" if not found else "more than one"
        known = ", ".join(list(places)[:3])
        raise Geo3DError(f"'{name}' names {said} JPEG colour frame of '{container.items[item].name}' ({known}, ...)")
    _, group, index, _ = places[found[0]]
    members = sorted((p for p in places.values() if p[1] == group), key=lambda p: p[2])[: index + 1]
    depths = _Depths(container, item, header, entries, no_depth)
    data = container.need(item, ChunkType.DATA, group)
    frames = decode_frames(data, [partial(depths.get, p[3]) for p in members], camera_of(header), marked=True)
    last = deque(islice(frames, len(members)), maxlen=1)[0]
    file = last.file
    return FrameCost(
        found[0], last.length, _rgb(file, _predicted(file.planes, last.prediction)), _rgb(file, file.planes),
        _bits(file, costs_of(last.marks, file.planes)),
    )  # fmt: skip


class _Depths:
    """Depth pictures of a folder, decoded once."""

    def __init__(
        self, container: Container, item: int, header: dict[str, Any],
        entries: Sequence[tuple[str, tuple[int, ...]]], no_depth: tuple[int, ...],
    ) -> None:  # fmt: skip
        self._container, self._item, self._entries, self._no_depth = container, item, entries, no_depth
        count = sum(1 for _, place in entries if place[0] == DEPTH)
        self._files: list[bytes] = []
        if count:
            shells = decode_bytes(container.need(item, ChunkType.METADATA, 0, 1), header["shells length"])
            self._files = decode_depths(container.need(item, ChunkType.GEOMETRY), shells, count, 2)

    def get(self, number: int) -> NDArray[np.uint16] | None:
        if number == 0:
            return None
        place = self._entries[number - 1][1]
        if place[0] == DEPTH:
            return depth_of(self._files[place[1]], self._no_depth)
        if place[0] == OWN:
            data = decode_bytes_any(self._container.need(self._item, ChunkType.DATA, ALONE + number - 1))
            return depth_of(data, self._no_depth)
        return None


def _predicted(planes: tuple[Plane, ...], prediction: Prediction | None) -> list[Plane]:
    """Planes of the predicted coefficients, in steps of 1."""
    result, at = [], 0
    for p in planes:
        coefs = np.zeros(p.coefs.shape, np.int64)
        if prediction is not None:
            coefs = prediction.values[0, at : at + p.coefs.size].reshape(p.coefs.shape).astype(np.int64) * p.table // 8
        at += p.coefs.size
        ones = np.ones(64, np.int32)
        result.append(
            Plane(coefs.clip(-32768, 32767).astype(np.int16), ones, p.columns, p.rows, p.horizontal, p.vertical)
        )
    return result


def _rgb(file: JpegFile, planes: list[Plane] | tuple[Plane, ...]) -> NDArray[np.uint8]:
    from PIL import Image

    height, width = file.markers.height, file.markers.width
    h, v = max(p.horizontal for p in planes), max(p.vertical for p in planes)
    full = []
    for p in planes[:3]:
        samples = plane_samples(p).astype(np.float64) / SAMPLE_ONE + 128
        big = np.repeat(np.repeat(samples, v // p.vertical, 0), h // p.horizontal, 1)
        full.append(big[:height, :width].round().clip(0, 255).astype(np.uint8))
    if len(full) < 3:
        return np.repeat(full[0][:, :, None], 3, 2)
    return np.asarray(Image.fromarray(np.stack(full, -1), "YCbCr").convert("RGB"))


def _bits(file: JpegFile, costs: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    planes = file.planes
    h, v = max(p.horizontal for p in planes), max(p.vertical for p in planes)
    rows, columns = -(-file.markers.height // 8), -(-file.markers.width // 8)
    total = np.zeros((rows, columns))
    for p, cost in zip(planes, costs, strict=True):
        y, x = v // p.vertical, h // p.horizontal
        total += np.repeat(np.repeat(cost / (x * y), y, 0), x, 1)[:rows, :columns]
    return total
