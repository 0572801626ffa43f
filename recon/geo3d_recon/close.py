"""A closed surface from any triangles, by the winding number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.types import TriangleMesh
from geo3d_recon.marching import marching_tetrahedra
from geo3d_recon.winding import WindingTree


def close(mesh: TriangleMesh, resolution: int = 112) -> TriangleMesh:
    """Re-mesh the region of winding number above one half: closed, manifold, without self-intersections.

    Holes are spanned, doubled and stray sheets vanish (Jacobson et al. 2013).  Where the given surface is clean,
    the new one follows it to a small part of a cell.

    resolution  cells along the longest side
    """
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    cell = float((high - low).max()) / resolution
    origin = low - 2.5 * cell
    shape = np.ceil((high - low) / cell).astype(int) + 6
    corners = mesh.vertices[mesh.faces]
    moments = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    tree = WindingTree.build(corners.mean(axis=1))

    grid = np.stack(np.meshgrid(*[np.arange(s) for s in shape], indexing="ij"), -1).reshape(-1, 3) * cell + origin
    w = tree.field(moments, grid, cell / 4).reshape(shape)
    inside = w > 0.5
    near = _beside_change(inside)
    distance = np.full(tuple(shape), cell)
    distance[near] = _distance(mesh, grid[near.reshape(-1)])
    # The distance places the surface; where a hole was spanned there is none, and the winding number does.
    value = np.where(inside, -distance, distance)
    spanned = _spanned(value, cell)
    value = np.where(spanned, (0.5 - w) * cell, value)
    value = np.pad(value[1:-1, 1:-1, 1:-1], 1, constant_values=cell)
    return marching_tetrahedra(value, origin, cell)


def _distance(mesh: TriangleMesh, queries: NDArray[np.float64]) -> NDArray[np.float64]:
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    return scene.compute_distance(queries.astype(np.float32)).numpy().astype(np.float64)


def _beside_change(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Grid points with an axis or diagonal neighbour on the other side."""
    from scipy import ndimage

    block = np.ones((3, 3, 3), dtype=bool)
    return ndimage.binary_dilation(inside, block) & ~ndimage.binary_erosion(inside, block)


def _spanned(value: NDArray[np.float64], cell: float) -> NDArray[np.bool_]:
    """Grid points beside a change of sign across which the distance does not vanish."""
    out = np.zeros(value.shape, dtype=bool)
    for axis in range(3):
        a = np.moveaxis(value, axis, 0)
        hole = ((a[1:] < 0) != (a[:-1] < 0)) & (np.abs(a[1:]) + np.abs(a[:-1]) > 1.8 * cell)
        o = np.moveaxis(out, axis, 0)
        o[1:] |= hole
        o[:-1] |= hole
    return out
