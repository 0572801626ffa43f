"""Everything about one frame that does not depend on its partner, so that it can be kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.dense import FrameMaps, frame_maps
from geo3d.registration.fpfh import color_statistics, fpfh
from geo3d.registration.frames.lifted import NONE, LiftedFeatures, lift_features
from geo3d.registration.learned.descriptor import describe_points
from geo3d.types import RGBDFrame

# Voxels across the median depth: 4.5 cm at 2 m.
VOXELS_PER_DEPTH = 45
MAX_POINTS = 2000
RADII = (5.0, 9.0)  # voxels
COLOR_RADII = (2.0, 5.0)
COLOR_WEIGHT = 1.5


@dataclass(frozen=True, eq=False)
class FrameDescription:
    """A frame's pyramid and features.

    maps    image pyramid
    voxel   edge of its feature grid, metres
    points  [N, 3] float64 camera coordinates
    normals [N, 3] float64 facing the camera
    shape   [N, 66] FPFH at two radii
    color   [N, 12] colour statistics, zeros without colour
    lifted  image features with depth
    learned [N, 64] unit descriptors, trained; empty if it was not asked for
    """

    maps: FrameMaps
    voxel: float
    points: NDArray[np.float64]
    normals: NDArray[np.float64]
    shape: NDArray[np.float32]
    color: NDArray[np.float32]
    lifted: LiftedFeatures
    learned: NDArray[np.float32]


def feature_voxel(maps: FrameMaps) -> float:
    """Edge of the feature grid for a frame, metres."""
    return float(np.median(maps.levels[2].depth[maps.levels[2].depth > 0])) / VOXELS_PER_DEPTH


def describe_frame(
    frame: RGBDFrame,
    voxel: float | None = None,
    *,
    images: bool = True,
    learned: bool = True,
    maps: FrameMaps | None = None,
) -> FrameDescription:
    """Describe a frame on a grid of the given voxel (two frames must share one; None: the frame's own).

    Parameters
    ----------
    images, learned : look for image features, make trained descriptors.
    maps : the frame's pyramid, if it is there already.
    """
    from geo3d.ops import undistort

    if frame.camera.distortion:
        frame = undistort(frame)
    maps = maps or frame_maps(frame)
    voxel = voxel or feature_voxel(maps)
    points, normals, colors = _thin(frame, maps, voxel)
    keep = _spread(len(points))
    near = fpfh(points, normals, RADII[0] * voxel, keep)
    color = _color(points, colors, voxel, keep)
    lifted = lift_features(frame) if images else NONE
    points, normals = points[keep], normals[keep]
    # Among the points that are kept alone: enough for a wide neighbourhood, and a sixth of the work.
    shape = np.concatenate([near, fpfh(points, normals, RADII[1] * voxel)], axis=1)
    trained = np.zeros((0, 64), np.float32)
    if learned:
        trained = describe_points(maps.levels[1], points, normals, shape, color, voxel)
    return FrameDescription(maps, voxel, points, normals, shape, color, lifted, trained)


def _spread(count: int) -> NDArray[np.int64]:
    """At most MAX_POINTS indices, the same for the same count, in no relation to the order of the points."""
    if count <= MAX_POINTS:
        return np.arange(count)
    return np.sort(np.random.default_rng(count).choice(count, MAX_POINTS, replace=False))


def _thin(
    frame: RGBDFrame, maps: FrameMaps, voxel: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """One mean point, normal and colour a voxel; empty if the frame has next to nothing."""
    import open3d as o3d

    level = maps.levels[0]
    rows = level.points
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(rows[:, :3].astype(np.float64)))
    cloud.normals = o3d.utility.Vector3dVector(rows[:, 3:6].astype(np.float64))
    if frame.color is not None:
        mask = (level.depth > 0) & (level.normals[..., 2] != 0)
        v, u = np.nonzero(mask)
        height, width = frame.color.shape[:2]
        scale_v, scale_u = height / mask.shape[0], width / mask.shape[1]
        cv = np.minimum(((v + 0.5) * scale_v).astype(int), height - 1)
        cu = np.minimum(((u + 0.5) * scale_u).astype(int), width - 1)
        cloud.colors = o3d.utility.Vector3dVector(frame.color[cv, cu] / 255.0)
    cloud = cloud.voxel_down_sample(voxel)
    normals = np.asarray(cloud.normals).copy()
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    colors = np.asarray(cloud.colors).copy() if frame.color is not None else None
    return np.asarray(cloud.points).copy(), normals, colors


def _color(
    points: NDArray[np.float64], colors: NDArray[np.float64] | None, voxel: float, at: NDArray[np.int64]
) -> NDArray[np.float32]:
    if colors is None:
        return np.zeros((len(at), 6 * len(COLOR_RADII)), np.float32)
    radii = (COLOR_RADII[0] * voxel, COLOR_RADII[1] * voxel)
    return COLOR_WEIGHT * color_statistics(points, colors, radii, at)
