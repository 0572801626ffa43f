"""Which format a file name means, and the two functions that everybody calls."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from geo3d.errors import FormatError
from geo3d.io.atomic import atomic_path
from geo3d.io.files import bare_suffix, existing_file, is_compressed
from geo3d.io.points.e57 import E57Format
from geo3d.io.points.format import PointFormat
from geo3d.io.points.kitti import KittiFormat
from geo3d.io.points.las import LasFormat
from geo3d.io.points.npy import NpyFormat, NpzFormat
from geo3d.io.points.nuscenes import NuscenesFormat
from geo3d.io.points.pcd import PcdFormat
from geo3d.io.points.ply import PlyFormat
from geo3d.io.points.xyz import XyzFormat
from geo3d.types import PointCloud

POINT_FORMATS: dict[str, PointFormat] = {
    ".ply": PlyFormat(),
    ".pcd": PcdFormat(),
    ".las": LasFormat(),
    ".laz": LasFormat(),
    ".e57": E57Format(),
    ".xyz": XyzFormat(),
    ".txt": XyzFormat(),
    ".asc": XyzFormat(),
    ".csv": XyzFormat(),
    ".pts": XyzFormat(),
    ".bin": KittiFormat(),
    ".pcd.bin": NuscenesFormat(),
    ".npy": NpyFormat(),
    ".npz": NpzFormat(),
}
# Formats whose reader takes bytes, so that it can look through .gz and .xz.
_READ_PACKED = (".ply", ".pcd", ".npy", *XyzFormat.suffixes)


def point_format(path: str | Path) -> PointFormat:
    """Return the format that a file name means; an unknown suffix is a `FormatError` that lists the known ones."""
    suffix = bare_suffix(path, tuple(POINT_FORMATS))
    if suffix not in POINT_FORMATS:
        known = ", ".join(POINT_FORMATS)
        raise FormatError(f"{path}: '{suffix or 'no suffix'}' is no known point-cloud format (known: {known})")
    if is_compressed(path) and suffix not in _READ_PACKED:
        raise FormatError(f"{path}: only {', '.join(_READ_PACKED)} are read packed; unpack it first")
    return POINT_FORMATS[suffix]


def read_points(path: str | Path) -> PointCloud:
    """Read a point cloud; the format is chosen by the suffix (`POINT_FORMATS`), `.gz` and `.xz` are looked through.

    Coordinates keep the file's precision and type.  NaN points are returned as they are
    (`PointCloud.finite` drops them).
    Raises `FormatError` for anything that is not a whole file of its format.
    """
    chosen = point_format(path)
    return chosen.read(existing_file(path))


def write_points(path: str | Path, cloud: PointCloud, **options: Any) -> None:
    """Write a point cloud atomically; the format is chosen by the suffix.

    `options` are those of the format's `write`.  What a format cannot hold is logged as a warning by `geo3d.io`;
    values that it could only hold wrongly are a `FormatError`.
    """
    chosen = point_format(path)
    if is_compressed(path):
        raise FormatError(f"{path}: packed clouds are only read; write {Path(path).stem} and pack it")
    known = [p.name for p in inspect.signature(chosen.write).parameters.values() if p.kind is p.KEYWORD_ONLY]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise FormatError(f"{chosen.name} has no option {', '.join(unknown)} (options: {', '.join(known) or 'none'})")
    with atomic_path(path) as temporary:
        chosen.write(temporary, cloud, **options)
