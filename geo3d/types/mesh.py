"""A triangle mesh, with bridges to trimesh and Open3D, which do the geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.types.checks import as_points


@dataclass(frozen=True, eq=False)
class TriangleMesh:
    """Triangles over shared vertices.

    vertices       [V, 3] float64, metres
    faces          [F, 3] int32, counter-clockwise seen from outside
    vertex_colors  [V, 3] uint8 RGB, or None
    vertex_normals [V, 3] float32, or None
    attributes     name -> [V] or [V, K] array of any numeric dtype, one row a vertex (confidence, quality, ...)
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int32]
    vertex_colors: NDArray[np.uint8] | None = None
    vertex_normals: NDArray[np.float32] | None = None
    attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vertices = as_points(self.vertices, "vertices").astype(np.float64, copy=False)
        faces = np.asarray(self.faces)
        if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
            raise ShapeError(f"faces must be an integer [F, 3] array, got {faces.dtype} {list(faces.shape)}")
        if faces.size and (faces.min() < 0 or faces.max() >= len(vertices)):
            raise ShapeError(f"faces name vertices {faces.min()} to {faces.max()}, but there are {len(vertices)}")
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "faces", faces.astype(np.int32, copy=False))
        for name in ("vertex_colors", "vertex_normals"):
            value = getattr(self, name)
            if value is not None and np.shape(value) != (len(vertices), 3):
                raise ShapeError(f"{name} must be [{len(vertices)}, 3], got {list(np.shape(value))}")
        attributes = {str(k): np.asarray(v) for k, v in self.attributes.items()}
        for key, value in attributes.items():
            if value.ndim not in (1, 2) or len(value) != len(vertices) or value.dtype.kind not in "biuf":
                raise ShapeError(
                    f"attribute '{key}' must be a numeric [{len(vertices)}] or [{len(vertices)}, K] array, "
                    f"got {value.dtype} {list(value.shape)}"
                )
        object.__setattr__(self, "attributes", attributes)

    def __repr__(self) -> str:
        colored = ", coloured" if self.vertex_colors is not None else ""
        return f"TriangleMesh({len(self.vertices)} vertices, {len(self.faces)} faces{colored})"

    @property
    def is_watertight(self) -> bool:
        """True if every edge is shared by exactly two consistently wound faces."""
        mesh = self.to_trimesh()
        return bool(len(self.faces) and mesh.is_watertight and mesh.is_winding_consistent)

    def to_trimesh(self) -> Any:
        """Return a `trimesh.Trimesh` over the same arrays, nothing merged or reordered."""
        import trimesh

        return trimesh.Trimesh(
            self.vertices,
            self.faces,
            vertex_colors=self.vertex_colors,
            vertex_normals=self.vertex_normals,
            process=False,
        )

    @staticmethod
    def from_trimesh(mesh: Any) -> TriangleMesh:
        """Take a `trimesh.Trimesh`; a texture is baked to vertex colours."""
        colors = None
        if mesh.visual.kind == "vertex":
            colors = np.asarray(mesh.visual.vertex_colors)[:, :3].astype(np.uint8)
        elif mesh.visual.kind == "texture":
            colors = np.asarray(mesh.visual.to_color().vertex_colors)[:, :3].astype(np.uint8)
            if len(colors) != len(mesh.vertices):
                colors = None
        return TriangleMesh(np.asarray(mesh.vertices), np.asarray(mesh.faces), colors)

    def to_open3d(self) -> Any:
        """Return an `open3d.geometry.TriangleMesh`."""
        import open3d as o3d

        mesh = o3d.geometry.TriangleMesh(
            o3d.utility.Vector3dVector(self.vertices), o3d.utility.Vector3iVector(self.faces)
        )
        if self.vertex_colors is not None:
            mesh.vertex_colors = o3d.utility.Vector3dVector(self.vertex_colors.astype(np.float64) / 255)
        if self.vertex_normals is not None:
            mesh.vertex_normals = o3d.utility.Vector3dVector(self.vertex_normals.astype(np.float64))
        return mesh

    @staticmethod
    def from_open3d(mesh: Any) -> TriangleMesh:
        """Take an `open3d.geometry.TriangleMesh` (legacy)."""
        colors = None
        if mesh.has_vertex_colors():
            colors = np.rint(np.asarray(mesh.vertex_colors) * 255).clip(0, 255).astype(np.uint8)
        normals = np.asarray(mesh.vertex_normals).astype(np.float32) if mesh.has_vertex_normals() else None
        return TriangleMesh(np.asarray(mesh.vertices).copy(), np.asarray(mesh.triangles).copy(), colors, normals)
