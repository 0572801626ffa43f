"""Alpha shapes (Edelsbrunner and Mücke 1994), by Open3D."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ReconstructionError
from geo3d.types import PointCloud, TriangleMesh
from geo3d_recon.samples import Samples
from geo3d_recon.spacing import spacing

# In units of the spacing.  The first rarely leaves a hole in an even sampling; the others are for uneven ones.
_RADII = (2.2, 3.0, 4.0, 6.0)


def alpha_shape(samples: Samples) -> TriangleMesh:
    """The outside of the tetrahedra whose circumsphere is below a radius: the least that gives a closed surface."""
    import open3d as o3d

    cloud = PointCloud(samples.points).to_open3d()
    h = spacing(samples.points)
    tetrahedra, points = o3d.geometry.TetraMesh.create_from_point_cloud(cloud)
    shapes = (_shape(cloud, r * h, tetrahedra, points) for r in _RADII)
    first = next(shapes)
    mesh = first if first.is_watertight else next((s for s in shapes if s.is_watertight), first)
    if not len(mesh.faces):
        raise ReconstructionError("the alpha shape is empty; try --method wnnc")
    return TriangleMesh(mesh.vertices, _outward(mesh))


def _shape(cloud: Any, radius: float, tetrahedra: Any, points: Any) -> TriangleMesh:
    import open3d as o3d

    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        mesh = o3d.geometry.TriangleMesh.create_from_point_cloud_alpha_shape(cloud, radius, tetrahedra, points)
    mesh.orient_triangles()
    mesh.remove_unreferenced_vertices()
    result = TriangleMesh.from_open3d(mesh)
    return TriangleMesh(result.vertices, result.faces)


def _outward(mesh: TriangleMesh) -> NDArray[np.int32]:
    """Faces, flipped if the enclosed volume is negative."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    volume = (a * np.cross(b, c)).sum()
    return mesh.faces[:, ::-1] if volume < 0 else mesh.faces
