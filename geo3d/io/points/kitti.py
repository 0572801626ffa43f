"""KITTI's velodyne frames (Geiger et al. 2012): float32 x y z intensity, nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d.io.points.sensor_bin import read_rows, write_rows
from geo3d.types import PointCloud

_HINT = "KITTI .bin has 16 (x y z intensity); if it is a nuScenes file (20), name it .pcd.bin"


class KittiFormat:
    """Little-endian float32 rows of four; the fourth is the attribute `intensity`."""

    name = "KITTI"
    suffixes = (".bin",)
    keeps = "float32 coordinates and intensity"

    def read(self, path: Path) -> PointCloud:
        rows = read_rows(path, 4, _HINT)
        if rows.size % 5 == 0:
            ring = rows.reshape(-1, 5)[:, 4]
            # Every fifth number a small whole one: that is nuScenes' ring index, and garbage as KITTI.
            with np.errstate(invalid="ignore"):
                if (ring == np.floor(ring)).all() and ring.min() >= 0 and 1 <= ring.max() < 256:
                    raise FormatError(f"{path} holds rows of five (nuScenes: x y z intensity ring); name it .pcd.bin")
        return PointCloud(rows[:, :3].copy(), attributes={"intensity": rows[:, 3].copy()})

    def write(self, path: Path, cloud: PointCloud) -> None:
        write_rows(path, cloud, ("intensity",))
