"""The training task `octree-surface`: how likely octants are by their distance from the surface through a sparse cloud.

Meshes are sampled at a random density on a random grid, some with noise, and the octants of all levels counted:

    odds[0]  weights w of classes and distances so that a node's only child is octant o with probability w_o / sum w:
             maximum likelihood by fixed-point steps (Hunter, "MM algorithms for generalized Bradley-Terry models",
             2004)
    odds[1]  the share of octants that are occupied behind one that is
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.levels import POPCOUNT, Level, child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import morton_encode
from geo3d_compression.octree.surface import (
    AXIS,
    CLASSES,
    CURVED,
    CURVED_CLASS,
    FLAT,
    FLAT_CLASS,
    REACH,
    SLOPE_U,
    SLOPE_V,
    SurfaceFits,
)
from geo3d_compression.octree.training.sources import free_meshes, random_rotation
from geo3d_compression.training.card import write_weights
from geo3d_compression.training.settings import from_dict

_log = logging.getLogger(__name__)
_HEIGHTS = ((CURVED, CURVED_CLASS), (FLAT, FLAT_CLASS))
_ONE = 65535


@dataclass(frozen=True)
class Settings:
    """All settings of the task."""

    data: str = "../shared/data"
    name: str = "surface"
    meshes: int = 100
    held_out: tuple[str, ...] = ()
    fewest: int = 1000
    most: int = 15000
    depths: tuple[int, int] = (9, 14)
    noisy: float = 0.4
    nodes: int = 500_000
    steps: int = 40
    seed: int = 5


def train(config: dict[str, Any], out: Path) -> None:
    """Count, fit, write `surface.safetensors` and its card to `out`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    settings = from_dict(Settings, config)
    rng = np.random.default_rng(settings.seed)
    paths = [p for p in free_meshes(Path(settings.data) / "mesh") if p.stem not in settings.held_out]
    rng.shuffle(paths)  # type: ignore[arg-type]
    only: list[list[NDArray[np.uint8]]] = [[], []]
    seen = np.zeros((2, 2, CLASSES, REACH + 1))
    for k, path in enumerate(paths[: settings.meshes]):
        _log.info("%d of %d: %s", k + 1, settings.meshes, path.stem)
        voxels, depth = sampled(path, settings, rng)
        _count(voxels, depth, only, seen)
    odds = np.zeros((2, 2, CLASSES, REACH + 1))
    for k in range(2):
        rows = np.concatenate(only[k])
        odds[k, 0] = fit_weights(rows[rng.permutation(len(rows))[: settings.nodes]], settings.steps)
        odds[k, 1] = (seen[k, 1] + 0.5) / (seen[k].sum(0) + 2)
    integers = np.clip(np.round(odds * _ONE), 1, _ONE).astype(np.int32)
    write_weights(out, settings.name, {"odds": integers}, settings.steps, asdict(settings))


def sampled(path: Path, settings: Settings, rng: np.random.Generator) -> tuple[NDArray[np.int64], int]:
    """Unique voxels [N, 3] of a mesh, turned and sampled at random, and their depth."""
    import trimesh

    points = int(np.exp(rng.uniform(np.log(settings.fewest), np.log(settings.most))))
    depth = int(rng.integers(*settings.depths))
    mesh = trimesh.load(path, process=False)
    xyz = trimesh.sample.sample_surface(mesh, points, seed=int(rng.integers(2**31)))[0] @ random_rotation(rng).T
    xyz = (xyz - xyz.min(0)) / (xyz.max(0) - xyz.min(0)).max() * ((1 << depth) - 1)
    if rng.random() < settings.noisy:
        xyz = xyz + rng.normal(size=xyz.shape) * np.exp(rng.uniform(-1, 3))
    return np.unique(np.clip(np.round(xyz), 0, (1 << depth) - 1).astype(np.int64), axis=0), depth


def octant_distances(fits: NDArray[np.int32], height: int) -> NDArray[np.int64]:
    """Distances [n, 8] of the octants from a height, as `surface.octant_height` has them, up to `REACH`."""
    axis = fits[:, AXIS]
    u, v = np.where(axis == 0, 1, 0), np.where(axis == 2, 1, 2)
    columns = []
    for o in range(8):
        at = np.array([4 if o >> (2 - a) & 1 else -4 for a in range(3)])
        over = at[axis] - ((fits[:, SLOPE_U] * at[u] + fits[:, SLOPE_V] * at[v]) >> 10) - fits[:, height]
        columns.append(np.minimum(np.abs(over), REACH))
    return np.stack(columns, axis=1).astype(np.int64)


def fit_weights(rows: NDArray[np.uint8], steps: int) -> NDArray[np.float64]:
    """Weights [CLASSES, REACH + 1], at most 1 a class, from rows [n, 10] of class, octant and its 8 distances."""
    klass, octant, distances = rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2:].astype(np.int64)
    at = klass[:, None] * (REACH + 1) + distances
    size = CLASSES * (REACH + 1)
    hits = np.bincount(at[np.arange(len(at)), octant], minlength=size)
    weights = np.ones(size)
    for _ in range(steps):
        share = np.repeat(1 / weights[at].sum(1), 8)
        weights = (hits + 1) / (np.bincount(at.ravel(), share, size) + 1)
    table = weights.reshape(CLASSES, -1)
    return np.asarray(table / table.max(1, keepdims=True))


def _count(
    voxels: NDArray[np.int64],
    depth: int,
    only: list[list[NDArray[np.uint8]]],  # by height: rows of nodes with one child
    seen: NDArray[
        np.float64
    ],  # [2, 2, CLASSES, REACH + 1] by height and whether occupied: octants behind a first child
) -> None:
    level, surface = root_level(), SurfaceFits()
    for occupancy in occupancy_of(np.sort(morton_encode(voxels)), depth):
        fits = surface.of(level)[:-1]
        if level.size > 100:
            _count_level(level, fits, occupancy[:-1].astype(np.int64), only, seen)
        level = child_level(level, occupancy)


def _count_level(
    level: Level,
    fits: NDArray[np.int32],
    occupancy: NDArray[np.int64],
    only: list[list[NDArray[np.uint8]]],
    seen: NDArray[np.float64],
) -> None:
    fitted = fits[:, FLAT_CLASS] > 0
    alone = fitted & (POPCOUNT[occupancy] == 1)
    octant = np.log2(occupancy[alone]).astype(np.int64)
    for k, (height, klass) in enumerate(_HEIGHTS):
        distances = octant_distances(fits, height)
        only[k].append(np.column_stack([fits[alone, klass], octant, distances[alone]]).astype(np.uint8))
        for o in range(1, 8):
            behind = fitted & ((occupancy & ((1 << o) - 1)) != 0)
            bit = occupancy[behind] >> o & 1
            np.add.at(seen[k], (bit, fits[behind, klass], distances[behind, o]), 1)
