"""Raw float32 rows of LiDAR frames: what KITTI's and nuScenes' files have in common."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.types import PointCloud

logger = logging.getLogger("geo3d.io")


def read_rows(path: Path, width: int, hint: str) -> NDArray[np.float32]:
    """[N, width] float32 little-endian rows; a file of another length, or an empty one, is a `FormatError`."""
    data = path.read_bytes()
    if not data:
        raise FormatError(f"{path} is empty")
    if len(data) % (4 * width):
        raise FormatError(f"{path}: {len(data)} bytes are no whole number of points of {4 * width} bytes; {hint}")
    return np.frombuffer(data, "<f4").astype(np.float32).reshape(-1, width)


def write_rows(path: Path, cloud: PointCloud, names: tuple[str, ...]) -> None:
    """Write x y z and the named attributes (0 where missing); log what is rounded or left out."""
    table = np.zeros((len(cloud), 3 + len(names)), "<f4")
    columns = {"x y z": cloud.points}
    for name in names:
        array = cloud.attributes.get(name)
        if array is not None and array.ndim == 1:
            columns[name] = array[:, None]
    at = {"x y z": slice(0, 3), **{name: slice(3 + i, 4 + i) for i, name in enumerate(names)}}
    for name, values in columns.items():
        with np.errstate(over="ignore"):
            table[:, at[name]] = values
        wide = values.astype(np.float64)
        error = np.nanmax(np.abs(np.where(np.isfinite(wide), table[:, at[name]] - wide, 0)), initial=0)
        if error > 1e-4:
            logger.warning("float32 rounds %s by up to %.2g; PLY, PCD or NPZ keep it", name, error)
    lost = [k for k in ("colors", "normals") if getattr(cloud, k) is not None]
    lost += [k for k in cloud.attributes if k not in columns]
    if lost:
        logger.warning("raw LiDAR rows hold x y z %s only; left out: %s", " ".join(names), ", ".join(lost))
    path.write_bytes(table.tobytes())
