"""nuScenes' LIDAR_TOP frames (Caesar et al. 2020): float32 x y z intensity ring, in spite of the name no PCD."""

from __future__ import annotations

from pathlib import Path

from geo3d.io.points.sensor_bin import read_rows, write_rows
from geo3d.types import PointCloud

_HINT = "nuScenes .pcd.bin has 20 (x y z intensity ring)"


class NuscenesFormat:
    """Little-endian float32 rows of five; the last two are the attributes `intensity` (0..255) and `ring`."""

    name = "nuScenes"
    suffixes = (".pcd.bin",)
    keeps = "float32 coordinates, intensity and ring"

    def read(self, path: Path) -> PointCloud:
        rows = read_rows(path, 5, _HINT)
        return PointCloud(rows[:, :3].copy(), attributes={"intensity": rows[:, 3].copy(), "ring": rows[:, 4].copy()})

    def write(self, path: Path, cloud: PointCloud) -> None:
        write_rows(path, cloud, ("intensity", "ring"))
