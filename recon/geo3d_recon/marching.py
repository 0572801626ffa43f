"""Marching tetrahedra: the surface where a sampled field changes sign.

Each cell of the grid is cut into the six tetrahedra of Kuhn's subdivision (Doi and Koide 1991 describe the extraction).
Unlike marching cubes there is no ambiguous case: whatever the values, the surface is manifold, closed where the
field is positive on the border of the grid, and does not intersect itself, because every triangle stays in its own
tetrahedron.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh
from geo3d_recon.snapping import merge_around_grid_points

Floats = NDArray[np.floating]
_MARGIN = 0.02  # a vertex stays this far (in edges) from the grid points, so that no triangle is degenerate


def _tetrahedra() -> list[tuple[list[int], bool]]:
    """Corners (bits x y z) of the six tetrahedra, each a monotone path 0 → 7, and whether it is right-handed."""
    result = []
    for path in itertools.permutations((4, 2, 1)):
        corners = [0, path[0], path[0] | path[1], 7]
        xyz = np.array([[c >> 2 & 1, c >> 1 & 1, c & 1] for c in corners])
        result.append((corners, bool(np.linalg.det(xyz[1:] - xyz[0]) > 0)))
    return result


def _triangles(inside: tuple[int, ...]) -> list[list[tuple[int, int]]]:
    """Triangles of a right-handed tetrahedron as edges (inside corner, outside corner), normals to the outside."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    outside = tuple(i for i in range(4) if i not in inside)
    if len(inside) == 1 or len(outside) == 1:
        loops = [[(i, o) for i in inside for o in outside]]
    else:
        (a, b), (c, d) = inside, outside
        loops = [[(a, c), (a, d), (b, d)], [(a, c), (b, d), (b, c)]]
    direction = corners[list(outside)].mean(axis=0) - corners[list(inside)].mean(axis=0)
    result = []
    for loop in loops:
        p, q, r = ((corners[i] + corners[o]) / 2 for i, o in loop)
        result.append(loop if np.cross(q - p, r - p) @ direction > 0 else loop[::-1])
    return result


_TETRAHEDRA = _tetrahedra()
_CASES = {
    mask: _triangles(tuple(i for i in range(4) if mask >> i & 1)) for mask in range(1, 15)
}  # bit i of the mask: corner i is inside


def marching_tetrahedra(values: Floats, origin: Floats, cell: float, snap: bool = False) -> TriangleMesh:
    """The surface values = 0 of a grid, negative inside, normals to the positive side.

    values  [X, Y, Z]; NaN counts as outside
    origin  [3] position of values[0, 0, 0]
    cell    edge length
    snap    merge vertices around grid points (`snapping.snap`): three tenths fewer faces, and fewer thin ones
    """
    shape = np.array(values.shape)
    flat = np.where(np.isnan(values), np.inf, values).reshape(-1)
    inside = flat < 0
    stride = np.array([shape[1] * shape[2], shape[2], 1])
    offsets = np.array([(c >> 2 & 1) * stride[0] + (c >> 1 & 1) * stride[1] + (c & 1) for c in range(8)])
    cells = _mixed_cells(inside.reshape(values.shape))

    edges, sides = [], []
    for corners, right_handed in _TETRAHEDRA:
        grid = cells[:, None] + offsets[corners]
        mask = (inside[grid] * np.array([1, 2, 4, 8])).sum(axis=1)
        for case, triangles in _CASES.items():
            hit = grid[mask == case]
            if not len(hit):
                continue
            for loop in triangles:
                order = loop if right_handed else loop[::-1]
                edges.append(np.stack([hit[:, [i for i, _ in order]], hit[:, [o for _, o in order]]], -1))
                sides.append(len(hit))
    if not edges:
        return TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    pairs = np.concatenate(edges).reshape(-1, 2)
    unique, faces = np.unique(pairs[:, 0] * len(flat) + pairs[:, 1], return_inverse=True)
    a, b = unique // len(flat), unique % len(flat)
    va, vb = flat[a].astype(np.float64), flat[b].astype(np.float64)
    with np.errstate(invalid="ignore"):
        t = np.where(np.isinf(va) | np.isinf(vb), 0.5, va / (va - vb)).clip(_MARGIN, 1 - _MARGIN)[:, None]
    pa, pb = (np.stack(np.unravel_index(i, values.shape), -1).astype(np.float64) for i in (a, b))
    vertices, faces = pa + (pb - pa) * t, faces.reshape(-1, 3)
    if snap:
        vertices, faces = merge_around_grid_points(inside.reshape(values.shape), a, b, t[:, 0], vertices, faces)
    return TriangleMesh(vertices * cell + origin, faces.astype(np.int32))


def corners_of_mixed_cells(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The grid points of cells that have corners on both sides."""
    count = _insiders(inside)
    mixed = (count > 0) & (count < 8)
    out = np.zeros_like(inside)
    for x, y, z in itertools.product((0, 1), repeat=3):
        out[x : x + count.shape[0], y : y + count.shape[1], z : z + count.shape[2]] |= mixed
    return out


def _mixed_cells(inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Flat index of the lowest corner of each cell that has corners on both sides."""
    count = _insiders(inside)
    i, j, k = np.nonzero((count > 0) & (count < 8))
    return (i * inside.shape[1] + j) * inside.shape[2] + k


def _insiders(inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """How many of the eight corners of each cell are inside."""
    count = np.zeros(tuple(s - 1 for s in inside.shape), dtype=np.uint8)
    for x, y, z in itertools.product((0, 1), repeat=3):
        count += inside[x : x + count.shape[0], y : y + count.shape[1], z : z + count.shape[2]]
    return count
