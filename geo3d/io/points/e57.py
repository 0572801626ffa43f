"""E57 (ASTM E2807), through pye57 and the libE57Format below it."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.colors import colors_from
from geo3d.optional import require
from geo3d.types import PointCloud

logger = logging.getLogger("geo3d.io")

_CHUNK = 1 << 20
_CARTESIAN = ("cartesianX", "cartesianY", "cartesianZ")
_SPHERICAL = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
_RGB = ("colorRed", "colorGreen", "colorBlue")
_INVALID = ("cartesianInvalidState", "sphericalInvalidState")
# E57's names of the attributes that have one, with the type of the buffer.
_ATTRIBUTES = {
    "intensity": ("intensity", "f4"),
    "timeStamp": ("time_stamp", "f8"),
    "rowIndex": ("row", "i4"),
    "columnIndex": ("column", "i4"),
}


class E57Format:
    """E57: all scans of the file as one cloud, each moved by its pose; points marked invalid are left out.

    points      float64 metres in the file's frame; spherical scans are converted
    attributes  intensity, time_stamp, row, column where every scan has them; `scan` (which one) if there are several
    metadata    e57_scans: names of the scans
    """

    name = "E57"
    suffixes = (".e57",)
    keeps = "float64 coordinates, colours, intensity, time_stamp, row, column"

    def read(self, path: Path) -> PointCloud:
        pye57 = require("pye57", "e57", "reading E57")
        with path.open("rb") as stream:
            if stream.read(8) != b"ASTM-E57":
                raise FormatError(f"{path} does not begin as an E57 file")
        try:
            file = pye57.E57(str(path))
            try:
                scans = [self._scan(pye57, file, i) for i in range(file.scan_count)]
            finally:
                file.close()
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None
        # libE57's exceptions derive from several bases, depending on what was wrong.
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise FormatError(f"{path} is not a whole E57 file ({type(error).__name__}: {text})") from error
        if not scans:
            raise FormatError(f"{path} holds no scan")
        if len(scans) == 1:
            return scans[0]
        numbered = [
            PointCloud(c.points, c.colors, None, {**c.attributes, "scan": np.full(len(c), i, np.int32)})
            for i, c in enumerate(scans)
        ]
        joined = PointCloud.concatenate(numbered)
        names = tuple(n for c in scans for n in c.metadata["e57_scans"])
        return PointCloud(joined.points, joined.colors, None, joined.attributes, {"e57_scans": names})

    def _scan(self, pye57: Any, file: Any, index: int) -> PointCloud:
        header = file.get_header(index)
        have = set(header.point_fields)
        kind = next((k for k in (_CARTESIAN, _SPHERICAL) if set(k) <= have), None)
        if kind is None:
            raise FormatError(f"scan {index} has neither cartesian nor spherical coordinates, but: {sorted(have)}")
        fields = [*kind, *(f for f in (*_RGB, *_ATTRIBUTES, *_INVALID) if f in have)]
        columns = self._columns(pye57, file, header, fields)
        xyz = np.stack([columns[f] for f in kind], axis=1)
        if kind is _SPHERICAL:
            r, azimuth, elevation = xyz.T
            flat = r * np.cos(elevation)
            xyz = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), r * np.sin(elevation)], axis=1)
        if header.has_pose():
            xyz = xyz @ np.asarray(header.rotation_matrix, np.float64).T + np.asarray(header.translation, np.float64)
        attributes = {name: columns[f].astype(dtype) for f, (name, dtype) in _ATTRIBUTES.items() if f in columns}
        colors = None
        if set(_RGB) <= have:
            rgb = np.stack([columns[f] for f in _RGB], axis=1)
            colors, exact = colors_from(rgb)
            if not exact:
                attributes["color16"] = rgb
        try:
            name = str(header["name"].value())
        except pye57.libe57.E57Exception:
            name = ""
        cloud = PointCloud(xyz, colors, None, attributes, {"e57_scans": (name,)})
        invalid = next((columns[f] for f in _INVALID if f in columns), None)
        if invalid is not None and invalid.any():
            logger.info("scan %d: %d points are marked invalid and left out", index, int((invalid != 0).sum()))
            cloud = cloud[invalid == 0]
        return cloud

    def _columns(self, pye57: Any, file: Any, header: Any, fields: list[str]) -> dict[str, NDArray[Any]]:
        """Read the fields in pieces, so that a false count cannot allocate more than the file feeds."""
        count = header.point_count
        buffers = pye57.libe57.VectorSourceDestBuffer()
        size = min(count, _CHUNK)
        kinds = {**dict.fromkeys(_RGB, "u2"), **dict.fromkeys((*_INVALID, "rowIndex", "columnIndex"), "i4")}
        pieces: dict[str, NDArray[Any]] = {f: np.zeros(size, kinds.get(f, "f8")) for f in fields}
        for field, array in pieces.items():
            buffers.append(pye57.libe57.SourceDestBuffer(file.image_file, field, array, size, True, True))
        read: dict[str, list[NDArray[Any]]] = {f: [] for f in fields}
        done = 0
        if count:
            reader = header.points.reader(buffers)
            while n := reader.read():
                done += n
                for field, array in pieces.items():
                    read[field].append(array[:n].copy())
            reader.close()
        if done != count:
            raise FormatError(f"the header promises {count} points, {done} are there")
        return {f: np.concatenate(parts) if parts else pieces[f][:0] for f, parts in read.items()}

    def write(self, path: Path, cloud: PointCloud) -> None:
        """Write one scan without a pose, coordinates as float64 (float32 where the cloud is)."""
        pye57 = require("pye57", "e57", "writing E57")
        if cloud.points.dtype.kind == "f" and not np.isfinite(cloud.points).all():
            raise FormatError("E57 cannot hold NaN or infinite coordinates; drop them first (PointCloud.finite)")
        if not len(cloud):
            raise FormatError("an E57 scan needs at least one point")
        known = {name: (field, dtype) for field, (name, dtype) in _ATTRIBUTES.items()}
        lost = (["normals"] if cloud.normals is not None else []) + [k for k in cloud.attributes if k not in known]
        if lost:
            logger.warning("E57 has no field for: %s; left out", ", ".join(lost))
        columns: dict[str, NDArray[Any]] = {}
        for field, axis in zip(_CARTESIAN, cloud.points.T, strict=True):
            columns[field] = np.ascontiguousarray(axis, "f4" if cloud.points.dtype == np.float32 else "f8")
        if cloud.colors is not None:
            columns.update((f, np.ascontiguousarray(c)) for f, c in zip(_RGB, cloud.colors.T, strict=True))
        for name, (field, dtype) in known.items():
            values = cloud.attributes.get(name)
            if values is not None:
                with np.errstate(invalid="ignore", over="ignore"):
                    columns[field] = np.ascontiguousarray(values, dtype)
                if not np.array_equal(columns[field], values, equal_nan=values.dtype.kind == "f"):
                    logger.warning("E57 holds %s as %s, which rounds it", name, np.dtype(dtype))
        _write_scan(pye57, path, columns)


def _write_scan(pye57: Any, path: Path, columns: dict[str, NDArray[Any]]) -> None:
    """pye57's own writer rounds all coordinates to single precision; this one asks for what the arrays have."""
    lib = pye57.libe57
    file = pye57.E57(str(path), mode="w")
    try:
        image = file.image_file
        scan = lib.StructureNode(image)
        scan.set("guid", lib.StringNode(image, f"{{{uuid.uuid4()}}}"))
        scan.set("name", lib.StringNode(image, "cloud"))
        bounds = lib.StructureNode(image)
        for field, axis in zip(_CARTESIAN, "xyz", strict=True):
            bounds.set(f"{axis}Minimum", lib.FloatNode(image, float(columns[field].min())))
            bounds.set(f"{axis}Maximum", lib.FloatNode(image, float(columns[field].max())))
        scan.set("cartesianBounds", bounds)
        if "intensity" in columns:
            limits = lib.StructureNode(image)
            limits.set("intensityMinimum", lib.FloatNode(image, float(np.nanmin(columns["intensity"]))))
            limits.set("intensityMaximum", lib.FloatNode(image, float(np.nanmax(columns["intensity"]))))
            scan.set("intensityLimits", limits)
        if _RGB[0] in columns:
            limits = lib.StructureNode(image)
            for field in _RGB:
                limits.set(f"{field}Minimum", lib.IntegerNode(image, 0))
                limits.set(f"{field}Maximum", lib.IntegerNode(image, 255))
            scan.set("colorLimits", limits)
        prototype = lib.StructureNode(image)
        buffers = lib.VectorSourceDestBuffer()
        size = len(columns[_CARTESIAN[0]])
        for field, values in columns.items():
            if values.dtype.kind == "f":
                precision = lib.E57_SINGLE if values.dtype.itemsize == 4 else lib.E57_DOUBLE
                prototype.set(field, lib.FloatNode(image, 0.0, precision))
            else:
                low, high = (0, 255) if field in _RGB else (int(values.min()), int(values.max()))
                prototype.set(field, lib.IntegerNode(image, low, low, high))
            buffers.append(lib.SourceDestBuffer(image, field, values, size, True, True))
        points = lib.CompressedVectorNode(image, prototype, lib.VectorNode(image, True))
        scan.set("points", points)
        file.data3d.append(scan)
        writer = points.writer(buffers)
        writer.write(size)
        writer.close()
    finally:
        file.close()
