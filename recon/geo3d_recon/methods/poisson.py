"""Screened Poisson reconstruction (Kazhdan and Hoppe 2013), by Open3D, on normals oriented in two ways."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ReconstructionError
from geo3d.types import PointCloud, TriangleMesh
from geo3d_recon.orient import WNNC
from geo3d_recon.samples import Samples
from geo3d_recon.spacing import spacing

_NEIGHBOURS = 16


def poisson(samples: Samples) -> TriangleMesh:
    """Poisson on the given normals, else on PCA normals oriented along a minimum spanning tree (Hoppe et al. 1992)."""
    if samples.normals is not None:
        return solve_poisson(samples.points, samples.normals)
    import open3d as o3d

    # Qhull, which orients along a Delaunay graph, refuses exactly cospherical points.
    jitter = np.random.default_rng(0).normal(size=samples.points.shape) * 1e-4 * spacing(samples.points)
    cloud = PointCloud(samples.points + jitter).to_open3d()
    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(_NEIGHBOURS))
    try:
        cloud.orient_normals_consistent_tangent_plane(_NEIGHBOURS)
    except RuntimeError as error:
        raise ReconstructionError("the normals cannot be oriented along a graph; try --method wnnc") from error
    return solve_poisson(samples.points, np.asarray(cloud.normals))


def wnnc_poisson(samples: Samples) -> TriangleMesh:
    """Poisson on the given normals, else on winding-number-consistent ones."""
    normals = WNNC()(samples.points) if samples.normals is None else samples.normals
    return solve_poisson(samples.points, normals)


def solve_poisson(points: NDArray[np.float64], normals: NDArray[np.float64]) -> TriangleMesh:
    """Screened Poisson with the octree cell at the samples' spacing (finer cells would only fit noise).

    One thread: with more, Open3D's solver gives another mesh each time.
    """
    import open3d as o3d

    extent = float(np.ptp(points, axis=0).max()) * 1.2
    depth = int(np.clip(math.ceil(math.log2(extent / spacing(points))), 5, 10))
    cloud = PointCloud(points, normals=normals.astype(np.float32)).to_open3d()
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        mesh, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(
            cloud, depth=depth, scale=1.2, linear_fit=False, n_threads=1
        )
    mesh.remove_degenerate_triangles()
    mesh.remove_unreferenced_vertices()
    result = TriangleMesh.from_open3d(mesh)
    if not len(result.faces):
        raise ReconstructionError("Poisson found no surface; try --method alpha")
    return TriangleMesh(result.vertices, result.faces)
