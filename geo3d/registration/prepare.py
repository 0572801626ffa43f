"""A cloud as registration needs it: finite, centred, thinned to one scale, with normals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo3d.errors import RegistrationError
from geo3d.types import PointCloud

MIN_POINTS = 30
# Voxels across a cloud's extent: enough for features, few enough for seconds.
VOXELS_PER_EXTENT = 60
MAX_VOXELS = 12_000
SPACING_SAMPLE = 200_000


@dataclass(frozen=True, eq=False)
class Prepared:
    """A thinned cloud around its own centre.

    points   [N, 3] float64, about `center`
    normals  [N, 3] float64 unit vectors, signs consistent only for clouds with a viewpoint
    colors   [N, 3] float64 RGB 0-1, or None
    center   [3] subtracted from the coordinates
    tree     over `points`
    """

    points: NDArray[np.float64]
    normals: NDArray[np.float64]
    colors: NDArray[np.float64] | None
    center: NDArray[np.float64]
    tree: cKDTree

    def to_open3d(self) -> Any:
        """The same as an Open3D cloud."""
        import open3d as o3d

        cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(self.points))
        cloud.normals = o3d.utility.Vector3dVector(self.normals)
        if self.colors is not None:
            cloud.colors = o3d.utility.Vector3dVector(self.colors)
        return cloud


@dataclass(frozen=True, eq=False)
class CloudPair:
    """Two prepared clouds at one scale.

    voxel   edge of the thinning grid, in the clouds' unit; every distance of the methods is a multiple of it
    notes   what was noticed on the way
    """

    source: Prepared
    target: Prepared
    voxel: float
    notes: tuple[str, ...]

    def centered(self, T_target_source: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take a transform between the clouds' own frames to one between their centred frames."""
        T = T_target_source.copy()
        T[:3, 3] += T[:3, :3] @ self.source.center - self.target.center
        return T

    def uncentered(self, T: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inverse of `centered`."""
        T = T.copy()
        T[:3, 3] += self.target.center - T[:3, :3] @ self.source.center
        return T


def finite_cloud(cloud: PointCloud, name: str) -> tuple[PointCloud, tuple[str, ...]]:
    """Drop NaN and infinite points, with a note; raise `RegistrationError` if too few are left."""
    cloud, dropped = cloud.finite()
    if len(cloud) < MIN_POINTS:
        raise RegistrationError(
            f"{name} holds {len(cloud)} points with finite coordinates; registration needs at least {MIN_POINTS}"
        )
    notes = (f"{dropped} points of the {name} have NaN or infinite coordinates and were dropped",) if dropped else ()
    return cloud, notes


def extent(points: NDArray[np.floating]) -> float:
    """Diagonal of the box of the middle 98 % of the coordinates: outliers do not set the scale."""
    sample = points[:: max(1, len(points) // 20_000)]
    low, high = np.percentile(sample, [1, 99], axis=0)
    return float(np.linalg.norm(high - low))


def spacing(points: NDArray[np.floating]) -> float:
    """Median distance to the nearest other point; of large clouds from a sample, as points on surfaces thin out."""
    step = max(1, len(points) // SPACING_SAMPLE)
    sample = points[::step]
    some = sample[:: max(1, len(sample) // 1500)]
    distance, _ = cKDTree(sample).query(some, k=2)
    return float(np.median(distance[:, 1]) / np.sqrt(step))


def unit_note(extent_source: float, extent_target: float) -> str:
    """Say what is wrong if the clouds' sizes differ as units do; empty if they do not."""
    ratio = max(extent_source, extent_target) / max(min(extent_source, extent_target), 1e-12)
    larger = "source" if extent_source > extent_target else "target"
    sizes = f"the source is {extent_source:.3g} across and the target {extent_target:.3g}"
    if 300 < ratio < 3000:
        return f"{sizes}: the {larger} looks like millimetres against metres; bring both to one unit"
    if ratio >= 3000:
        return f"{sizes}: they cannot show the same thing at one scale; check the units of the {larger}"
    return ""


def prepare_pair(source: PointCloud, target: PointCloud) -> CloudPair:
    """Bring two clouds to one scale, which follows from their spacing and extent alone.

    Raises `RegistrationError` if a cloud holds too few finite points or has no extent.
    """
    source, notes_s = finite_cloud(source, "source")
    target, notes_t = finite_cloud(target, "target")
    points_s, points_t = source.points.astype(np.float64), target.points.astype(np.float64)
    size_s, size_t = extent(points_s), extent(points_t)
    for name, size in (("source", size_s), ("target", size_t)):
        if not size > 0:
            raise RegistrationError(f"all points of the {name} are in one place; there is nothing to register")
    voxel = max(1.5 * max(spacing(points_s), spacing(points_t)), min(size_s, size_t) / VOXELS_PER_EXTENT)
    thin_s, thin_t = thin(source, voxel), thin(target, voxel)
    while max(len(thin_s), len(thin_t)) > MAX_VOXELS:
        voxel *= 1.25
        thin_s, thin_t = thin(source, voxel), thin(target, voxel)
    return CloudPair(_prepared(thin_s, voxel), _prepared(thin_t, voxel), voxel, notes_s + notes_t)


def thin(cloud: PointCloud, voxel: float) -> PointCloud:
    """One mean point, colour and normal a voxel."""
    import open3d as o3d

    center = cloud.points.astype(np.float64).mean(axis=0)
    dense = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud.points.astype(np.float64) - center))
    if cloud.colors is not None:
        dense.colors = o3d.utility.Vector3dVector(cloud.colors / 255.0)
    if cloud.normals is not None and np.isfinite(cloud.normals).all():
        dense.normals = o3d.utility.Vector3dVector(cloud.normals.astype(np.float64))
    thinned = dense.voxel_down_sample(voxel)
    result = PointCloud.from_open3d(thinned)
    return PointCloud(result.points + center, result.colors, result.normals)


def _prepared(cloud: PointCloud, voxel: float) -> Prepared:
    import open3d as o3d

    center = cloud.points.mean(axis=0)
    points = cloud.points - center
    shape = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    shape.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(radius=2.5 * voxel, max_nn=30))
    normals = np.asarray(shape.normals).copy()
    if cloud.normals is not None:
        # Measured signs where there are some, fitted directions everywhere.
        normals *= np.where((normals * cloud.normals).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    else:
        normals *= np.where((normals * points).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    colors = None if cloud.colors is None else cloud.colors / 255.0
    return Prepared(points, normals, colors, center, cKDTree(points))
