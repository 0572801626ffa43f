"""Ball pivoting (Bernardini et al. 1999), by Open3D."""

from __future__ import annotations

from geo3d.errors import ReconstructionError
from geo3d.types import PointCloud, TriangleMesh
from geo3d_recon.orient import WNNC
from geo3d_recon.samples import Samples
from geo3d_recon.spacing import spacing

_RADII = (1.0, 1.5, 2.2, 3.3)  # in units of the spacing


def ball_pivoting(samples: Samples) -> TriangleMesh:
    """Triangles that balls of four sizes touch, on given or winding-number-consistent normals."""
    import open3d as o3d

    normals = WNNC()(samples.points) if samples.normals is None else samples.normals
    cloud = PointCloud(samples.points, normals=normals.astype("float32")).to_open3d()
    h = spacing(samples.points)
    radii = o3d.utility.DoubleVector([h * r for r in _RADII])
    mesh = TriangleMesh.from_open3d(o3d.geometry.TriangleMesh.create_from_point_cloud_ball_pivoting(cloud, radii))
    if not len(mesh.faces):
        raise ReconstructionError("ball pivoting found no triangle; try --method wnnc")
    return TriangleMesh(mesh.vertices, mesh.faces)
