"""Our scan of a folder beside Open3D's RGB-D odometry: one row each."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.bench.suite import Row
from geo3d.io import RGBDDataset, open_rgbd
from geo3d.scan.options import ScanOptions
from geo3d.scan.output import peak_megabytes, trajectory_error
from geo3d.scan.pipeline import scan
from geo3d.types import Trajectory, absolute_trajectory_error

METHODS = ("geo3d scan", "Open3D hybrid odometry")
COLUMNS = [
    "folder", "method", "frames", "posed", "ate_cm", "frames_per_s", "cpu_s", "points", "faces", "peak_mb",
]  # fmt: skip


def compared(folder: Path) -> Iterator[Row]:
    """A row of our scan and one of the peer."""
    dataset = open_rgbd(folder)
    yield _ours(folder, dataset)
    yield _open3d(folder, dataset)


def summary(measured: list[Row]) -> list[Row]:
    """Our error as a share of the peer's, a folder."""
    result = []
    for name in dict.fromkeys(r["folder"] for r in measured):
        ours, peer = (next(r for r in measured if r["folder"] == name and r["method"] == m) for m in METHODS)
        ratio = ours["ate_cm"] / peer["ate_cm"] if ours["ate_cm"] and peer["ate_cm"] else None
        result.append({"folder": name, "method": "ATE ours / Open3D odometry", "ate_cm": ratio})
    return result


def _ours(folder: Path, dataset: RGBDDataset) -> Row:
    with tempfile.TemporaryDirectory() as out:
        wall, cpu = time.perf_counter(), time.process_time()
        result = scan(folder, Path(out), ScanOptions())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ate = trajectory_error(dataset, result)
    return {
        "folder": folder.name,
        "method": METHODS[0],
        "frames": len(dataset),
        "posed": len(result.posed),
        "ate_cm": None if ate is None else 100 * ate,
        "frames_per_s": len(dataset) / wall,
        "cpu_s": cpu,
        "points": len(result.cloud),
        "faces": len(result.mesh.faces),
        "peak_mb": peak_megabytes(),
    }


def _open3d(folder: Path, dataset: RGBDDataset) -> Row:
    """Frame-to-frame hybrid odometry (Park et al. 2017), no fusion: poses alone."""
    import open3d as o3d

    camera = dataset.camera.to_open3d()
    option: Any = o3d.pipelines.odometry.OdometryOption()
    T, poses, given, last = np.eye(4), [], [], None
    wall, cpu = time.perf_counter(), time.process_time()
    for i in range(len(dataset)):
        frame = dataset.load(i)
        color = o3d.geometry.Image(np.ascontiguousarray(frame.color))
        depth = o3d.geometry.Image(frame.depth_metres())
        image = o3d.geometry.RGBDImage.create_from_color_and_depth(color, depth, 1.0, 4.0)
        if last is not None:
            term = o3d.pipelines.odometry.RGBDOdometryJacobianFromHybridTerm()
            _, T_last_now, _ = o3d.pipelines.odometry.compute_rgbd_odometry(
                image, last, camera, np.eye(4), term, option
            )
            T = T @ T_last_now
        last = image
        poses.append(T)
        given.append(frame.T_world_camera)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    known = [k for k, g in enumerate(given) if g is not None]
    times = np.arange(len(known), dtype=float)
    truth = [g for g in given if g is not None]
    ate = None
    if len(known) > 2:
        estimate = Trajectory(times, np.stack([poses[k] for k in known]))
        ate = absolute_trajectory_error(estimate, Trajectory(times, np.stack(truth)))[0]
    return {
        "folder": folder.name,
        "method": METHODS[1],
        "frames": len(dataset),
        "posed": len(poses),
        "ate_cm": None if ate is None else 100 * ate,
        "frames_per_s": len(dataset) / wall,
        "cpu_s": cpu,
    }
