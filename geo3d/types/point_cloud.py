"""A point cloud: coordinates and whatever else was measured at each point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.types.checks import as_points


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points with colours, normals and named per-point attributes, each in its own dtype.

    points     [N, 3]   float64, float32 or any integer type; metres unless the file says otherwise
    colors     [N, 3]   uint8 RGB, or None
    normals    [N, 3]   float32 unit vectors, or None
    attributes name ->  [N] or [N, K] array of any numeric dtype (intensity, time, label, ...)
    metadata   what a format's header says and a writer of the same format can give back

    Coordinates stay float64 where the source has them, so that UTM-sized values keep their millimetres;
    `centered` gives the float32 view that renderers and networks want.
    """

    points: NDArray[Any]
    colors: NDArray[np.uint8] | None = None
    normals: NDArray[np.float32] | None = None
    attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        points = as_points(self.points, finite=False)
        object.__setattr__(self, "points", points)
        n = len(points)
        if self.colors is not None:
            colors = np.asarray(self.colors)
            if colors.shape != (n, 3) or colors.dtype != np.uint8:
                raise ShapeError(f"colors must be uint8 [{n}, 3], got {colors.dtype} {list(colors.shape)}")
            object.__setattr__(self, "colors", colors)
        if self.normals is not None:
            normals = np.asarray(self.normals)
            if normals.shape != (n, 3) or normals.dtype.kind != "f":
                raise ShapeError(f"normals must be float [{n}, 3], got {normals.dtype} {list(normals.shape)}")
            object.__setattr__(self, "normals", normals.astype(np.float32, copy=False))
        attributes = {str(k): np.asarray(v) for k, v in self.attributes.items()}
        for key, value in attributes.items():
            if value.ndim not in (1, 2) or len(value) != n or value.dtype.kind not in "biuf":
                raise ShapeError(
                    f"attribute '{key}' must be a numeric [{n}] or [{n}, K] array, "
                    f"got {value.dtype} {list(value.shape)}"
                )
        object.__setattr__(self, "attributes", attributes)

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        extras = [k for k in ("colors", "normals") if getattr(self, k) is not None] + list(self.attributes)
        return f"PointCloud({len(self)} points, {self.points.dtype}{', ' + ', '.join(extras) if extras else ''})"

    def __getitem__(self, index: Any) -> PointCloud:
        """Return the cloud of the points picked by a mask, slice or index array, with all their attributes."""
        if isinstance(index, (int, np.integer)):
            index = [int(index)]
        return replace(
            self,
            points=self.points[index],
            colors=None if self.colors is None else self.colors[index],
            normals=None if self.normals is None else self.normals[index],
            attributes={k: v[index] for k, v in self.attributes.items()},
        )

    @property
    def bounds(self) -> NDArray[Any]:
        """[2, 3]: the least and the greatest coordinate on each axis."""
        if not len(self):
            raise ShapeError("an empty cloud has no bounds")
        return np.stack([self.points.min(axis=0), self.points.max(axis=0)])

    def centered(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return (float32 [N, 3] coordinates, float64 [3] offset) whose sum is `points` to float32 of the extent."""
        offset = np.zeros(3) if not len(self) else np.floor(self.bounds.astype(np.float64).mean(axis=0))
        return (self.points - offset).astype(np.float32), offset

    def finite(self) -> tuple[PointCloud, int]:
        """Return the cloud without NaN / infinite points, and how many were dropped."""
        if self.points.dtype.kind != "f":
            return self, 0
        good = np.isfinite(self.points).all(axis=1)
        dropped = int(len(good) - good.sum())
        return (self[good] if dropped else self), dropped

    def transformed(self, T_target_self: NDArray[np.float64]) -> PointCloud:
        """Return the cloud in another frame: points by the full transform, normals by its rotation."""
        R, t = T_target_self[:3, :3], T_target_self[:3, 3]
        normals = None if self.normals is None else (self.normals @ R.T).astype(np.float32)
        return replace(self, points=self.points @ R.T + t, normals=normals)

    @staticmethod
    def concatenate(clouds: list[PointCloud]) -> PointCloud:
        """Join clouds; a field survives if every cloud has it."""
        if not clouds:
            raise ShapeError("concatenate needs at least one cloud")
        keys = set(clouds[0].attributes).intersection(*(c.attributes for c in clouds))
        colors = [c.colors for c in clouds if c.colors is not None]
        normals = [c.normals for c in clouds if c.normals is not None]
        return PointCloud(
            np.concatenate([c.points for c in clouds]),
            np.concatenate(colors) if len(colors) == len(clouds) else None,
            np.concatenate(normals) if len(normals) == len(clouds) else None,
            {k: np.concatenate([c.attributes[k] for c in clouds]) for k in clouds[0].attributes if k in keys},
        )

    def to_open3d(self) -> Any:
        """Return an `open3d.geometry.PointCloud` (float64; attributes other than colours and normals are left out)."""
        import open3d as o3d

        cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(self.points.astype(np.float64)))
        if self.colors is not None:
            cloud.colors = o3d.utility.Vector3dVector(self.colors.astype(np.float64) / 255)
        if self.normals is not None:
            cloud.normals = o3d.utility.Vector3dVector(self.normals.astype(np.float64))
        return cloud

    @staticmethod
    def from_open3d(cloud: Any) -> PointCloud:
        """Take an `open3d.geometry.PointCloud` (legacy)."""
        colors = np.rint(np.asarray(cloud.colors) * 255).clip(0, 255).astype(np.uint8) if cloud.has_colors() else None
        normals = np.asarray(cloud.normals).astype(np.float32) if cloud.has_normals() else None
        return PointCloud(np.asarray(cloud.points).copy(), colors, normals)
