"""The depth pictures of a folder: through the depth codec, with what makes each PNG file the file it is.

shells = for each file what `shells` keeps of it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, FormatError
from geo3d.types import PinholeCamera
from geo3d_compression.container import Container, ContainerWriter, Item
from geo3d_compression.container.fields import Cursor
from geo3d_compression.depth import DepthOptions, decode_depth, encode_depth
from geo3d_compression.depth.sequence import Motions
from geo3d_compression.depth.warp import FixedCamera, fixed_motion
from geo3d_compression.image.png import parse_png, rebuild_png
from geo3d_compression.parallel import ordered_map
from geo3d_compression.rgbd.motion import Calibration
from geo3d_compression.rgbd.shells import open_shell, shell

# Fewer files are coded alone.
_FEWEST = 2
_DEPTH_KIND, _DEPTH_NUMBER = "depth", 7


@dataclass(frozen=True)
class DepthPart:
    """The coded depth: a container of its own, the shells (not yet coded), and the files in it, in order."""

    container: bytes
    shells: bytes
    names: tuple[str, ...]


class _Pictures:
    """Depth pictures, parsed when asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, k: int) -> NDArray[np.uint16]:
        return parse_png(self._paths[k].read_bytes(), settings=False).samples[:, :, 0].astype(np.uint16)


def encode_depths(
    root: Path, depths: Sequence[tuple[str, NDArray[np.float64] | None]], calibration: Calibration | None, threads: int
) -> DepthPart | None:
    """Code the pictures that have one channel, one common size, and come back byte for byte; None if there are few."""
    kept: list[tuple[str, NDArray[np.float64] | None]] = []
    shells = bytearray()
    shape: tuple[int, ...] | None = None
    # A picture that several colour frames share is coded once.
    once = list({name: (name, T) for name, T in depths}.values())
    for (name, T), about in zip(once, ordered_map(partial(_about, root), [n for n, _ in once], threads), strict=True):
        if about is None:
            continue
        shape = shape or about[0]
        if about[0] == shape:
            kept.append((name, T))
            shells += about[1]
    if len(kept) < _FEWEST or shape is None:
        return None
    camera, motions = _motions([T for _, T in kept], calibration, shape)
    with ContainerWriter() as writer:
        item = writer.add_item(Item("depth", _DEPTH_KIND, _DEPTH_NUMBER))
        pictures = _Pictures([root / name for name, _ in kept])
        encode_depth(pictures, writer, item, DepthOptions(threads=threads), camera, motions)
        return DepthPart(writer.to_bytes(), bytes(shells), tuple(name for name, _ in kept))


def _about(root: Path, name: str) -> tuple[tuple[int, ...], bytes] | None:
    """Shape and shell of a picture, or None where it has other samples or would not come back."""
    data = (root / name).read_bytes()
    try:
        file = parse_png(data)
    except FormatError:
        return None
    if file.samples.shape[2] != 1 or file.bits != 16 or not file.deflate.level or rebuild_png(file) != data:
        return None
    return file.samples.shape, shell(file)


def decode_depths(container: bytes, shells: bytes, count: int, threads: int) -> list[bytes]:
    """The PNG files, in order."""
    with Container(container) as inner:
        if not inner.items or inner.items[0].kind != _DEPTH_KIND:
            raise BitstreamError("the depth of a folder is not a depth item")
        frames = decode_depth(inner, 0, threads=threads)
    if len(frames) != count:
        raise BitstreamError(f"a folder lists {count} depth pictures, but {len(frames)} are coded")
    cursor = Cursor(shells, "shells of the depth pictures")
    opened = [open_shell(cursor, np.ascontiguousarray(frame)[:, :, None], 16) for frame in frames]
    cursor.finish()
    return list(ordered_map(rebuild_png, opened, threads))


def _motions(
    poses: Sequence[NDArray[np.float64] | None], calibration: Calibration | None, shape: tuple[int, ...]
) -> tuple[FixedCamera | None, Motions | None]:
    if calibration is None or all(T is None for T in poses):
        return None, None
    motions: Motions = [None]
    for before, now in pairwise(poses):
        if before is None or now is None:
            motions.append(None)
        else:
            motions.append(fixed_motion(np.linalg.inv(now) @ before, calibration.steps_per_metre))
    return FixedCamera.of(PinholeCamera(shape[1], shape[0], *calibration.depth)), motions
