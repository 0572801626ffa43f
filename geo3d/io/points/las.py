"""LAS and LAZ, through laspy."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.colors import colors_from
from geo3d.io.points.las_header import check_sizes
from geo3d.optional import require
from geo3d.types import PointCloud

logger = logging.getLogger("geo3d.io")

_CHUNK = 1 << 20
_RGB = ("red", "green", "blue")
_FINEST_SCALE = 1e-6
_EXACT = "_exact"
_NORMALS = ("normal_x", "normal_y", "normal_z")


class LasFormat:
    """LAS 1.0 to 1.4 and LAZ.

    points      float64 metres (integers where the header's scale is 1 and its offset whole)
    colors      16-bit values reduced to 8 where that is exact; else the high bytes, and `color16` [N, 3] keeps all
    attributes  every other dimension by laspy's name (intensity, classification, gps_time, ..., extra bytes);
                standard ones that are zero everywhere are left out; `NAME_exact` is read as NAME
    metadata    las_version, las_point_format, las_scales, las_offsets, crs_wkt: the writer uses them again
    """

    name = "LAS / LAZ"
    suffixes = (".las", ".laz")
    keeps = "coordinates to a scale, colours, every attribute"

    def read(self, path: Path) -> PointCloud:
        laspy = require("laspy", "las", "reading LAS and LAZ")
        sizes = check_sizes(path)
        try:
            header, records = self._records(laspy, path, sizes.compressed)
        # laspy and its Rust backend raise whatever a bad file leads to; a panic of Rust is no `Exception`.
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise FormatError(f"{path} is not a whole LAS file ({type(error).__name__}: {error})") from error
        if len(records) != sizes.point_count:
            raise FormatError(f"{path}: the header promises {sizes.point_count} points, {len(records)} are there")
        return self._cloud(header, records)

    def _records(self, laspy: Any, path: Path, compressed: bool) -> tuple[Any, Any]:
        if compressed:
            require("lazrs", "las", "reading LAZ")
        backend = laspy.LazBackend.Lazrs if compressed else None
        # Extended records may claim any size and hold nothing that is used here.
        with laspy.open(path, read_evlrs=False, laz_backend=backend) as reader:
            scales, offsets = np.array(reader.header.scales), np.array(reader.header.offsets)
            if not ((np.abs(scales) > 1e-15) & (np.abs(scales) < 1e9) & (np.abs(offsets) < 1e15)).all():
                raise FormatError(f"scales {scales.tolist()} and offsets {offsets.tolist()} make no coordinates")
            # In pieces, so that a false count cannot allocate more than the file feeds.
            parts = [part.array for part in reader.chunk_iterator(_CHUNK)]
            empty = laspy.ScaleAwarePointRecord.zeros(0, header=reader.header).array
            array = np.concatenate(parts) if parts else empty
            record = laspy.ScaleAwarePointRecord(array, reader.header.point_format, scales=scales, offsets=offsets)
            return reader.header, record

    def _cloud(self, header: Any, records: Any) -> PointCloud:
        grid = np.stack([np.asarray(records[k]) for k in "XYZ"], axis=1)
        scales, offsets = np.asarray(header.scales, np.float64), np.asarray(header.offsets, np.float64)
        if (scales == 1).all() and (offsets == np.floor(offsets)).all() and np.abs(offsets).max() < 2**31:
            points: NDArray[Any] = grid + offsets.astype(np.int64)
            if np.abs(points).max(initial=0) < 2**31:
                points = points.astype(np.int32)
        else:
            points = grid * scales + offsets
        attributes: dict[str, NDArray[Any]] = {}
        standard = set(header.point_format.standard_dimension_names)
        for name in header.point_format.dimension_names:
            if name in ("X", "Y", "Z", *_RGB):
                continue
            values = np.array(records[name])
            if values.dtype.kind in "biuf" and (name not in standard or values.any()):
                attributes[name] = values
        for name in [n for n in attributes if n.endswith(_EXACT) and n.removesuffix(_EXACT) in standard]:
            attributes[name.removesuffix(_EXACT)] = attributes.pop(name)
        colors, normals = None, None
        if set(_RGB) <= standard:
            rgb = np.stack([np.asarray(records[k]) for k in _RGB], axis=1)
            colors, exact = colors_from(rgb)
            if not exact:
                attributes["color16"] = rgb
        if all(n in attributes and attributes[n].dtype.kind == "f" and attributes[n].ndim == 1 for n in _NORMALS):
            normals = np.stack([attributes.pop(n) for n in _NORMALS], axis=1).astype(np.float32)
        metadata: dict[str, Any] = {
            "las_version": str(header.version),
            "las_point_format": int(header.point_format.id),
            "las_scales": tuple(scales.tolist()),
            "las_offsets": tuple(offsets.tolist()),
        }
        for vlr in header.vlrs:
            if type(vlr).__name__ == "WktCoordinateSystemVlr":
                metadata["crs_wkt"] = vlr.string
        return PointCloud(points, colors, normals, attributes, metadata)

    def write(self, path: Path, cloud: PointCloud, *, scale: float | None = None) -> None:
        """Write LAS (or LAZ by the suffix).

        scale  the step of the coordinates in metres.  Left to itself: that of the file the cloud came from if it still
               holds every point to a millionth of a step, else 1 for integer points, else the finest power of ten
               from 1e-6 that the extent allows (1 um up to 1 km, 10 um up to 10 km, ...)
        """
        laspy = require("laspy", "las", "writing LAS and LAZ")
        if cloud.points.dtype.kind == "f" and not np.isfinite(cloud.points).all():
            raise FormatError("LAS cannot hold NaN or infinite coordinates; drop them first (PointCloud.finite)")
        scales, offsets = _grid(cloud, scale)
        point_format, version = _point_format(cloud)
        header = laspy.LasHeader(point_format=point_format, version=version)
        header.scales, header.offsets = scales, offsets
        attributes = dict(cloud.attributes)
        wide = attributes.pop("color16", None)
        if cloud.normals is not None:
            attributes.update(zip(_NORMALS, cloud.normals.T, strict=True))
        if wkt := cloud.metadata.get("crs_wkt"):
            header.vlrs.append(laspy.vlrs.known.WktCoordinateSystemVlr(str(wkt)))
            header.global_encoding.wkt = point_format >= 6
        las = laspy.LasData(header)
        steps = np.rint((cloud.points.astype(np.float64) - offsets) / scales)
        for k, axis in enumerate("XYZ"):
            las[axis] = steps[:, k].astype(np.int32)
        if cloud.colors is not None:
            rgb = cloud.colors.astype(np.uint16) * 256
            if wide is not None and wide.shape == rgb.shape and (wide >> 8 == cloud.colors).all():
                rgb = wide.astype(np.uint16)
            for k, name in enumerate(_RGB):
                las[name] = rgb[:, k]
        extra = _extra_dimensions(_set_standard(las, attributes))
        las.add_extra_dims([laspy.ExtraBytesParams(name, values.dtype) for name, values in extra.items()])
        for name, values in extra.items():
            las[name] = values
        # laspy takes the format from the name, which atomic writing has changed.
        with path.open("wb") as stream:
            las.write(stream, do_compress=path.suffix.lower() == ".laz", laz_backend=laspy.LazBackend.Lazrs)


def _grid(cloud: PointCloud, scale: float | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (scales, offsets) so that every coordinate fits into 32 bits."""
    if not len(cloud):
        return np.full(3, scale or 0.001), np.zeros(3)
    low, high = cloud.bounds.astype(np.float64)
    if scale is not None:
        if not (np.isfinite(scale) and scale > 0):
            raise FormatError(f"the scale must be positive (metres), got {scale}")
        if float((high - low).max()) / scale >= 2**31:
            raise FormatError(f"an extent of {(high - low).max():g} m does not fit into 32 bits of {scale:g} m")
        return np.full(3, scale), np.floor(low / scale) * scale
    old = [np.asarray(cloud.metadata.get(k, ())) for k in ("las_scales", "las_offsets")]
    if all(a.shape == (3,) for a in old):
        steps = (cloud.points - old[1]) / old[0]
        if np.abs(steps).max() < 2**31 - 1 and np.abs(steps - np.rint(steps)).max() < 1e-3:
            return old[0], old[1]
    if cloud.points.dtype.kind in "iu":
        if (high - low).max() >= 2**31:
            raise FormatError("integer coordinates span more than 32 bits, which LAS cannot hold")
        centred = np.abs(cloud.bounds.astype(np.float64)).max() < 2**31
        return np.ones(3), np.zeros(3) if centred else np.floor(low)
    extent = max(float((high - low).max()), 1e-9)
    chosen = max(_FINEST_SCALE, 10.0 ** np.ceil(np.log10(extent / 2**30)))
    return np.full(3, chosen), np.floor(low)


def _point_format(cloud: PointCloud) -> tuple[int, str]:
    """The smallest point format that holds the cloud: LAS 1.2 if it can be, 1.4 if it must."""
    has = cloud.attributes

    def most(name: str) -> float:
        return float(has[name].max(initial=0)) if name in has and has[name].ndim == 1 else 0.0

    old = cloud.metadata.get("las_point_format", 0)
    modern = isinstance(old, int) and old >= 6
    modern = modern or "scan_angle" in has or "nir" in has or most("classification") > 31
    modern = modern or max(most("return_number"), most("number_of_returns")) > 7
    colored = cloud.colors is not None
    if modern:
        return (8 if "nir" in has else 7 if colored or "nir" in has else 6), "1.4"
    return (2 if colored else 0) + ("gps_time" in has), "1.2"


def _set_standard(las: Any, attributes: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Assign the attributes that are standard dimensions; return the others.

    A standard dimension that would round or clip its attribute (intensity is 16-bit in LAS, a float elsewhere) is
    returned under the name with `_exact` behind it; `intensity` itself then holds a scaled copy for other programs.
    """
    standard = set(las.point_format.standard_dimension_names)
    others: dict[str, NDArray[Any]] = {}
    for name, values in attributes.items():
        if name not in standard or values.ndim != 1:
            others[name] = values
            continue
        try:
            las[name] = values
            kept = np.array_equal(np.asarray(las[name]).astype(np.float64), values.astype(np.float64), equal_nan=True)
        except (OverflowError, ValueError, TypeError):
            kept = False
        if not kept:
            las[name] = _as_intensity(values) if name == "intensity" else np.zeros(len(values), np.uint8)
            others[name + _EXACT] = values
            logger.info("LAS cannot hold '%s' (%s) as it is; '%s' keeps it", name, values.dtype, name + _EXACT)
    return others


def _as_intensity(values: NDArray[Any]) -> NDArray[np.uint16]:
    """16 bits of any intensity: 0..1 is spread, other ranges are cut."""
    wide = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=65535.0, neginf=0.0)
    factor = 65535.0 if wide.size and wide.max() <= 1 else 1.0
    return np.rint(wide * factor).clip(0, 65535).astype(np.uint16)


def _extra_dimensions(attributes: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The attributes as extra bytes, one column each."""
    extra: dict[str, NDArray[Any]] = {}
    for name, values in attributes.items():
        if values.dtype == bool:
            values = values.astype(np.uint8)
        elif values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
            values = values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)
        parts = {name: values} if values.ndim == 1 else {f"{name}_{k}": values[:, k] for k in range(values.shape[1])}
        for part, column in parts.items():
            if not 0 < len(part.encode()) <= 32 or part in extra or part.lower() in ("x", "y", "z"):
                raise FormatError(f"LAS cannot name an extra dimension '{part}' (taken, or over 32 bytes); rename it")
            extra[part] = column
    return extra
