"""First training step: clouds of every kind, voxelised at many densities, cut into blocks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.morton import morton_decode, morton_encode
from geo3d_compression.octree.training import sources
from geo3d_compression.octree.training.blocks import KINDS, cut, save, to_bytes

_LOG = logging.getLogger(__name__)

SURFACE_DEPTH, LIDAR_DEPTH = 7, 10


@dataclass(frozen=True)
class SetSettings:
    """How many meshes, depth frames, LiDAR turns and blocks of captured people a set is cut from."""

    surfaces: int = 70
    frames: int = 20
    sweeps: int = 6
    humans: int = 0
    fusions: int = 0
    seed: int = 0


def prepare(data: Path, out: Path, settings: SetSettings) -> None:
    """Write the blocks of a set to `out` (safetensors)."""
    rng = np.random.default_rng(settings.seed)
    samples: list[tuple[NDArray[np.uint8], int, int]] = []

    def add(points: NDArray[np.float64], depth: int, kind: str, blocks: int) -> None:
        if len(points) < 1000:
            return
        voxels = morton_decode(np.unique(morton_encode(np.round(points - points.min(0)).astype(np.int64))))
        for _ in range(blocks):
            block, size = cut(voxels, depth, rng), depth
            if len(block) > 40_000:
                block, size = cut(block, depth - 1, rng), depth - 1
            if 300 <= len(block) <= 60_000:
                samples.append((to_bytes(block, size), size, KINDS.index(kind)))

    meshes = sources.free_meshes(data / "mesh")
    for k in range(settings.surfaces):
        cells = float(2 ** rng.uniform(6.3, 10))
        add(sources.mesh_surface(meshes[int(rng.integers(len(meshes)))], cells, 180, rng), SURFACE_DEPTH, "surface", 2)
        if k % 100 == 99:
            _LOG.info("surface %d of %d", k + 1, settings.surfaces)
    real = real_frames(data)
    for k in range(settings.frames):
        if k % 2:
            points = real[int(rng.integers(len(real)))]
        else:
            camera = sources.random_camera(rng)
            scene = sources.random_scene(meshes, rng, False)
            points = sources.unproject(sources.cast_depth_frame(scene, camera, bool(rng.random() < 0.6), rng), camera.K)
        if rng.random() < 0.3:
            points = points @ sources.random_rotation(rng).T
        cell = float(rng.choice([0.002, 0.002, 0.003, 0.005, 0.01, 0.01, 0.02]))
        add(points / cell, 8 if cell < 0.004 else SURFACE_DEPTH, "depth", 3)
    for _ in range(settings.sweeps):
        points = sources.cast_lidar(sources.random_scene(meshes, rng, True), rng)
        cell = float(rng.choice([0.001, 0.004, 0.016, 0.016, 0.02, 0.064]))
        depth_now = LIDAR_DEPTH + int(np.clip(np.log2(0.016 / cell), -1, 4))
        add(points / cell, depth_now, "lidar", 6)
    desk = real_fusion(data) if settings.fusions else np.zeros((0, 3))
    for k in range(settings.fusions):
        points = desk if k % 8 == 7 else sources.cast_fusion(sources.random_scene(meshes, rng, False), rng)
        if rng.random() < 0.5:
            points = points @ sources.random_rotation(rng).T
        for cell in rng.choice([0.005, 0.01, 0.01, 0.02], 2, replace=False):
            add(points / cell, SURFACE_DEPTH, "fusion", 3)
    captures = real_humans(data) if settings.humans else []
    for k in range(settings.humans):
        points = captures[k % len(captures)]
        add(points if rng.random() < 0.7 else points / 2, SURFACE_DEPTH, "human", 1)
    save(out, samples)
    _LOG.info("%d blocks, %d bytes", len(samples), sum(len(s[0]) for s in samples))


def real_frames(data: Path) -> list[NDArray[np.float64]]:
    """Single frames in metres: box_desk (BSD-2), Open3D's test frames (MIT), three of the four mOSD clouds (BSD)."""
    import trimesh
    from PIL import Image

    frames = []
    K = np.array([[615.19519, 0, 298.44269], [0, 615.19525, 247.5192], [0, 0, 1]])
    for path in sorted((data / "reg" / "box_desk").glob("*.depth.png")):
        frames.append(sources.unproject(np.asarray(Image.open(path), np.float64) / 1000, K))
    K = np.array([[525.0, 0, 319.5], [0, 525.0, 239.5], [0, 0, 1]])
    for path in sorted((data / "reg" / "smoke_open3d_rgbd").rglob("depth/*.png")):
        frames.append(sources.unproject(np.asarray(Image.open(path), np.float64) / 1000, K))
    # The fourth, mosd_learn33, is held out.
    for name in ("learn4", "learn13", "learn24"):
        frames.append(np.asarray(trimesh.load(data / "pcc" / "indoor" / f"mosd_{name}.ply").vertices, np.float64))
    return [f for f in frames if len(f) > 1000]


def real_fusion(data: Path) -> NDArray[np.float64]:
    """All frames of box_desk (BSD-2) in metres, put together by their poses."""
    from PIL import Image

    K = np.array([[615.19519, 0, 298.44269], [0, 615.19525, 247.5192], [0, 0, 1]])
    parts = []
    for path in sorted((data / "reg" / "box_desk").glob("*.depth.png")):
        pose = np.loadtxt(path.with_name(path.name.replace("depth.png", "pose.txt")))
        points = sources.unproject(np.asarray(Image.open(path), np.float64) / 1000, K)
        parts.append(points @ pose[:3, :3].T + pose[:3, 3])
    return np.concatenate(parts)


def real_humans(data: Path) -> list[NDArray[np.float64]]:
    """Two voxelised people (MVUB; research terms).  The third, phil, is held out."""
    import trimesh

    folder = data / "pcc" / "humans"
    return [np.asarray(trimesh.load(folder / f"{n}.ply").vertices, np.float64) for n in ("andrew9_vox9", "david9_vox8")]
