"""A random room: walls, furniture made of boxes and cylinders, optional shapes, everything textured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from geo3d.types import TriangleMesh

TEXTURE_SIZE = 256


@dataclass(frozen=True, eq=False)
class Room:
    """Triangles with a texture each.

    mesh             all surfaces, z up, floor at z = 0, metres
    texture_of_face  [F] int32 index into `textures`
    textures         [K, S, S, 3] uint8, tiling
    texture_metres   [K] edge length of one tile of each texture
    size             [3] inner extent of the room, metres
    texture_frame    [K, 4] x y z that a texture starts at, and 1 or -1: turned by half a turn; None: all at 0, 1
    """

    mesh: TriangleMesh
    texture_of_face: NDArray[np.int32]
    textures: NDArray[np.uint8]
    texture_metres: NDArray[np.float64]
    size: NDArray[np.float64]
    texture_frame: NDArray[np.float64] | None = None


# Vertices [V, 3] and faces [F, 3] of one piece with one texture.
Part = tuple[NDArray[np.float64], NDArray[np.int32]]


def random_room(seed: int, *, shapes: Sequence[TriangleMesh] = (), images: Sequence[NDArray[np.uint8]] = ()) -> Room:
    """Build a room of 3 to 7 m with 8 to 20 pieces of furniture.

    Parameters
    ----------
    shapes : meshes to stand on floor and tables; each is scaled to 0.2 to 0.8 m.
    images : [H, W, 3] pictures that become textures beside the procedural ones.
    """
    rng = np.random.default_rng(seed)
    size = np.array([rng.uniform(3, 7), rng.uniform(3, 7), rng.uniform(2.3, 3.0)])
    parts = shell(size)
    for _ in range(int(rng.integers(8, 21))):
        parts.extend(furniture(rng, size))
    for shape in shapes:
        parts.append(placed(shape, rng, size))
    textures = np.stack([texture(rng, images) for _ in range(len(parts))])
    return joined(parts, textures, rng.uniform(0.6, 2.0, len(parts)), size)


def shell(size: NDArray[np.float64]) -> list[Part]:
    """Walls, floor and ceiling of a room with one corner at the origin: x, y, z, the low side first."""
    parts = []
    for axis in range(3):
        for side in (0.0, 1.0):
            extent = size.copy()
            extent[axis] = 0.05
            center = size / 2
            center[axis] = side * size[axis] + (side - 0.5) * 0.05
            parts.append(box(center, extent, 0.0))
    return parts


def joined(
    parts: Sequence[Part],
    textures: NDArray[np.uint8],
    texture_metres: NDArray[np.float64],
    size: NDArray[np.float64],
    texture_frame: NDArray[np.float64] | None = None,
) -> Room:
    """One room of parts, the k-th with the k-th texture."""
    vertices, faces, owner, start = [], [], [], 0
    for index, (v, f) in enumerate(parts):
        vertices.append(v)
        faces.append(f + start)
        owner.append(np.full(len(f), index, np.int32))
        start += len(v)
    mesh = TriangleMesh(np.concatenate(vertices), np.concatenate(faces))
    return Room(mesh, np.concatenate(owner), textures, texture_metres, size, texture_frame)


def box(center: NDArray[np.float64], extent: NDArray[np.float64], yaw: float) -> Part:
    """A box about its center, turned about z."""
    import trimesh

    shape = trimesh.creation.box(extent)
    return turned(np.asarray(shape.vertices), yaw) + center, np.asarray(shape.faces, np.int32)


def turned(vertices: NDArray[np.float64], yaw: float) -> NDArray[np.float64]:
    """[N, 3] turned about z."""
    c, s = np.cos(yaw), np.sin(yaw)
    return vertices @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]).T


def furniture(rng: np.random.Generator, size: NDArray[np.float64]) -> list[Part]:
    """The parts of one piece of furniture somewhere on the floor."""
    import trimesh

    yaw = rng.choice([0.0, np.pi / 2]) + rng.normal() * 0.1
    at = np.array([*(rng.uniform(0.1, 0.9, 2) * size[:2]), 0.0])
    kind = rng.integers(5)
    if kind == 0:  # a table: a plate on four legs
        w, d, h = rng.uniform(0.6, 1.6), rng.uniform(0.5, 0.9), rng.uniform(0.45, 0.8)
        parts = [box(at + [0, 0, h], np.array([w, d, 0.04]), yaw)]
        corners = np.array([[x, y, 0] for x in (-1, 1) for y in (-1, 1)]) * [w / 2 - 0.04, d / 2 - 0.04, 0]
        return parts + [box(at + c + [0, 0, h / 2], np.array([0.05, 0.05, h]), yaw) for c in turned(corners, yaw)]
    if kind == 1:  # a shelf against nothing in particular
        w, d, h = rng.uniform(0.5, 1.2), rng.uniform(0.25, 0.4), rng.uniform(0.8, 2.0)
        levels = np.linspace(0.1, h, int(rng.integers(2, 6)))
        boards = [box(at + [0, 0, z], np.array([w, d, 0.03]), yaw) for z in levels]
        sides = turned(np.array([[-w / 2, 0, h / 2], [w / 2, 0, h / 2]]), yaw)
        return boards + [box(at + s, np.array([0.03, d, h]), yaw) for s in sides]
    if kind == 2:  # a cylinder: bin, lamp, bottle
        r, h = rng.uniform(0.04, 0.25), rng.uniform(0.2, 1.4)
        body = trimesh.creation.cylinder(r, h, sections=24)
        return [(np.asarray(body.vertices) + at + [0, 0, h / 2], np.asarray(body.faces, np.int32))]
    if kind == 3:  # a ball
        r = rng.uniform(0.08, 0.3)
        ball = trimesh.creation.icosphere(3, r)
        lift = r + rng.choice([0, rng.uniform(0, 1)])
        return [(np.asarray(ball.vertices) + at + [0, 0, lift], np.asarray(ball.faces, np.int32))]
    extent = rng.uniform(0.15, 0.9, 3)  # a box: crate, cupboard, book
    return [box(at + [0, 0, extent[2] / 2], extent, yaw)]


def placed(shape: TriangleMesh, rng: np.random.Generator, size: NDArray[np.float64]) -> Part:
    """A shape scaled to furniture's size, standing on the floor or at a table's height."""
    v = shape.vertices - (shape.vertices.min(0) + shape.vertices.max(0)) / 2
    v = v / max(float(np.ptp(v, axis=0).max()), 1e-9) * rng.uniform(0.2, 0.8)
    v = turned(v, rng.uniform(0, 2 * np.pi))
    v[:, 2] -= v[:, 2].min() - rng.choice([0.0, 0.6, 0.75])
    return v + [*(rng.uniform(0.15, 0.85, 2) * size[:2]), 0], shape.faces


def texture(rng: np.random.Generator, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """[S, S, 3] one of the images or noise in two colours, stripes or tiles."""
    n = TEXTURE_SIZE
    if images and rng.uniform() < 0.4:
        image = images[int(rng.integers(len(images)))]
        rows = np.linspace(0, image.shape[0] - 1, n).astype(int)
        columns = np.linspace(0, image.shape[1] - 1, n).astype(int)
        return image[rows][:, columns]
    base, other = rng.uniform(30, 225, 3), rng.uniform(30, 225, 3)
    # Value noise in octaves; wrapped zoom keeps the tile seamless.
    blend = np.zeros((n, n))
    roughness = rng.uniform(0.4, 0.8)
    for octave in range(2, 8):
        grid = rng.normal(size=(2**octave, 2**octave))
        blend += roughness**octave * zoom(grid, n / 2**octave, order=1, mode="grid-wrap", grid_mode=True)
    blend = (blend - blend.min()) / np.ptp(blend)
    if rng.uniform() < 0.4:  # stripes, tiles
        period = int(rng.choice([16, 32, 64]))
        y, x = np.mgrid[:n, :n]
        pattern = ((x // period + (y // period) * rng.integers(2)) % 2).astype(float)
        blend = 0.5 * blend + 0.5 * pattern
    if rng.uniform() < 0.25:  # a nearly plain wall
        other = base + rng.uniform(-12, 12, 3)
    color = base + blend[..., None] * (other - base)
    return color.clip(0, 255).astype(np.uint8)
