"""Stage 3: posed frames to one surface, by a truncated signed distance field in sparse voxel blocks (Open3D).

Curless & Levoy 1996; voxel blocks: Niessner et al. 2013; implementation: Dong et al. 2021 (ASH).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress
from geo3d.errors import ReconstructionError
from geo3d.io import RGBDDataset
from geo3d.ops import remove_flying_pixels
from geo3d.registration.se3 import inverse
from geo3d.scan.loader import ahead, load_frame
from geo3d.scan.options import ScanOptions
from geo3d.types import PointCloud, RGBDFrame, TriangleMesh

BLOCK = 8
MAX_FUSED = 300
# Voxels across the median depth: about what a sensor resolves.
VOXELS_PER_DEPTH = 180
TRUNCATION = 4.0  # voxels


@dataclass(frozen=True, eq=False)
class Fused:
    """cloud and mesh in the world frame; voxel and max_depth as used, metres; frames fused."""

    cloud: PointCloud
    mesh: TriangleMesh
    voxel: float
    max_depth: float
    frames: int


@dataclass(frozen=True, eq=False)
class FusedGrid:
    """Open3D's VoxelBlockGrid of tsdf, weight and color; voxel and max_depth as used, metres; frames fused."""

    grid: Any
    voxel: float
    max_depth: float
    frames: int


def fuse(dataset: RGBDDataset, T_world_camera: Mapping[int, NDArray[np.float64]], options: ScanOptions) -> Fused:
    """Fuse the posed frames (by index) to a coloured cloud and mesh."""
    fused = fuse_grid(dataset, T_world_camera, options)
    weight = 1.0 if fused.frames < 8 else 2.0
    cloud, mesh = _extract(fused.grid, weight)
    if not len(cloud):
        raise ReconstructionError(
            f"fusing {fused.frames} frames at {fused.voxel * 1000:.1f} mm gave no surface; "
            "try a larger --voxel or --max-depth"
        )
    return Fused(cloud, mesh, fused.voxel, fused.max_depth, fused.frames)


def fuse_grid(
    dataset: RGBDDataset, T_world_camera: Mapping[int, NDArray[np.float64]], options: ScanOptions
) -> FusedGrid:
    """Fuse the posed frames (by index); at most `MAX_FUSED` of them, evenly taken."""
    chosen = list(T_world_camera)[:: max(1, -(-len(T_world_camera) // MAX_FUSED))]
    voxel, max_depth = _resolution(dataset, chosen, options)
    grid = _new_grid(voxel)
    used = 0
    frames = ahead(chosen, lambda i: _prepare(dataset, i))
    for index, frame in zip(progress(chosen, "fusing", len(chosen)), frames, strict=True):
        if isinstance(frame, RGBDFrame):
            _integrate(grid, frame, T_world_camera[index], max_depth)
            used += 1
    return FusedGrid(grid, voxel, max_depth, used)


def _prepare(dataset: RGBDDataset, index: int) -> RGBDFrame | str:
    frame = load_frame(dataset, index)
    return frame if isinstance(frame, str) else remove_flying_pixels(frame)


def _resolution(dataset: RGBDDataset, chosen: list[int], options: ScanOptions) -> tuple[float, float]:
    """(voxel, max_depth) in metres, from the depths of a dozen frames."""
    samples = []
    for index in chosen[:: max(1, len(chosen) // 12)]:
        frame = load_frame(dataset, index)
        if isinstance(frame, RGBDFrame):
            depth = frame.depth[::4, ::4]
            samples.append(depth[depth > 0] / frame.depth_scale)
    if not samples:
        raise ReconstructionError("none of the posed frames can be read")
    depths = np.concatenate(samples)
    median = float(np.median(depths))
    far = float(min(np.percentile(depths, 99.5), 3.5 * median))
    return options.voxel or median / VOXELS_PER_DEPTH, options.max_depth or far


def _new_grid(voxel: float) -> Any:
    import open3d as o3d
    import open3d.core as o3c

    return o3d.t.geometry.VoxelBlockGrid(
        ("tsdf", "weight", "color"),
        (o3c.float32, o3c.uint16, o3c.uint16),
        [o3c.SizeVector([1]), o3c.SizeVector([1]), o3c.SizeVector([3])],
        voxel,
        BLOCK,
        20_000,
        o3c.Device("CPU:0"),
    )


def _integrate(grid: Any, frame: RGBDFrame, T_world_camera: NDArray[np.float64], max_depth: float) -> None:
    import open3d as o3d
    import open3d.core as o3c

    color = frame.color if frame.color is not None else np.full((*frame.depth.shape, 3), 160, np.uint8)
    K_depth = o3c.Tensor(frame.camera.K)
    K_color = o3c.Tensor(frame.camera.resized(color.shape[1], color.shape[0]).K)
    extrinsic = o3c.Tensor(inverse(T_world_camera))
    depth = o3d.t.geometry.Image(o3c.Tensor(np.ascontiguousarray(frame.depth)))
    image = o3d.t.geometry.Image(o3c.Tensor(np.ascontiguousarray(color)))
    scale = float(frame.depth_scale)
    blocks = grid.compute_unique_block_coordinates(depth, K_depth, extrinsic, scale, max_depth, TRUNCATION)
    grid.integrate(blocks, depth, image, K_depth, K_color, extrinsic, scale, max_depth, TRUNCATION)


def _extract(grid: Any, weight: float) -> tuple[PointCloud, TriangleMesh]:
    points = grid.extract_point_cloud(weight_threshold=weight)
    cloud = PointCloud(
        points.point.positions.numpy().astype(np.float32),
        _uint8(points.point.colors.numpy()),
        points.point.normals.numpy().astype(np.float32),
    )
    surface = grid.extract_triangle_mesh(weight_threshold=weight)
    vertices = surface.vertex.positions.numpy().astype(np.float64)
    if not len(vertices):
        return cloud, TriangleMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    mesh = TriangleMesh(
        vertices,
        surface.triangle.indices.numpy().astype(np.int32),
        _uint8(surface.vertex.colors.numpy()),
        surface.vertex.normals.numpy().astype(np.float32),
    )
    return cloud, mesh


def _uint8(colors: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.rint(colors * 255).clip(0, 255).astype(np.uint8)
