"""Marching tetrahedra over the cells of a sparse grid whose eight corners are all there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh
from geo3d_recon.marching import _CASES, _MARGIN, _TETRAHEDRA

_OFFSETS = np.array([[c >> 2 & 1, c >> 1 & 1, c & 1] for c in range(8)])


def mixed_cells(coords: NDArray[np.integer], inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[M, 8] rows of the corners (bits x y z) of whole cells with corners on both sides.

    coords  [V, 3] unique corners, values within 2^20 of each other
    inside  [V] on which side each is
    """
    keys = _keys(coords)
    order = np.argsort(keys)
    ordered = keys[order]
    cells = np.arange(len(keys))[:, None]
    for offset in _OFFSETS[1:]:
        wanted = keys[cells[:, 0]] + (int(offset[0]) << 42 | int(offset[1]) << 21 | int(offset[2]))
        found = np.searchsorted(ordered, wanted).clip(0, len(ordered) - 1)
        there = ordered[found] == wanted
        cells = np.concatenate([cells[there], order[found[there]][:, None]], axis=1)
    count = inside[cells].sum(axis=1)
    return cells[(count > 0) & (count < 8)]


def marching_sparse(
    coords: NDArray[np.integer], values: NDArray[np.floating], origin: NDArray[np.floating], cell: float
) -> TriangleMesh:
    """The surface values = 0, negative inside; see `marching.marching_tetrahedra`.

    coords  [V, 3] unique corners; values [V] at them
    origin  [3] position of the corner (0, 0, 0); cell: edge length
    """
    inside = np.asarray(values) < 0
    cells = mixed_cells(coords, inside)
    edges = []
    for corners, right_handed in _TETRAHEDRA:
        grid = cells[:, corners]
        mask = (inside[grid] * np.array([1, 2, 4, 8])).sum(axis=1)
        for case, triangles in _CASES.items():
            hit = grid[mask == case]
            for loop in triangles:
                order = loop if right_handed else loop[::-1]
                edges.append(np.stack([hit[:, [i for i, _ in order]], hit[:, [o for _, o in order]]], -1))
    pairs = np.concatenate(edges).reshape(-1, 2) if edges else np.zeros((0, 2), np.int64)
    unique, faces = np.unique(pairs[:, 0] * len(values) + pairs[:, 1], return_inverse=True)
    a, b = unique // len(values), unique % len(values)
    va, vb = values[a].astype(np.float64), values[b].astype(np.float64)
    t = (va / (va - vb)).clip(_MARGIN, 1 - _MARGIN)[:, None]
    vertices = coords[a] + (coords[b] - coords[a]) * t
    return TriangleMesh(vertices * cell + origin, faces.reshape(-1, 3).astype(np.int32))


def _keys(coords: NDArray[np.integer]) -> NDArray[np.int64]:
    c = coords.astype(np.int64) - coords.min(axis=0)
    return c[:, 0] << 42 | c[:, 1] << 21 | c[:, 2]
