"""The TUM RGB-D benchmark's layout (Sturm et al. 2012), also of ICL-NUIM, Bonn and ETH3D-SLAM."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError, ShapeError
from geo3d.io.rgbd.association import nearest
from geo3d.io.rgbd.dataset import RGBDDataset
from geo3d.io.rgbd.parts import camera_from, first_size, read_matrix, read_text
from geo3d.io.text import parse_numbers
from geo3d.io.trajectory import read_trajectory
from geo3d.types import PinholeCamera

logger = logging.getLogger("geo3d.io")

_LARGEST_GAP = 0.02
_ASSOCIATIONS = ("associations.txt", "association.txt", "associated.txt", "associate.txt", "assoc.txt")
_TRUTHS = ("groundtruth.txt", "groundtruth_interpolated.txt")
_CALIBRATIONS = ("intrinsics.txt", "camera-intrinsics.txt", "calibration.txt", "camera.txt")
# fx, fy, cx, cy at 640x480 by a part of the folder's name.  For freiburg1 and 2, whose depth the driver registered, the
# benchmark advises the Kinect's factory values.
_BY_NAME = {
    "freiburg3": (535.4, 539.2, 320.1, 247.6),
    "living_room": (481.2, 480.0, 319.5, 239.5),
    "office_room": (481.2, 480.0, 319.5, 239.5),
    "rgbd_bonn": (542.822841, 542.576870, 315.593520, 237.756098),
}
_DEFAULT = (525.0, 525.0, 319.5, 239.5)


@dataclass(frozen=True)
class _Listing:
    times: NDArray[np.float64]
    files: list[str]


class TumFormat:
    """`rgb.txt` and `depth.txt` (lines of `timestamp file`; pictures paired by the nearest time within 20 ms) or an
    `associations.txt`; `groundtruth.txt` with `timestamp tx ty tz qx qy qz qw`; depth in 1/5000 m.

    Intrinsics: `intrinsics.txt` (3x3) or `calibration.txt` (`fx fy cx cy`); else by the data set's name in the path,
    else the Kinect's 525, with a warning.
    """

    name = "TUM"
    looks_for = "rgb.txt and depth.txt, or associations.txt (and groundtruth.txt, calibration.txt)"

    def detect(self, folder: Path) -> bool:
        return (folder / "depth.txt").is_file() or any((folder / n).is_file() for n in _ASSOCIATIONS)

    def open(self, folder: Path) -> RGBDDataset:
        pairs = next((folder / n for n in _ASSOCIATIONS if (folder / n).is_file()), None)
        if (folder / "depth.txt").is_file():
            depth, color = self._pair(folder)
        elif pairs is not None:
            depth, color = self._read_associations(pairs)
        else:
            raise FormatError(f"{folder} has neither depth.txt nor associations.txt")
        depth_paths = [folder / f for f in depth.files]
        poses = self._poses(folder, depth.times)
        return RGBDDataset(
            self.name,
            folder,
            self._camera(folder, depth_paths),
            5000.0,
            self._names(depth.files),
            depth.times,
            poses,
            depth_paths,
            [None if f is None else folder / f for f in color],
        )

    def _pair(self, folder: Path) -> tuple[_Listing, list[str | None]]:
        depth = self._read_listing(folder / "depth.txt")
        if not (folder / "rgb.txt").is_file():
            return depth, [None] * len(depth.files)
        color = self._read_listing(folder / "rgb.txt")
        match = nearest(depth.times, color.times, _LARGEST_GAP)
        kept = np.flatnonzero(match >= 0)
        if not len(kept):
            raise FormatError(f"{folder}: no depth picture is within {_LARGEST_GAP * 1000:.0f} ms of a colour picture")
        if len(kept) < len(match):
            logger.info("%s: %d depth pictures have no colour picture in time", folder, len(match) - len(kept))
        paired = _Listing(depth.times[kept], [depth.files[i] for i in kept])
        return paired, [color.files[j] for j in match[kept]]

    def _read_listing(self, path: Path) -> _Listing:
        rows = _rows(path)
        short = next((row for row in rows if len(row) < 2), None)
        if short is not None:
            raise FormatError(f"{path}: a line is 'timestamp file', got '{' '.join(short)[:60]}'")
        times = _times([row[0] for row in rows], path)
        order = np.argsort(times, kind="stable")
        return _Listing(times[order], [rows[i][1] for i in order])

    def _read_associations(self, path: Path) -> tuple[_Listing, list[str | None]]:
        rows = _rows(path)
        if not rows or any(len(row) < 4 for row in rows):
            raise FormatError(f"{path}: a line is 'timestamp file timestamp file'")
        at = 0 if "depth" in rows[0][1].lower() and "depth" not in rows[0][3].lower() else 2
        times = _times([row[at] for row in rows], path)
        order = np.argsort(times, kind="stable")
        files: list[str | None] = [rows[i][3 - at] for i in order]
        return _Listing(times[order], [rows[i][at + 1] for i in order]), files

    def _poses(self, folder: Path, times: NDArray[np.float64]) -> list[NDArray[np.float64] | None]:
        truth = next((folder / n for n in _TRUTHS if (folder / n).is_file()), None)
        truth = truth or next(iter(sorted(folder.glob("*.gt.freiburg"))), None)
        if truth is None:
            return [None] * len(times)
        trajectory = read_trajectory(truth)
        match = nearest(times, trajectory.timestamps, _LARGEST_GAP, once=False)
        return [None if j < 0 else trajectory.T_world_camera[j] for j in match]

    def _camera(self, folder: Path, depth_paths: list[Path]) -> PinholeCamera:
        size = first_size(depth_paths, folder)
        file = next((folder / n for n in _CALIBRATIONS if (folder / n).is_file()), None)
        if file is not None:
            return _read_calibration(file, size)
        text = "/".join(folder.resolve().parts[-2:]).lower()
        known = next((v for k, v in _BY_NAME.items() if k in text), None)
        if known is None and "freiburg" not in text:
            logger.warning("%s: no intrinsics.txt or calibration.txt; taking the Kinect's nominal 525 pixels", folder)
        return PinholeCamera(640, 480, *(known or _DEFAULT)).resized(*size)

    def _names(self, files: list[str]) -> list[str]:
        stems = [Path(f).stem for f in files]
        return stems if len(set(stems)) == len(stems) else [f"{i:06d}" for i in range(len(files))]


def _read_calibration(path: Path, size: tuple[int, int]) -> PinholeCamera:
    numbers = parse_numbers(read_text(path).translate(bytes.maketrans(b",;[]", b"    ")))
    if len(numbers) in (4, 8, 9):
        fx, fy, cx, cy = map(float, numbers[:4])
        try:
            # Nine numbers are a matrix, unless the second is too large to be a skew.
            if len(numbers) < 9 or abs(fy) > 1:
                return PinholeCamera(*size, fx, fy, cx, cy, tuple(map(float, numbers[4:])))
        except ShapeError as error:
            raise FormatError(f"{path}: {error}") from None
    return camera_from(read_matrix(path), size, path)


def _rows(path: Path) -> list[list[str]]:
    lines = (line.split(b"#")[0].replace(b",", b" ") for line in read_text(path).splitlines())
    return [line.decode("utf-8", "replace").split() for line in lines if line.strip()]


def _times(texts: list[str], path: Path) -> NDArray[np.float64]:
    try:
        times = np.array([float(t) for t in texts])
    except ValueError as error:
        raise FormatError(f"{path}: a timestamp is not a number ({error})") from None
    if not np.isfinite(times).all():
        raise FormatError(f"{path}: a timestamp is not finite")
    return times
