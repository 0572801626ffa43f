"""What a scanner sees of a shape: depth frames from one or a few sides, patches left out, few points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh
from geo3d_recon.bench.metrics import sample_surface

Floats = NDArray[np.float64]
_PIXELS = 110  # along a side of a frame


def one_sided(shape: TriangleMesh, direction: Floats, count: int, seed: int, distance: float = 2.5) -> Floats:
    """[<= count, 3] surface points that a pinhole camera sees which looks against `direction` at the shape's middle.

    direction  [3] from the middle to the camera, any length
    distance   of the camera, in longest box sides
    """
    import open3d as o3d

    low, high = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
    size = float((high - low).max())
    forward = -direction / np.linalg.norm(direction)
    center = (low + high) / 2 - forward * distance * size
    right = np.cross(forward, [0.0, 0.0, 1.0] if abs(forward[2]) < 0.9 else [1.0, 0.0, 0.0])
    right /= np.linalg.norm(right)
    axis = np.linspace(-0.9, 0.9, _PIXELS) / distance
    u, v = np.meshgrid(axis, axis)
    rays = forward + u.reshape(-1, 1) * right + v.reshape(-1, 1) * np.cross(forward, right)
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(shape.vertices.astype(np.float32), shape.faces.astype(np.uint32))
    origins = np.broadcast_to(center, rays.shape)
    hit = scene.cast_rays(np.concatenate([origins, rays], axis=1).astype(np.float32))["t_hit"].numpy()
    seen = np.flatnonzero(np.isfinite(hit))
    seen = np.random.default_rng(seed).permutation(seen)[:count]
    return np.asarray(center + rays[seen] * hit[seen, None].astype(np.float64))


def partial(shape: TriangleMesh, rng: np.random.Generator, points: tuple[int, int] = (150, 4000)) -> Floats:
    """A random partial or sparse view; noise included.

    Six in ten are single frames, two in ten two or three frames from about the same side, the others even samples with
    a part cut off, or whole but few.
    """
    count = int(np.exp(rng.uniform(*np.log(points))))
    size = float(np.ptp(shape.vertices, axis=0).max())
    kind = rng.choice(["frame", "frames", "cut", "few"], p=[0.6, 0.2, 0.12, 0.08])
    if kind in ("frame", "frames"):
        first = rng.normal(size=3)
        first /= np.linalg.norm(first)
        number = 1 if kind == "frame" else int(rng.integers(2, 4))
        seen = [
            one_sided(
                shape, first + (k > 0) * rng.normal(size=3) * 0.7, count // number + 1, int(rng.integers(1 << 31))
            )
            for k in range(number)
        ]
        p = np.concatenate(seen)
    else:
        p, _ = sample_surface(shape, count if kind == "cut" else count // 8 + 40, int(rng.integers(1 << 31)))
        if kind == "cut":
            direction = rng.normal(size=3)
            along = p @ direction
            p = p[along > np.quantile(along, rng.uniform(0.2, 0.6))]
    return p + rng.normal(size=p.shape) * size * rng.choice([0.0, 0.002, 0.005, 0.01])
