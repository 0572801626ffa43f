"""Clouds to train on: sampled meshes, depth frames and ray-cast scenes, as float points in cells of the grid.

Every source is freely licensed or synthetic; what each kind imitates is said at its function.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Shape names, by folder of origin, whose terms are not free (research only, non-commercial, unstated).
FREE_REPOSITORIES = (
    "mikedh/trimesh",
    "Farama-Foundation/Metaworld",
    "pyvista/vtk-data",
    "bulletphysics/bullet3",
    "assimp/assimp",
    "McNopper/OpenGL",
    "mickare/Robust-Reconstruction-of-Watertight-3D-Models",
    "odedstein/meshes",
)
NOT_FREE = (
    *("lucy", "bunny", "horse", "dragon", "armadillo", "bicycle", "brucewick", "mushroom", "oded_cow"),
    *("falconstatue", "lionstatue", "tower", "springer", "stuffedtoy", "ogre"),
)


def free_meshes(folder: Path) -> list[Path]:
    """Meshes of `folder` whose repository and name are free to redistribute."""
    import csv

    with (folder / "inventory_train.csv").open() as f:
        rows = list(csv.DictReader(f))
    return [
        folder / f"{r['name']}.ply"
        for r in rows
        if r["repo"] in FREE_REPOSITORIES and not any(word in r["name"].lower() for word in NOT_FREE)
    ]


def random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Uniform rotation [3, 3]."""
    q = rng.normal(size=4)
    w, x, y, z = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def mesh_surface(path: Path, cells: float, window: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sampled surface of a mesh `cells` long, in a box of side `window` around one of its points.

    Sculpted relief, capture noise (smooth over a few cells, sometimes seen twice, as in multi-view reconstructions),
    sensor noise and sampling density are drawn at random.
    """
    import trimesh

    mesh = trimesh.load(path, process=False)
    mesh.vertices = np.asarray(mesh.vertices) @ random_rotation(rng).T * cells
    centre = (
        trimesh.sample.sample_surface(mesh, 1, seed=int(rng.integers(2**31)))[0][0] + rng.uniform(-0.2, 0.2, 3) * window
    )
    corners = np.asarray(mesh.vertices)[mesh.faces]
    near = ((corners.min(1) < centre + window / 2) & (corners.max(1) > centre - window / 2)).all(1)
    mesh.update_faces(near)
    density = float(rng.choice([3.0, 6.0, 12.0, 12.0]))
    n = int(min(mesh.area * density, 2_000_000))
    points, faces = trimesh.sample.sample_surface(mesh, n, seed=int(rng.integers(2**31)))
    inside = (np.abs(points - centre) < window / 2).all(1)
    points, normals = np.asarray(points[inside]), mesh.face_normals[faces[inside]]
    if rng.random() < 0.6:
        points = points + normals * relief(points, rng)[:, None]
    if rng.random() < 0.5:
        points = captured(points, normals, rng)
    if rng.random() < 0.3:
        points = points + rng.normal(0, rng.uniform(0.05, 0.7), points.shape)
    if rng.random() < 0.15:
        points = points[rng.random(len(points)) < rng.uniform(0.02, 0.5)]
    return np.asarray(points)


def relief(points: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth displacement in cells: plane waves of random direction, amplitude proportional to wavelength."""
    total = np.zeros(len(points))
    slope = rng.uniform(0.01, 0.12)
    for wavelength in rng.uniform(6, 80, 6):
        direction = rng.normal(size=3)
        direction *= 2 * np.pi / wavelength / np.linalg.norm(direction)
        total += slope * wavelength * np.sin(points @ direction + rng.uniform(0, 2 * np.pi))
    return total


def captured(
    points: NDArray[np.float64], normals: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """The surface as one or two captures give it: displaced by noise that is smooth over a few cells."""
    pitch, amplitude = rng.uniform(1.5, 6), rng.uniform(0.1, 0.8)
    views = 2 if rng.random() < 0.25 else 1
    parts = [points + normals * (amplitude * value_noise(points / pitch, rng))[:, None] for _ in range(views)]
    if views == 2:
        # The second capture sees a part of the surface alone.
        axis = rng.normal(size=3)
        side = parts[1] @ axis
        parts[1] = parts[1][side > np.quantile(side, rng.uniform(0.2, 0.8))] + rng.normal(0, 0.4, 3)
    return np.concatenate(parts)


def value_noise(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Normal deviates on the unit lattice, interpolated trilinearly at `x` [N, 3]."""
    table = rng.normal(size=1 << 16)
    low = np.floor(x).astype(np.int64)
    part = x - low
    total = np.zeros(len(x))
    for corner in range(8):
        step = np.array([corner >> 2, corner >> 1 & 1, corner & 1])
        weight = np.where(step == 1, part, 1 - part).prod(1)
        total += weight * table[((low + step) @ np.array([7919, 104729, 1299709])) & 0xFFFF]
    return total


def unproject(depth: NDArray[np.float64], K: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points [M, 3] of the pixels with depth, in its unit, camera frame."""
    v, u = np.nonzero(depth > 0)
    z = depth[v, u]
    return np.stack([(u - K[0, 2]) / K[0, 0] * z, (v - K[1, 2]) / K[1, 1] * z, z], axis=1)


def random_scene(meshes: list[Path], rng: np.random.Generator, outdoors: bool):  # type: ignore[no-untyped-def]
    """An Open3D ray-casting scene of planes, boxes and shapes: a room of about 4 m, or a street of 120 m."""
    import open3d as o3d
    import trimesh

    scene = o3d.t.geometry.RaycastingScene()
    size = 120.0 if outdoors else rng.uniform(3, 6)
    parts = [trimesh.creation.box((size * 2, size * 2, 0.1))]
    parts[0].apply_translation((0, 0, -0.05))
    for _ in range(int(rng.integers(20, 45)) if outdoors else int(rng.integers(5, 10))):
        extent = rng.uniform(0.3, 12, 3) if outdoors else rng.uniform(0.1, 1.2, 3)
        if rng.random() < 0.5:
            part = trimesh.creation.box(extent)
        else:
            part = trimesh.load(meshes[int(rng.integers(len(meshes)))], process=False)
            part.vertices = np.asarray(part.vertices) @ random_rotation(rng).T * extent.max()
        angle, radius = rng.uniform(0, 2 * np.pi), size * (0.05 + 0.9 * rng.random() ** 1.5)
        part.apply_translation(
            (radius * np.cos(angle), radius * np.sin(angle), -part.bounds[0][2] - rng.uniform(0, 0.2))
        )
        parts.append(part)
    if not outdoors:
        for axis, sign in ((0, 1), (0, -1), (1, 1)):
            wall = trimesh.creation.box(np.where(np.arange(3) == axis, 0.1, 2 * size))
            wall.apply_translation(np.eye(3)[axis] * sign * size * 0.8)
            parts.append(wall)
    for part in parts:
        scene.add_triangles(np.asarray(part.vertices, np.float32), np.asarray(part.faces, np.uint32))
    return scene


class Camera(NamedTuple):
    """Intrinsics and pose of a synthetic depth camera."""

    K: NDArray[np.float64]  # [3, 3]
    R: NDArray[np.float64]  # [3, 3], camera to world
    position: NDArray[np.float64]  # [3]


def random_camera(rng: np.random.Generator, reach: float = 0.0) -> Camera:
    """A hand-held camera, up to `reach` metres from the middle of the room."""
    f = rng.uniform(360, 640)
    pitch, yaw = rng.uniform(0.1, 0.7), rng.uniform(0, 2 * np.pi)
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    position = np.array([*rng.uniform(-reach, reach, 2), rng.uniform(0.8, 1.8)])
    return Camera(
        np.array([[f, 0, 319.5], [0, f, 239.5], [0, 0, 1]]),
        np.stack([right, np.cross(forward, right), forward], axis=1),
        position,
    )


def cast_depth_frame(scene, camera: Camera, structured: bool, rng: np.random.Generator) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    """A 640 x 480 depth frame in metres as a structured-light or a time-of-flight sensor gives it."""
    f = camera.K[0, 0]
    v, u = np.mgrid[:480, :640]
    rays = np.stack([(u - 319.5) / f, (v - 239.5) / f, np.ones_like(u)], -1) @ camera.R.T
    origin = np.broadcast_to(camera.position, rays.shape)
    z = scene.cast_rays(np.concatenate([origin, rays], -1).astype(np.float32))["t_hit"].numpy().astype(np.float64)
    z[~np.isfinite(z)] = 0
    z[(z < 0.3) | (z > 6)] = 0
    valid = z > 0
    if structured:
        # Disparity in eighths of a pixel at a base line of 75 mm.
        disparity = np.where(valid, f * 0.075 / np.maximum(z, 0.1), 0) + rng.normal(0, 0.06, z.shape)
        z = np.where(valid, f * 0.075 / np.maximum(np.round(disparity * 8) / 8, 0.5), 0)
    else:
        z = z + valid * rng.normal(0, rng.uniform(0.0005, 0.004), z.shape)
    return np.asarray(np.round(z * 1000) / 1000)


def cast_fusion(scene, rng: np.random.Generator) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    """Points in metres of 4 to 40 depth frames of one scene put together, their poses off by millimetres."""
    structured = bool(rng.random() < 0.6)
    off, turn = rng.uniform(0, 0.006), rng.uniform(0, 0.004)
    parts = []
    for _ in range(int(rng.integers(4, 40))):
        camera = random_camera(rng, 0.8)
        depth = cast_depth_frame(scene, camera, structured, rng)
        points = unproject(depth, camera.K) @ camera.R.T
        points += np.cross(rng.normal(0, turn, 3), points)
        parts.append(points + camera.position + rng.normal(0, off, 3))
    return np.concatenate(parts)


def cast_lidar(scene, rng: np.random.Generator) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    """One turn of a spinning LiDAR in metres, sensor at the origin: rings, azimuth steps, range noise, drop-outs."""
    rings = int(rng.choice([16, 32, 64, 64, 128]))
    low, high = rng.uniform(-30, -15), rng.uniform(2, 16)
    elevation = np.deg2rad(np.linspace(low, high, rings) + rng.normal(0, 0.02, rings))
    step = np.deg2rad(rng.choice([0.09, 0.17, 0.2, 0.35]))
    azimuth = np.arange(0, 2 * np.pi, step)
    a = azimuth[None, :] + rng.uniform(0, step, (rings, 1))
    e = elevation[:, None] + rng.normal(0, 2e-5, a.shape)
    d = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], -1)
    origin = np.broadcast_to([0, 0, 1.8], d.shape)
    t = scene.cast_rays(np.concatenate([origin, d], -1).astype(np.float32))["t_hit"].numpy().astype(np.float64)
    t = t + rng.normal(0, rng.uniform(0.003, 0.02), t.shape)
    keep = np.isfinite(t) & (t > 1.5) & (t < 110) & (rng.random(t.shape) > 0.05)
    return (d * t[..., None])[keep]
