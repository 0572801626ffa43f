"""First training step: dense clouds of every kind on their grid, cut into blocks (see `octree.training.blocks`)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.morton import morton_decode, morton_encode
from geo3d_compression.octree.training import sources
from geo3d_compression.octree.training.blocks import KINDS, cut, save, to_bytes

_LOG = logging.getLogger(__name__)
_FEWEST, _MOST = 4_000, 700_000
# Cut from all blocks, so that the set stays below 60 MB.
DEPTH = 9


@dataclass(frozen=True)
class SetSettings:
    """How many sampled meshes, fused depth sequences and blocks of a captured person a set is made of."""

    surfaces: int = 150
    fusions: int = 30
    humans: int = 6
    seed: int = 0


def prepare(data: Path, out: Path, settings: SetSettings) -> None:
    """Write the blocks of a set to `out` (safetensors)."""
    rng = np.random.default_rng(settings.seed)
    samples: list[tuple[NDArray[np.uint8], int, int]] = []

    def add(points: NDArray[np.float64], kind: str) -> None:
        voxels = morton_decode(np.unique(morton_encode(np.round(points - points.min(0)).astype(np.int64))))
        block = cut(voxels, DEPTH, rng)
        if _FEWEST <= len(block) <= _MOST:
            samples.append((to_bytes(block, DEPTH), DEPTH, KINDS.index(kind)))

    meshes = sources.free_meshes(data / "mesh")
    for _ in range(settings.surfaces):
        path = meshes[int(rng.integers(len(meshes)))]
        add(dense_surface(path, float(2 ** rng.uniform(7, 9.3)), rng), "surface")
    for points in _fusions(data, settings.fusions, meshes, rng):
        add(points, "depth")
    for _ in range(settings.humans):
        add(_human(data), "human")
    save(out, samples)
    _LOG.info("%d blocks, %d bytes", len(samples), sum(len(s[0]) for s in samples))


def dense_surface(path: Path, cells: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A mesh `cells` long as a dense cloud: smooth or with relief, thin or thick, solid or with holes."""
    import trimesh

    mesh = trimesh.load(path, process=False)
    mesh.vertices = np.asarray(mesh.vertices) @ sources.random_rotation(rng).T * cells
    density = float(rng.choice([1.0, 2.0, 4.0, 12.0, 12.0, 12.0]))
    n = int(min(mesh.area * density, 4_000_000))
    points, faces = trimesh.sample.sample_surface(mesh, n, seed=int(rng.integers(2**31)))
    if rng.random() < 0.7:
        points = points + mesh.face_normals[faces] * sources.relief(points, rng)[:, None]
    if rng.random() < 0.3:
        points = points + rng.normal(0, rng.uniform(0.1, 0.7), points.shape)
    return np.asarray(points)


def _fusions(data: Path, count: int, meshes: list[Path], rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Several depth frames of one scene in one frame, in cells: real ones (BSD-2, MIT) and ray-cast rooms."""
    for k in range(count):
        cell = float(rng.choice([0.005, 0.01, 0.01, 0.02]))
        if k % 3 == 0:
            yield _box_desk(data, rng) / float(rng.choice([0.003, 0.005, 0.01]))
            continue
        scene = sources.random_scene(meshes, rng, False)
        yield np.concatenate([_view(scene, rng) for _ in range(int(rng.integers(5, 12)))]) / cell


def _view(scene: Any, rng: np.random.Generator) -> NDArray[np.float64]:
    """What a depth camera somewhere in a room sees, in the room's frame, with a slightly wrong pose."""
    position = np.array([*rng.uniform(-1, 1, 2), rng.uniform(0.8, 1.8)])
    forward = np.array([*rng.normal(size=2), rng.uniform(-0.7, 0.1)])
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    f = rng.uniform(360, 640)
    v, u = np.mgrid[:480, :640]
    R = np.stack([right, np.cross(forward, right), forward], axis=1)
    rays = (np.stack([(u - 319.5) / f, (v - 239.5) / f, np.ones(u.shape)], -1) @ R.T).reshape(-1, 3)
    origin = np.broadcast_to(position, rays.shape)
    z = scene.cast_rays(np.concatenate([origin, rays], -1).astype(np.float32))["t_hit"].numpy().astype(np.float64)
    seen = np.isfinite(z) & (z > 0.3) & (z < 5)
    z, rays = z[seen], rays[seen]
    # The noise of triangulation grows with the square of the distance.
    z = z + rng.normal(0, rng.uniform(0.0003, 0.0015), z.shape) * z * z
    return position + rays * z[:, None] + rng.normal(0, 0.0015, 3)


def _box_desk(data: Path, rng: np.random.Generator) -> NDArray[np.float64]:
    """Some frames of box_desk (BSD-2) fused by their poses."""
    from PIL import Image

    K = np.array([[615.19519, 0, 298.44269], [0, 615.19525, 247.5192], [0, 0, 1]])
    paths = sorted((data / "reg" / "box_desk").glob("*.depth.png"))
    points = []
    for k in rng.choice(len(paths), int(rng.integers(4, 16)), replace=False):
        pose = np.loadtxt(str(paths[k]).replace(".depth.png", ".pose.txt"))
        p = sources.unproject(np.asarray(Image.open(paths[k]), np.float64) / 1000, K)
        points.append(p @ pose[:3, :3].T + pose[:3, 3])
    return np.concatenate(points)


def _human(data: Path) -> NDArray[np.float64]:
    """One voxelised person (MVUB david, research terms); andrew and phil are held out."""
    import trimesh

    return np.asarray(trimesh.load(data / "pcc" / "humans" / "david9_vox8.ply").vertices, np.float64)
