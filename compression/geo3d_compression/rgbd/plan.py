"""What is coded together in a folder of frames: which files, in which groups, seen by which cameras (encoder only)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d_compression.jpeg.file import parse, rebuild
from geo3d_compression.rgbd.calibrate import Pair, calibrate
from geo3d_compression.rgbd.folder import FrameFiles, FrameFolder, depth_of
from geo3d_compression.rgbd.group import SourceFrame
from geo3d_compression.rgbd.motion import Calibration, Motion
from geo3d_compression.rgbd.predict import coded_frame
from geo3d_compression.rgbd.search import luma_pyramid

# Frames in a group.
GROUP = 100


@dataclass(frozen=True, eq=False)
class Plan:
    """What is coded together: frames that come back exactly (with width, height), in groups, and their calibration."""

    folder: FrameFolder
    sizes: dict[str, tuple[int, int]]
    groups: list[list[FrameFiles]]
    calibration: Calibration

    def sources(self, group: Sequence[FrameFiles]) -> list[SourceFrame]:
        """The frames of a group, read."""
        root = self.folder.folder
        T_depth_color = np.vstack([self.calibration.T_color_depth.inverse(), [0, 0, 0, 1]])
        result = []
        for f in group:
            depth = None if f.depth is None else depth_of((root / f.depth).read_bytes(), self.folder.no_depth)
            pose = None if f.T_world_depth is None else f.T_world_depth @ T_depth_color
            data = (root / f.color).read_bytes()
            result.append(SourceFrame(data, parse(data), depth, pose))
        return result


def plan(folder: FrameFolder, group: int = GROUP) -> Plan:
    """Read all colour frames of a folder and decide how they are coded."""
    sizes = {f.color: size for f in folder.frames if (size := _size_if_exact(folder.folder / f.color)) is not None}
    frames = [f for f in folder.frames if f.color in sizes]
    groups = [frames[i : i + group] for i in range(0, len(frames), group)]
    return Plan(folder, sizes, groups, _calibration(folder, sizes))


def _size_if_exact(path: Path) -> tuple[int, int] | None:
    """Width and height of a JPEG file that comes back exactly, else None."""
    data = path.read_bytes()
    try:
        file = parse(data)
        return (file.markers.width, file.markers.height) if rebuild(file) == data else None
    except FormatError:
        return None


def _calibration(folder: FrameFolder, sizes: dict[str, tuple[int, int]]) -> Calibration:
    frames = [f for f in folder.frames if f.color in sizes]
    if not frames:
        return Calibration((1.0,) * 4, (1.0,) * 4, Motion(), 1000.0)
    width, height = sizes[frames[0].color]
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


def _pairs(folder: FrameFolder, frames: Sequence[FrameFiles], sizes: dict[str, tuple[int, int]]) -> Iterator[Pair]:
    """Up to four pairs of neighbours, spread over the folder."""
    for i in sorted({len(frames) * k // 5 for k in range(1, 5)} & set(range(1, len(frames)))):
        here, there = frames[i], frames[i - 1]
        if here.depth is None or sizes[here.color] != sizes[there.color]:
            continue
        depth = depth_of((folder.folder / here.depth).read_bytes(), folder.no_depth)
        if depth is None:
            continue
        z = np.zeros((1, 1))
        luma = [luma_pyramid(coded_frame(parse((folder.folder / f.color).read_bytes()), z))[0] for f in (here, there)]
        if luma[0].shape == luma[1].shape:
            yield luma[0], luma[1], depth, here.T_world_depth, there.T_world_depth
