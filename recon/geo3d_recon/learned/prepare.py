"""Step one of training: shapes to clouds, queries and true distances, as one compact tensor file.

Each cloud is one shape sampled once: number of points, noise, outliers and visibility are drawn at random.  What costs
time and needs geometry libraries (normals, winding numbers, true distances) is done here, so that `fit` needs only
numpy, torch and torch-geometric.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress
from geo3d.errors import Geo3DError, ReconstructionError
from geo3d.io.atomic import atomic_path
from geo3d.types import TriangleMesh
from geo3d_recon.bench.held_out import HELD_OUT, VALIDATION
from geo3d_recon.bench.metrics import sample_surface
from geo3d_recon.learned.graph import Surroundings, point_cues
from geo3d_recon.learned.procedural import random_solid
from geo3d_recon.orient import WNNC
from geo3d_recon.spacing import spacing

Floats = NDArray[np.float64]
WINDING_WIDTH = 0.5  # spacings; the softening of the winding number that the network sees


@dataclass(frozen=True)
class PrepareConfig:
    """What is made.

    shapes      folder of watertight meshes; the families of `geo3d_recon.bench.held_out` are left out
    repositories  where `inventory_train.csv` in that folder says the shapes must come from (empty: anywhere)
    without     beginnings of names left out, for shapes whose terms differ from their repository's
    validation  take the validation families instead of leaving them out, and no made-up solids
    clouds      how many clouds
    procedural  share of them that are made-up solids
    points      least and most points of a cloud (drawn log-uniformly)
    queries     distances a cloud
    """

    shapes: Path
    repositories: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    validation: bool = False
    clouds: int = 300
    procedural: float = 0.35
    points: tuple[int, int] = (150, 4000)
    queries: int = 1536
    seed: int = 0


def prepare(config: PrepareConfig, out: Path) -> None:
    """Write the clouds to one safetensors file."""
    from safetensors.numpy import save_file

    names = shapes_of(config)
    if not names:
        raise Geo3DError(f"{config.shapes} holds no *.ply to train on")
    tensors: dict[str, NDArray[np.generic]] = {}
    order = np.random.default_rng(config.seed).permutation(len(names))
    made, procedural = 0, 0.0 if config.validation else config.procedural
    for i in progress(range(config.clouds), "preparing"):
        rng = np.random.default_rng([config.seed, i])
        shape = random_solid(rng) if rng.random() < procedural else load_shape(names[order[i % len(names)]])
        try:
            cloud = make_cloud(shape, config, rng)
        except ReconstructionError:
            continue
        tensors |= {f"{made}/{k}": v for k, v in cloud.items()}
        made += 1
    with atomic_path(out) as temporary:
        save_file(tensors, temporary, metadata={"clouds": str(made)})


def shapes_of(config: PrepareConfig) -> list[Path]:
    """The files to sample."""
    if config.validation:
        return sorted(p for p in config.shapes.glob("*.ply") if p.stem in VALIDATION)
    files = sorted(p for p in config.shapes.glob("*.ply") if p.stem not in HELD_OUT | VALIDATION)
    files = [p for p in files if not p.stem.startswith(config.without)]
    if config.repositories:
        with (config.shapes / "inventory_train.csv").open(newline="") as file:
            free = {r["name"] for r in csv.DictReader(file) if r["repo"] in config.repositories}
        files = [p for p in files if p.stem in free]
    return files


def load_shape(path: Path) -> TriangleMesh:
    """Read one shape."""
    import trimesh

    return TriangleMesh.from_trimesh(trimesh.load(path, process=False))


def make_cloud(shape: TriangleMesh, config: PrepareConfig, rng: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    """One cloud with its queries; lengths in units of the cloud's spacing, about the cloud's centre."""
    low, high = np.log(config.points)
    count = int(np.exp(rng.uniform(low, high)))
    points, _ = sample_surface(shape, count, int(rng.integers(1 << 31)))
    points = _seen(points, rng) if rng.random() < 0.15 else points
    points = points + rng.normal(size=points.shape) * rng.choice([0.0, 0.0, 0.0025, 0.005, 0.005, 0.005, 0.01])
    if rng.random() < 0.1:
        stray = rng.uniform(-0.55, 0.55, (max(1, len(points) // 50), 3))
        points = np.concatenate([points, stray])
    if len(points) < 60:
        raise ReconstructionError("too few points are left")
    truth = Truth(shape)
    h = spacing(points)
    cues = point_cues(Surroundings.of(points, h), WNNC().moments(points), h)
    queries = np.concatenate(list(_queries(shape, points, h, config.queries, rng)))
    distance, normal = truth(points)
    half = np.float16
    return {
        "points": (points / h).astype(np.float32),
        "normals": cues.normals.astype(half),
        "axes": cues.axes.astype(half),
        "area": cues.area.astype(half),
        "node": cues.node.astype(half),
        "queries": (queries / h).astype(np.float32),
        "distance": (truth.distance(queries) / h).clip(-3, 3).astype(half),
        "point_distance": (distance / h).clip(-3, 3).astype(half),
        "point_normal": normal.astype(half),
    }


def _seen(points: Floats, rng: np.random.Generator) -> Floats:
    """What is left when a random side, or a random ball, was not scanned."""
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    if rng.random() < 0.5:
        return points[points @ direction > np.quantile(points @ direction, rng.uniform(0, 0.4))]
    center = points[rng.integers(len(points))]
    return points[np.linalg.norm(points - center, axis=1) > rng.uniform(0.05, 0.25)]


def _queries(shape: TriangleMesh, points: Floats, h: float, count: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Most near the surface and near samples, some anywhere within three spacings of a sample."""
    from scipy.spatial import cKDTree

    surface, _ = sample_surface(shape, 2 * count, int(rng.integers(1 << 31)))
    tree = cKDTree(points)
    near = tree.query(surface)[0] < 3 * h
    surface = surface[near][: count // 2]
    yield surface + rng.normal(size=surface.shape) * h * rng.choice([0.15, 0.5, 1.0], (len(surface), 1))
    picked = points[rng.integers(len(points), size=count - len(surface))]
    yield picked + rng.normal(size=picked.shape) * h * rng.choice([0.5, 1.2], (len(picked), 1))


class Truth:
    """Exact distances to a watertight mesh."""

    def __init__(self, shape: TriangleMesh) -> None:
        import open3d as o3d

        self._scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        self._scene.add_triangles(shape.vertices.astype(np.float32), shape.faces.astype(np.uint32))

    def distance(self, queries: Floats) -> Floats:
        """[Q] signed distance, negative inside (parity of three rays)."""
        return self._scene.compute_signed_distance(queries.astype(np.float32), nsamples=3).numpy().astype(np.float64)

    def __call__(self, points: Floats) -> tuple[Floats, Floats]:
        """Signed distance and the surface normal at the closest point."""
        found = self._scene.compute_closest_points(points.astype(np.float32))
        return self.distance(points), found["primitive_normals"].numpy().astype(np.float64)
