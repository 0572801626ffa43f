"""Where a field has its samples: the fused surface as signed distances at sparse corners, and rays cast against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ReconstructionError
from geo3d.io import RGBDDataset
from geo3d.scan.fusion import fuse_grid
from geo3d.scan.options import ScanOptions
from geo3d.types import TriangleMesh
from geo3d_recon.marching_sparse import marching_sparse, mixed_cells

# Distances are kept in this many steps on either side.
STEPS = 100


@dataclass(frozen=True, eq=False)
class Surface:
    """A zero level set.

    coords     [V, 3] int32 corners of cells that the surface crosses
    distances  [V] int8, -STEPS to STEPS: fractions of the truncation distance, negative inside
    cell       edge length, metres; the corner (0, 0, 0) is the world's origin
    """

    coords: NDArray[np.int32]
    distances: NDArray[np.int8]
    cell: float

    @cached_property
    def mesh(self) -> TriangleMesh:
        """The level set as triangles."""
        return marching_sparse(self.coords, self.distances + 0.5, np.zeros(3), self.cell)

    @cached_property
    def _scene(self) -> Any:
        import open3d as o3d

        scene = o3d.t.geometry.RaycastingScene()
        mesh = self.mesh
        if len(mesh.faces):
            vertices = o3d.core.Tensor(mesh.vertices.astype(np.float32))
            scene.add_triangles(vertices, o3d.core.Tensor(mesh.faces.astype(np.uint32)))
        return scene

    def cast(
        self, origins: NDArray[np.floating], directions: NDArray[np.floating], threads: int = 0
    ) -> NDArray[np.float32]:
        """[N] how many `directions` [N, 3] from `origins` [N, 3] the first hit is away; inf where there is none."""
        import open3d as o3d

        if not len(self.coords):
            return np.full(len(directions), np.inf, np.float32)
        rays = np.concatenate([origins, directions], axis=1).astype(np.float32)
        return np.asarray(self._scene.cast_rays(o3d.core.Tensor(rays), nthreads=threads)["t_hit"].numpy())


def fuse_surface(
    dataset: RGBDDataset, T_world_camera: Mapping[int, NDArray[np.float64]], options: ScanOptions | None = None
) -> Surface:
    """Fuse the depth of posed frames (by index): Curless & Levoy 1996, as `geo3d scan` does it."""
    fused = fuse_grid(dataset, T_world_camera, options or ScanOptions())
    places, rows = fused.grid.voxel_coordinates_and_flattened_indices()
    tsdf, weight = (fused.grid.attribute(k).numpy().reshape(-1)[rows.numpy()] for k in ("tsdf", "weight"))
    seen = weight >= 1
    coords = np.rint(places.numpy()[seen] / fused.voxel).astype(np.int32)
    distances = np.rint(tsdf[seen] * STEPS).clip(-STEPS, STEPS).astype(np.int8)
    used = np.unique(mixed_cells(coords, distances < 0))
    if not len(used):
        raise ReconstructionError(f"the depth of {fused.frames} frames gave no surface; try a larger voxel")
    # The grid's own order changes from run to run.
    order = np.lexsort(coords[used].T[::-1])
    return Surface(coords[used][order], distances[used][order], fused.voxel)
