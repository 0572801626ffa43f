"""Where an export takes frames and poses from: an RGB-D folder, or what `geo3d scan` made of one."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io import RGBDDataset, open_rgbd, read_points, read_trajectory
from geo3d.types import PointCloud

POSES, REPORT, CLOUD = "poses.txt", "report.json", "cloud.ply"
# What `geo3d decompress scan.g3c` gives beside the frames and the cloud.
ABOUT, POSES_ARRAY = "scan.json", "poses.npy"


@dataclass(frozen=True, eq=False)
class ScanSource:
    """Frames, the poses to export them with, and the fused cloud if there is one.

    dataset   the frames; `dataset.T_world_camera` are the poses to export, None where a frame has none
    reasons   frame index -> why it has no pose, where that is known
    cloud     fused points in the poses' world, or None
    """

    dataset: RGBDDataset
    reasons: dict[int, str]
    cloud: PointCloud | None = None


def open_scan(path: str | Path, frames: Path | None = None) -> ScanSource:
    """Open an RGB-D folder of any known layout, an output folder of `geo3d scan`, or what `scan.g3c` decompresses to.

    `frames` is the scanned RGB-D folder where the output folder does not name it, or names one that has moved.
    """
    path = Path(path)
    if path.is_file():
        raise FormatError(
            f"{path} is a file; give an RGB-D folder or the output folder of `geo3d scan`"
            + (" that the .g3c lies in" if path.suffix == ".g3c" else "")
        )
    if (path / POSES).is_file() and (path / REPORT).is_file():
        return _open_output(path, frames)
    if (path / ABOUT).is_file() and (path / POSES_ARRAY).is_file():
        return _open_unpacked(path, frames or path / "frames")
    return ScanSource(open_rgbd(path), {})


def _open_output(folder: Path, frames: Path | None) -> ScanSource:
    report = _read_report(folder / REPORT)
    named = report.get("source")
    place = frames or (Path(named) if isinstance(named, str) else None)
    if place is None:
        raise FormatError(f"{folder / REPORT} does not name the scanned folder; give it with --frames FOLDER")
    if not place.is_dir():
        raise FormatError(f"the scanned folder {place} is not there; say where it is now with --frames FOLDER")
    dataset = open_rgbd(place)
    listed = report.get("unused_frames")
    entries = [f for f in listed if isinstance(f, dict)] if isinstance(listed, list) else []
    unused = {str(f.get("name")): str(f.get("reason")) for f in entries}
    reasons = {i: unused[n] for i, n in enumerate(dataset.names) if n in unused}
    poses = _poses_of(dataset, folder / POSES, set(reasons))
    cloud = read_points(folder / CLOUD) if (folder / CLOUD).is_file() else None
    # The scan's own poses count, so a broken pose file of the folder does not.
    return ScanSource(replace(dataset, T_world_camera=poses, pose_errors={}), reasons, cloud)


def _open_unpacked(folder: Path, frames: Path) -> ScanSource:
    """A folder with scan.json, poses.npy, and the frames below it."""
    if not frames.is_dir():
        raise FormatError(f"{folder} holds no frames (scan --pack none); give the scanned folder with --frames FOLDER")
    dataset = open_rgbd(frames)
    posed = _read_report(folder / ABOUT).get("posed")
    poses = _read_poses(folder / POSES_ARRAY)
    if not isinstance(posed, list) or len(posed) != len(poses):
        raise FormatError(f"{folder / ABOUT} does not name the frames of the {len(poses)} poses in {POSES_ARRAY}")
    T_world_camera = dict(zip(map(str, posed), poses, strict=True))
    found = [T_world_camera.get(name) for name in dataset.names]
    if all(T is None for T in found):
        raise FormatError(f"none of the frames in {frames} has a pose in {folder / ABOUT}")
    cloud = read_points(folder / CLOUD) if (folder / CLOUD).is_file() else None
    return ScanSource(replace(dataset, T_world_camera=found, pose_errors={}), {}, cloud)


def _read_poses(path: Path) -> NDArray[np.float64]:
    try:
        poses = np.load(path, allow_pickle=False)
    except (ValueError, OSError) as error:
        raise FormatError(f"{path} holds no poses: {error}") from error
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or poses.dtype.kind != "f" or not np.isfinite(poses).all():
        raise FormatError(f"{path} holds {poses.dtype} {poses.shape}; poses are float64 [M, 4, 4]")
    return poses.astype(np.float64)


def _read_report(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FormatError(f"{path} was not written by `geo3d scan`")
    return value


def _poses_of(dataset: RGBDDataset, path: Path, unused: set[int]) -> list[NDArray[np.float64] | None]:
    """The trajectory's poses at the frames whose exact times it lists; frames known to be unused take none."""
    trajectory = read_trajectory(path)
    poses: list[NDArray[np.float64] | None] = [None] * len(dataset)
    at = 0
    # Both are in the dataset's order, so equal times are told apart by their order.
    for i in range(len(dataset)):
        if at < len(trajectory) and i not in unused and dataset.timestamps[i] == trajectory.timestamps[at]:
            poses[i] = trajectory.T_world_camera[at]
            at += 1
    if at < len(trajectory):
        raise FormatError(
            f"{path} has {len(trajectory)} poses, but only {at} belong to frames of {dataset.folder}; "
            "was another folder scanned? Give it with --frames FOLDER"
        )
    return poses
