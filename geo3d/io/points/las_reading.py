"""LAS and LAZ records as clouds, all at once or piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.colors import WideColors
from geo3d.io.points.las_header import check_sizes
from geo3d.optional import require
from geo3d.types import PointCloud

_CHUNK = 1 << 20
RGB = ("red", "green", "blue")
EXACT = "_exact"
NORMALS = ("normal_x", "normal_y", "normal_z")


@contextmanager
def open_las(path: Path) -> Iterator[Any]:
    """laspy's reader of a checked file; whatever goes wrong within the block is a `FormatError`."""
    laspy = require("laspy", "las", "reading LAS and LAZ")
    sizes = check_sizes(path)
    if sizes.compressed:
        require("lazrs", "las", "reading LAZ")
    backend = laspy.LazBackend.Lazrs if sizes.compressed else None
    try:
        # Extended records may claim any size and hold nothing that is used here.
        with laspy.open(path, read_evlrs=False, laz_backend=backend) as reader:
            scales, offsets = np.array(reader.header.scales), np.array(reader.header.offsets)
            if not ((np.abs(scales) > 1e-15) & (np.abs(scales) < 1e9) & (np.abs(offsets) < 1e15)).all():
                raise FormatError(f"scales {scales.tolist()} and offsets {offsets.tolist()} make no coordinates")
            yield reader
    # laspy and its Rust backend raise whatever a bad file leads to; a panic of Rust is no `Exception`.
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise FormatError(f"{path} is not a whole LAS file ({type(error).__name__}: {error})") from error


def las_records(reader: Any) -> Iterator[Any]:
    """Records of a reader in pieces, so that a false count cannot allocate more than the file feeds."""
    count = 0
    for part in reader.chunk_iterator(_CHUNK):
        count += len(part)
        yield part
    if count != reader.header.point_count:
        raise FormatError(f"the header promises {reader.header.point_count} points, {count} are there")


def all_records(reader: Any) -> Any:
    """Every record of a reader at once."""
    laspy = require("laspy", "las", "reading LAS and LAZ")
    header = reader.header
    parts = [part.array for part in las_records(reader)]
    array = np.concatenate(parts) if parts else laspy.ScaleAwarePointRecord.zeros(0, header=header).array
    return laspy.ScaleAwarePointRecord(array, header.point_format, scales=header.scales, offsets=header.offsets)


class LasLayout:
    """What decides how a file's records become a cloud, seen in all of them: which dimensions hold anything, whether
    colours fit into 8 bits and whole coordinates into 32."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.colors = WideColors()
        self.is_narrow = True

    def add(self, header: Any, records: Any) -> None:
        """Look at a piece."""
        standard = set(header.point_format.standard_dimension_names)
        for name in header.point_format.dimension_names:
            if name not in self.used and (name not in standard or np.array(records[name]).any()):
                self.used.add(name)
        if set(RGB) <= standard:
            self.colors.add(_rgb(records))
        if _is_whole(header):
            self.is_narrow = self.is_narrow and bool(np.abs(_whole_points(header, records)).max(initial=0) < 2**31)


def _rgb(records: Any) -> NDArray[np.uint16]:
    return np.stack([np.asarray(records[k]) for k in RGB], axis=1)


def _is_whole(header: Any) -> bool:
    scales, offsets = np.asarray(header.scales, np.float64), np.asarray(header.offsets, np.float64)
    return bool((scales == 1).all() and (offsets == np.floor(offsets)).all() and np.abs(offsets).max() < 2**31)


def _whole_points(header: Any, records: Any) -> NDArray[np.int64]:
    grid = np.stack([np.asarray(records[k]) for k in "XYZ"], axis=1)
    return np.asarray(grid + np.asarray(header.offsets, np.float64).astype(np.int64))


def cloud_of_records(header: Any, records: Any, layout: LasLayout) -> PointCloud:
    """The cloud of a piece of a file whose layout was seen in all pieces."""
    scales, offsets = np.asarray(header.scales, np.float64), np.asarray(header.offsets, np.float64)
    points: NDArray[Any]
    if _is_whole(header):
        points = _whole_points(header, records)
        points = points.astype(np.int32) if layout.is_narrow else points
    else:
        points = np.stack([np.asarray(records[k]) for k in "XYZ"], axis=1) * scales + offsets
    attributes: dict[str, NDArray[Any]] = {}
    standard = set(header.point_format.standard_dimension_names)
    for name in header.point_format.dimension_names:
        if name in ("X", "Y", "Z", *RGB) or name not in layout.used:
            continue
        values = np.array(records[name])
        if values.dtype.kind in "biuf":
            attributes[name] = values
    for name in [n for n in attributes if n.endswith(EXACT) and n.removesuffix(EXACT) in standard]:
        attributes[name.removesuffix(EXACT)] = attributes.pop(name)
    colors, normals = None, None
    if set(RGB) <= standard:
        rgb = _rgb(records)
        colors = layout.colors.reduced(rgb)
        if not layout.colors.exact:
            attributes["color16"] = rgb
    if all(n in attributes and attributes[n].dtype.kind == "f" and attributes[n].ndim == 1 for n in NORMALS):
        normals = np.stack([attributes.pop(n) for n in NORMALS], axis=1).astype(np.float32)
    return PointCloud(points, colors, normals, attributes, las_metadata(header))


def las_metadata(header: Any) -> dict[str, Any]:
    """What the writer takes up again."""
    metadata: dict[str, Any] = {
        "las_version": str(header.version),
        "las_point_format": int(header.point_format.id),
        "las_scales": tuple(np.asarray(header.scales, np.float64).tolist()),
        "las_offsets": tuple(np.asarray(header.offsets, np.float64).tolist()),
    }
    for vlr in header.vlrs:
        if type(vlr).__name__ == "WktCoordinateSystemVlr":
            metadata["crs_wkt"] = vlr.string
    return metadata


@dataclass(frozen=True, eq=False)
class LasPieces:
    """A file of `count` points; iterating reads them in pieces, which together are the cloud that is read at once."""

    path: Path
    count: int
    layout: LasLayout
    metadata: Mapping[str, Any]

    @staticmethod
    def of(path: Path) -> LasPieces:
        """Read the file once, for what its pieces have in common."""
        layout = LasLayout()
        with open_las(path) as reader:
            for records in las_records(reader):
                layout.add(reader.header, records)
            return LasPieces(path, int(reader.header.point_count), layout, las_metadata(reader.header))

    def __iter__(self) -> Iterator[PointCloud]:
        with open_las(self.path) as reader:
            for records in las_records(reader):
                yield cloud_of_records(reader.header, records, self.layout)
