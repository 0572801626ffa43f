"""An open surface through dense one-sided scans: averaged, smoothed, triangulated by ball pivoting.

Depth frames and other partial scans have no inside, so no winding number tells their sides apart.  A surface through
the samples needs sides only where it is one piece, and there a spanning tree gives them (Hoppe et al. 1992).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ReconstructionError
from geo3d.ops import voxelize
from geo3d.types import PointCloud, TriangleMesh
from geo3d_recon.planes import local_planes
from geo3d_recon.samples import Samples
from geo3d_recon.spacing import spacing

_CELL, _FINEST = 0.8, 1 / 400  # samples closer than this many spacings, and than this part of the box, are averaged
_NEIGHBOURS = 12  # of the projection onto local planes
_MOST = 0.5  # spacings that the projection moves a sample
_TREE = 8  # neighbours of the spanning tree
_RADII = (0.9, 1.4, 2.2, 3.5)  # of the balls, in spacings


def sheet(samples: Samples) -> TriangleMesh:
    """Triangles between averaged samples that lie on their neighbours' planes; open wherever the scan is."""
    import open3d as o3d

    points = _project(_average(samples.points))
    _, normals, _ = local_planes(points, _NEIGHBOURS)
    # Qhull, which orients along a Delaunay graph, refuses exactly cospherical points.
    h = spacing(points)
    jitter = np.random.default_rng(0).normal(size=points.shape) * 1e-4 * h
    cloud = PointCloud(points + jitter, normals=normals.astype(np.float32)).to_open3d()
    try:
        cloud.orient_normals_consistent_tangent_plane(_TREE)
    except RuntimeError as error:
        raise ReconstructionError("the normals cannot be oriented along a graph; try --method alpha") from error
    radii = o3d.utility.DoubleVector([h * r for r in _RADII])
    mesh = TriangleMesh.from_open3d(o3d.geometry.TriangleMesh.create_from_point_cloud_ball_pivoting(cloud, radii))
    if not len(mesh.faces):
        raise ReconstructionError("no triangle was found between the samples; try --method alpha")
    return TriangleMesh(mesh.vertices, mesh.faces)


def _average(points: NDArray[np.float64]) -> NDArray[np.float64]:
    grid = voxelize(points, max(_CELL * spacing(points), _FINEST))
    if len(grid.counts) < _NEIGHBOURS:
        return points
    return np.stack([np.bincount(grid.inverse, c) / grid.counts for c in points.T], axis=-1)


def _project(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Moving least squares with planes (Levin 1998): along the normal only, so that edges of the scan stay.

    A sample more than half a spacing from its plane stands on something finer than that, and moves only so far.
    """
    center, normal, _ = local_planes(points, _NEIGHBOURS)
    most = _MOST * spacing(points)
    return points - normal * ((points - center) * normal).sum(axis=1, keepdims=True).clip(-most, most)
