"""Folders as Apple's ARKitScenes holds them: pictures named by time, and one trajectory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.association import natural_key, nearest
from geo3d.io.rgbd.images import read_color, read_depth
from geo3d.io.rgbd.parts import read_text
from geo3d.io.rgbd.recordings.recording import MILLIMETRES, RecordedFrame
from geo3d.io.text import parse_numbers
from geo3d.types import PinholeCamera, RGBDFrame

# Poses come ten times a second; pictures six times as often.
_LARGEST_GAP = 0.006


class ARKitScenesFormat:
    """`lowres_wide/ID_TIME.png`, `lowres_depth/ID_TIME.png` (millimetres), `confidence/ID_TIME.png` (0 to 2, 0 is
    dropped), `lowres_wide_intrinsics/ID_TIME.pincam` (`width height fx fy cx cy`) and `lowres_wide.traj` (`time rx ry
    rz tx ty tz`: world to camera, rotation as axis times angle, OpenCV axes).  Pictures without a pose within 6 ms have
    none."""

    name = "ARKitScenes"
    looks_for = "a folder with lowres_wide, lowres_depth, lowres_wide_intrinsics and lowres_wide.traj"

    def detect(self, path: Path) -> bool:
        folders = ("lowres_wide", "lowres_depth", "lowres_wide_intrinsics")
        return all((path / n).is_dir() for n in folders) and (path / "lowres_wide.traj").is_file()

    def frames(self, path: Path) -> Iterator[RecordedFrame]:
        depths = sorted((path / "lowres_depth").glob("*.png"), key=lambda p: natural_key(p.name))
        times = np.array([_time(p) for p in depths])
        if not depths:
            raise FormatError(f"{path / 'lowres_depth'} holds no pictures")
        stamps, poses = _trajectory(path / "lowres_wide.traj")
        pairs = nearest(times, stamps, _LARGEST_GAP)
        for file, time, k in zip(depths, times, pairs, strict=True):
            try:
                yield RecordedFrame(file.stem, _frame(path, file, float(time), poses[k] if k >= 0 else None))
            except (FormatError, ShapeError) as error:
                yield RecordedFrame(file.stem, None, str(error))


def _frame(folder: Path, file: Path, time: float, T_world_camera: NDArray[np.float64] | None) -> RGBDFrame:
    color = read_color(folder / "lowres_wide" / file.name)
    depth = read_depth(file)
    confidence = folder / "confidence" / file.name
    if confidence.is_file():
        depth = np.where(read_depth(confidence, depth.shape[::-1]) > 0, depth, 0).astype(np.uint16)
    if not depth.any():
        raise FormatError("no depth at all")
    camera = _camera(folder / "lowres_wide_intrinsics", file.stem).resized(depth.shape[1], depth.shape[0])
    return RGBDFrame(depth, camera, MILLIMETRES, color, T_world_camera, time, file.stem)


def _camera(folder: Path, stem: str) -> PinholeCamera:
    # The name's time may differ from the picture's in its last digit.
    head, _, tail = stem.rpartition("_")
    names = [stem, *(f"{head}_{float(tail) + d:.3f}" for d in (0.001, -0.001))]
    path = next((p for n in names if (p := folder / f"{n}.pincam").is_file()), folder / f"{stem}.pincam")
    numbers = parse_numbers(read_text(path))
    if len(numbers) != 6:
        raise FormatError(f"{path.name} has {len(numbers)} numbers; a .pincam has width height fx fy cx cy")
    width, height, fx, fy, cx, cy = (float(v) for v in numbers)
    return PinholeCamera(int(width), int(height), fx, fy, cx, cy)


def _time(path: Path) -> float:
    try:
        return float(path.stem.rpartition("_")[2])
    except ValueError:
        raise FormatError(f"{path.name} is not named ID_TIME.png") from None


def _trajectory(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """([N] seconds, [N, 4, 4] camera-to-world)."""
    from scipy.spatial.transform import Rotation

    numbers = parse_numbers(read_text(path))
    if len(numbers) % 7 or not np.isfinite(numbers).all():
        raise FormatError(f"{path} must have seven finite numbers a line, it has {len(numbers)} in all")
    rows = numbers.reshape(-1, 7)
    T = np.tile(np.eye(4), (len(rows), 1, 1))
    R = Rotation.from_rotvec(rows[:, 1:4]).as_matrix()
    T[:, :3, :3] = R.transpose(0, 2, 1)
    T[:, :3, 3] = -np.einsum("nji,nj->ni", R, rows[:, 4:])
    return rows[:, 0], T
