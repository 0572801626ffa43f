"""What a folder of frames holds, for coding: colour frames in order, their depth and poses, and all other files."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, Geo3DError
from geo3d_compression.rgbd.motion import Calibration, Motion
from geo3d_compression.rgbd.poses import found_poses, needs_poses

if TYPE_CHECKING:
    from geo3d.io.rgbd import RGBDDataset

_JPEG = (".jpg", ".jpeg")
_COLOR = (*_JPEG, ".png")
_MAX_FILES = 1 << 20
# Files that are kept together, as one text.
TEXT = (".txt", ".json", ".log", ".csv", ".yaml", ".yml", ".freiburg", ".tum")
MOST_TEXT = 1 << 20


@dataclass(frozen=True)
class FrameFiles:
    """One colour frame: its file, the depth picture in front of it, the depth camera's pose; names are relative."""

    color: str
    depth: str | None
    T_world_depth: NDArray[np.float64] | None


@dataclass(frozen=True)
class FrameFolder:
    """A folder's files (all of them, sorted) and its colour frames in order of time.

    calibration   None where the folder says nothing of cameras
    no_depth      depth values that mean "none" beside 0
    depths        depth pictures in order of time, with their camera's pose
    """

    folder: Path
    files: list[str]
    frames: list[FrameFiles]
    calibration: Calibration | None
    no_depth: tuple[int, ...]
    depths: list[tuple[str, NDArray[np.float64] | None]] = field(default_factory=list)


def read_folder(folder: Path) -> FrameFolder:
    """List a folder.  Anything goes: what is not a colour frame is kept as a file."""
    if not folder.is_dir():
        raise FormatError(f"{folder} is not a folder")
    paths = sorted(p for p in folder.rglob("*") if p.is_file() or p.is_symlink())
    if any(p.is_symlink() and p.is_dir() for p in paths):
        raise FormatError(f"{folder} holds links to folders; a folder is kept only if all its files lie in it")
    if not paths:
        raise FormatError(f"{folder} holds no files")
    if len(paths) > _MAX_FILES:
        raise FormatError(f"{folder} holds {len(paths)} files; at most {_MAX_FILES} fit into one item")
    files = [p.relative_to(folder).as_posix() for p in paths]
    try:
        return _with_cameras(folder, files)
    except Geo3DError:
        jpegs = sorted((f for f in files if f.lower().endswith(_JPEG)), key=natural)
        return FrameFolder(folder, files, [FrameFiles(f, None, None) for f in jpegs], None, ())


def natural(name: str) -> list[tuple[int, str]]:
    """`frame10` after `frame9`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _with_cameras(folder: Path, files: list[str]) -> FrameFolder:
    from geo3d.io.rgbd import open_rgbd

    data = open_rgbd(folder)
    poses: dict[int, NDArray[np.float64] | None] = dict(enumerate(data.T_world_camera))
    if needs_poses(data):
        poses |= found_poses(data)
    return _listed(data, files, poses)


def frame_folder(
    data: RGBDDataset, T_world_depth: Mapping[int, NDArray[np.float64] | None], paths: Sequence[Path]
) -> FrameFolder:
    """Some frames of a data set, by number, with poses of one's own; of `paths` the files that lie in its folder."""
    files = sorted(p.relative_to(data.folder).as_posix() for p in paths if p.is_relative_to(data.folder))
    return _listed(data, files, T_world_depth)


def side_files(folder: Path) -> list[Path]:
    """The small text files of a folder: cameras, poses, times."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in TEXT and p.is_file())
    return [p for p in paths if not p.is_symlink() and p.stat().st_size <= MOST_TEXT]


def _listed(
    data: RGBDDataset, files: list[str], T_world_depth: Mapping[int, NDArray[np.float64] | None]
) -> FrameFolder:
    folder, known = data.folder, set(files)
    frames, depths = [], []
    for i, pose in T_world_depth.items():
        color, depth = data.color_paths[i], _inside(folder, data.depth_paths[i])
        depth = depth if depth in known else None
        if depth is not None:
            depths.append((depth, pose))
        if color is None or color.suffix.lower() not in _COLOR:
            continue
        color_name = _inside(folder, color)
        if color_name in known:
            frames.append(FrameFiles(color_name, depth, pose))
    c = data.camera
    k = (c.fx, c.fy, c.cx, c.cy)
    color_camera = data.color_camera
    kc = k if color_camera is None else (color_camera.fx, color_camera.fy, color_camera.cx, color_camera.cy)
    calibration = Calibration(k, kc, Motion(), data.depth_scale)
    return FrameFolder(folder, files, frames, calibration, data.no_depth, depths)


def _inside(folder: Path, path: Path) -> str | None:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return None


def depth_of(data: bytes, no_depth: tuple[int, ...]) -> NDArray[np.uint16] | None:
    """[H, W] uint16 of a depth picture's bytes, the same on every machine, or None if it is none."""
    import PIL
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.format != "PNG" or picture.mode not in ("I;16", "I;16B", "L", "I"):
                return None
            values = np.asarray(picture)
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return None
    if values.ndim != 2 or values.min() < 0 or values.max() > 65535:
        return None
    depth = values.astype(np.uint16)
    for value in no_depth:
        depth[depth == value] = 0
    return depth
