"""Redwood's and Open3D's layout: folders of colour and depth, a camera in JSON, poses in a .log."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.rgbd.association import COLOR_SUFFIXES, DEPTH_SUFFIXES, nearest, pictures
from geo3d.io.rgbd.dataset import RGBDDataset
from geo3d.io.rgbd.parts import camera_from, first_size, number, read_json
from geo3d.io.trajectory import read_trajectory
from geo3d.types import PinholeCamera

logger = logging.getLogger("geo3d.io")

_COLOR_FOLDERS = ("color", "rgb", "image", "images")
_LOGS = ("trajectory.log", "trajectory.txt", "odometry.log")
# Index and time in microseconds, as in redwood-3dscan: 0000012-000000400123.
_TIMED = re.compile(r"\d+-(\d+)")
_PRIMESENSE = (525.0, 525.0, 319.5, 239.5)


class RedwoodFormat:
    """`depth/` and `color/` (or `rgb/`, `image/`) with pictures of the same names or the same number of them, a
    `*camera*.json` or `*intrinsic*.json` (Open3D's, here or one folder up), and `trajectory.log` or `odometry.log`
    (poses of camera to world).  Depth in millimetres unless the JSON has a `depth_scale`."""

    name = "Redwood"
    looks_for = "folders depth/ and color/ (or rgb/, image/), *camera*.json or *intrinsic*.json, trajectory.log"

    def detect(self, folder: Path) -> bool:
        return bool(pictures(folder / "depth", DEPTH_SUFFIXES)) and any((folder / n).is_dir() for n in _COLOR_FOLDERS)

    def open(self, folder: Path) -> RGBDDataset:
        depth_paths = pictures(folder / "depth", DEPTH_SUFFIXES)
        colors = next((found for n in _COLOR_FOLDERS if (found := pictures(folder / n, COLOR_SUFFIXES))), [])
        names = [p.stem for p in depth_paths]
        if len(set(names)) != len(names):
            raise FormatError(f"{folder / 'depth'} has two pictures of one name")
        times = self._times(names)
        camera, depth_scale = self._camera(folder, depth_paths)
        return RGBDDataset(
            self.name,
            folder,
            camera,
            depth_scale,
            names,
            np.arange(len(names), dtype=np.float64) if times is None else times,
            self._poses(folder, len(names)),
            depth_paths,
            self._pair(folder, names, colors),
        )

    def _times(self, names: list[str]) -> NDArray[np.float64] | None:
        found = [_TIMED.fullmatch(n) for n in names]
        return np.array([int(m[1]) * 1e-6 for m in found if m]) if all(found) else None

    def _pair(self, folder: Path, names: list[str], colors: list[Path]) -> list[Path | None]:
        by_name = {p.stem: p for p in colors}
        if not colors:
            return [None] * len(names)
        if any(n in by_name for n in names):
            return [by_name.get(n) for n in names]
        times, color_times = self._times(names), self._times([p.stem for p in colors])
        if times is not None and color_times is not None:
            return [None if j < 0 else colors[j] for j in nearest(times, color_times, 0.05)]
        if len(colors) != len(names):
            raise FormatError(f"{folder}: {len(names)} depth and {len(colors)} colour pictures with different names")
        return list(colors)

    def _camera(self, folder: Path, depth_paths: list[Path]) -> tuple[PinholeCamera, float]:
        size = first_size(depth_paths, folder)
        patterns = ("*camera*.json", "*intrinsic*.json")
        files = [f for place in (folder, folder.parent) for p in patterns for f in sorted(place.glob(p))]
        for file in files:
            value = read_json(file)
            if "intrinsic_matrix" not in value:
                continue
            matrix = value["intrinsic_matrix"]
            if not isinstance(matrix, list) or len(matrix) != 9:
                raise FormatError(f"{file}: 'intrinsic_matrix' must be a list of 9 numbers, column after column")
            K = np.array([number(v, "intrinsic_matrix", file) for v in matrix]).reshape(3, 3).T
            own = tuple(int(number(value.get(k, s), k, file)) for k, s in zip(("width", "height"), size, strict=True))
            scale = number(value.get("depth_scale", 1000.0), "depth_scale", file)
            return camera_from(K, (own[0], own[1]), file).resized(*size), scale
        logger.warning("%s: no camera JSON; taking the PrimeSense's nominal 525 pixels", folder)
        return PinholeCamera(640, 480, *_PRIMESENSE).resized(*size), 1000.0

    def _poses(self, folder: Path, count: int) -> list[NDArray[np.float64] | None]:
        log = next((folder / n for n in _LOGS if (folder / n).is_file()), None)
        poses: list[NDArray[np.float64] | None] = [None] * count
        if log is None:
            return poses
        trajectory = read_trajectory(log)
        index = trajectory.timestamps
        usable = len(index) and (index == np.floor(index)).all() and len(np.unique(index)) == len(index)
        # Some logs number the poses from 1, or only the key frames.
        first = int(index.min()) if usable and len(index) == count else 0
        for i, T in enumerate(trajectory.T_world_camera):
            at = int(index[i]) - first if usable else i
            if 0 <= at < count:
                poses[at] = T
        return poses
