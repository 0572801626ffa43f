"""What is coded together in a folder of frames: which files, in which groups, seen by which cameras (encoder only)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d_compression.image.png import SIGNATURE, parse_png, rebuild_png
from geo3d_compression.jpeg.file import parse, rebuild
from geo3d_compression.rgbd.calibrate import Pair, calibrate
from geo3d_compression.rgbd.folder import FrameFiles, FrameFolder, depth_of
from geo3d_compression.rgbd.group import SourceFrame
from geo3d_compression.rgbd.motion import Calibration, Motion
from geo3d_compression.rgbd.picture_group import SourcePicture, takes
from geo3d_compression.rgbd.predict import coded_frame
from geo3d_compression.rgbd.search import luma_pyramid

# Frames in a group.
GROUP = 100
PICTURE_GROUP = 48


@dataclass(frozen=True, eq=False)
class Plan:
    """What is coded together: frames that come back exactly, in groups, and their calibration.

    sizes      width, height and channels of these frames
    groups     of JPEG frames
    pictures   of PNG frames; those of a group have one size
    """

    folder: FrameFolder
    sizes: dict[str, tuple[int, int, int]]
    groups: list[list[FrameFiles]]
    pictures: list[list[FrameFiles]]
    calibration: Calibration

    def sources(self, group: Sequence[FrameFiles]) -> list[SourceFrame]:
        """The frames of a group, read."""
        root = self.folder.folder
        result = []
        for f in group:
            data = (root / f.color).read_bytes()
            result.append(SourceFrame(data, parse(data), self._depth(f), self._pose(f)))
        return result

    def picture_sources(self, group: Sequence[FrameFiles]) -> list[SourcePicture]:
        """The frames of a group of PNG files, read."""
        root = self.folder.folder
        return [SourcePicture(parse_png((root / f.color).read_bytes()), self._depth(f), self._pose(f)) for f in group]

    def _depth(self, f: FrameFiles) -> NDArray[np.uint16] | None:
        return None if f.depth is None else depth_of((self.folder.folder / f.depth).read_bytes(), self.folder.no_depth)

    def _pose(self, f: FrameFiles) -> NDArray[np.float64] | None:
        T_depth_color = np.vstack([self.calibration.T_color_depth.inverse(), [0, 0, 0, 1]])
        return None if f.T_world_depth is None else f.T_world_depth @ T_depth_color


def plan(folder: FrameFolder, group: int | None = None) -> Plan:
    """Read all colour frames of a folder and decide how they are coded; `group`: frames in a group."""
    sizes = {f.color: size for f in folder.frames if (size := _size_if_exact(folder.folder / f.color)) is not None}
    frames = [f for f in folder.frames if f.color in sizes]
    png = [f for f in frames if f.color.lower().endswith(".png")]
    jpeg = [f for f in frames if not f.color.lower().endswith(".png")]
    step, png_step = group or GROUP, group or PICTURE_GROUP
    pictures = [
        run[i : i + png_step]
        for _, files in groupby(png, lambda f: sizes[f.color])
        for run in (list(files),)
        for i in range(0, len(run), png_step)
    ]
    groups = [jpeg[i : i + step] for i in range(0, len(jpeg), step)]
    return Plan(folder, sizes, groups, pictures, _calibration(folder, sizes))


def _size_if_exact(path: Path) -> tuple[int, int, int] | None:
    """Width, height and channels of a colour file that comes back exactly, else None."""
    data = path.read_bytes()
    try:
        if data.startswith(SIGNATURE):
            picture = parse_png(data)
            height, width, channels = picture.samples.shape
            return (width, height, channels) if takes(picture) and rebuild_png(picture) == data else None
        file = parse(data)
        size = (file.markers.width, file.markers.height, len(file.planes))
        return size if rebuild(file) == data else None
    except FormatError:
        return None


def _calibration(folder: FrameFolder, sizes: dict[str, tuple[int, int, int]]) -> Calibration:
    frames = [f for f in folder.frames if f.color in sizes]
    if not frames:
        return Calibration((1.0,) * 4, (1.0,) * 4, Motion(), 1000.0)
    width, height, _ = sizes[frames[0].color]
    if folder.calibration is None:
        f = 0.9 * max(width, height)
        k = (f, f, width / 2 - 0.5, height / 2 - 0.5)
        return Calibration(k, k, Motion(), 1000.0)
    nominal = folder.calibration
    first = next((f for f in frames if f.depth is not None), None)
    depth = depth_of((folder.folder / first.depth).read_bytes(), folder.no_depth) if first and first.depth else None
    if depth is not None and nominal.color == nominal.depth and depth.shape != (height, width):
        s, t = width / depth.shape[1], height / depth.shape[0]
        fx, fy, cx, cy = nominal.depth
        nominal = replace(nominal, color=(fx * s, fy * t, (cx + 0.5) * s - 0.5, (cy + 0.5) * t - 0.5))
    if depth is not None and (depth > 0).any():
        nominal = replace(nominal, far=float(np.median(depth[depth > 0])) / nominal.steps_per_metre)
    return calibrate(list(_pairs(folder, frames, sizes)), nominal)


def _pairs(folder: FrameFolder, frames: Sequence[FrameFiles], sizes: dict[str, tuple[int, int, int]]) -> Iterator[Pair]:
    """Up to four pairs of neighbours, spread over the folder."""
    for i in sorted({len(frames) * k // 5 for k in range(1, 5)} & set(range(1, len(frames)))):
        here, there = frames[i], frames[i - 1]
        if here.depth is None or sizes[here.color] != sizes[there.color]:
            continue
        depth = depth_of((folder.folder / here.depth).read_bytes(), folder.no_depth)
        if depth is None:
            continue
        luma = [_luma((folder.folder / f.color).read_bytes()) for f in (here, there)]
        if luma[0].shape == luma[1].shape:
            yield luma[0], luma[1], depth, here.T_world_depth, there.T_world_depth


def _luma(data: bytes) -> NDArray[np.float32]:
    """[H, W] grey levels of a colour file; green of a PNG file."""
    if data.startswith(SIGNATURE):
        samples = parse_png(data, settings=False).samples
        return samples[:, :, min(1, samples.shape[2] - 1)].astype(np.float32)
    return luma_pyramid(coded_frame(parse(data), np.zeros((1, 1))))[0]
