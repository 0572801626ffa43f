"""From an RGB-D folder to a scan.

folder ─▶ track ─▶ close_loops ─▶ fuse ─▶ poses.txt, cloud.ply, mesh.ply ─▶ products (container, snapshot)
          poses    poses that     cloud,
          by step  agree          mesh
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.console import say
from geo3d.errors import RegistrationError
from geo3d.io import RGBDDataset, open_rgbd
from geo3d.scan.close_loops import close_loops, spread
from geo3d.scan.distant_loops import distant_loops
from geo3d.scan.fusion import Fused, fuse
from geo3d.scan.options import ScanOptions
from geo3d.scan.result import FrameStatus, ScanResult
from geo3d.scan.stopwatch import Stopwatch
from geo3d.scan.track import take_given_poses, track_frames
from geo3d.scan.upright import estimate_up
from geo3d.scan.walk import Walk, fingerprint
from geo3d.types import Trajectory

STATE_FILE = ".scan-state.npz"


def scan(folder: Path, out: Path, options: ScanOptions | None = None) -> ScanResult:
    """Scan an RGB-D folder; `out` (made if absent) keeps the state, so that a second call goes on where one stopped.

    Raises `RegistrationError` if no frame can be posed; single bad frames are in the result's `frames`.
    """
    options = options or ScanOptions()
    dataset = open_rgbd(folder)
    if options.poses == "estimate":
        # A broken pose file is no reason to leave a frame out when poses are estimated anyway.
        finite = [T if T is not None and np.isfinite(T).all() else None for T in dataset.T_world_camera]
        dataset = replace(dataset, T_world_camera=finite, pose_errors={})
    out.mkdir(parents=True, exist_ok=True)
    watch = Stopwatch()
    walk = _walk(dataset, options, out / STATE_FILE)
    with watch("poses"):
        poses = find_poses(dataset, walk, options, out / STATE_FILE)
    with watch("fusion"):
        fused = fuse(dataset, poses, options)
    return _result(dataset, walk, poses, fused, watch.seconds)


def find_poses(dataset: RGBDDataset, walk: Walk, options: ScanOptions, saved: Path) -> dict[int, NDArray[np.float64]]:
    """Frame index -> camera-to-world pose, for every frame that has a verified one; unfinished stages only."""
    count = min(len(dataset), options.max_frames or len(dataset))
    if walk.optimized is None:
        if options.poses == "given":
            take_given_poses(dataset, walk, count)
        else:
            keyframes = track_frames(dataset, walk, count, saved)
            closed = close_loops(keyframes, partial(distant_loops, dataset))
            walk.optimized = spread(walk.tracked, keyframes, closed)
        walk.save(saved)
    return walk.optimized or {}


def _walk(dataset: RGBDDataset, options: ScanOptions, saved: Path) -> Walk:
    mark = fingerprint(dataset, options)
    walk = Walk.load(saved, mark) if saved.exists() else None
    if walk is None:
        return Walk(mark)
    stage = "poses are finished" if walk.optimized is not None else f"{walk.done} frames are tracked"
    say(f"continuing the scan in {saved.parent}: {stage}")
    return walk


def _result(
    dataset: RGBDDataset, walk: Walk, poses: dict[int, NDArray[np.float64]], fused: Fused, seconds: dict[str, float]
) -> ScanResult:
    if not poses:
        raise RegistrationError(f"no frame of {dataset.folder} could be posed")
    submap = {t.index: t.submap for t in walk.tracked}
    frames = []
    for i in range(walk.done):
        if i in poses:
            frames.append(FrameStatus(dataset.names[i], "posed", "", submap[i]))
        elif i in submap:
            frames.append(FrameStatus(dataset.names[i], "lost", "not connected with the main part", submap[i]))
        else:
            reason = walk.problems.get(i, "no pose")
            frames.append(FrameStatus(dataset.names[i], "lost" if reason.startswith("no pose") else "skipped", reason))
    posed = np.array(sorted(poses), dtype=np.int64)
    T = np.stack([poses[i] for i in posed])
    return ScanResult(
        dataset=dataset.folder,
        frames=tuple(frames),
        posed=posed,
        trajectory=Trajectory(np.asarray(dataset.timestamps, dtype=np.float64)[posed], T),
        camera=dataset.camera,
        depth_scale=dataset.depth_scale,
        cloud=fused.cloud,
        mesh=fused.mesh,
        up=estimate_up(T, fused.cloud.normals),
        seconds=seconds,
    )
