"""Clouds as LAS and LAZ records, all at once or piece by piece."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.points.las_reading import EXACT, NORMALS, RGB
from geo3d.optional import require
from geo3d.types import PointCloud

logger = logging.getLogger("geo3d.io")

_FINEST_SCALE = 1e-6


def write_las(path: Path, pieces: Iterable[PointCloud], scale: float | None = None) -> None:
    """Write pieces, at least one, of a cloud; they are iterated three times, and written as the whole would be."""
    laspy = require("laspy", "las", "writing LAS and LAZ")
    seen = _Seen()
    for piece in pieces:
        seen.add(piece)
    header = seen.header(laspy, scale)
    kept = _Kept()
    for piece in pieces:
        kept.add(laspy, header, piece)
    for name, values in kept.extra(seen.first).items():
        header.add_extra_dim(laspy.ExtraBytesParams(name, values.dtype))
    is_packed = path.suffix.lower() == ".laz"
    # laspy takes the format from the name, which atomic writing has changed.
    with (
        path.open("wb") as stream,
        laspy.open(
            stream, mode="w", header=header, do_compress=is_packed, closefd=False,
            laz_backend=laspy.LazBackend.Lazrs if is_packed else None,
        ) as writer,
    ):  # fmt: skip
        for piece in pieces:
            writer.write_points(_records(laspy, header, piece, seen, kept))


class _Seen:
    """What decides the header, seen in all pieces: extent, whether the old steps still hold, largest values."""

    def __init__(self) -> None:
        self.first = PointCloud(np.zeros((0, 3)))
        self.low: NDArray[np.float64] | None = None
        self.high = np.zeros(3)
        self.holds_old = True
        self.is_wide = True
        self.most: dict[str, float] = {}

    def add(self, cloud: PointCloud) -> None:
        """Look at a piece."""
        if not len(self.first):
            self.first = cloud
        if cloud.points.dtype.kind == "f" and not np.isfinite(cloud.points).all():
            raise FormatError("LAS cannot hold NaN or infinite coordinates; drop them first (PointCloud.finite)")
        if len(cloud):
            low, high = cloud.bounds.astype(np.float64)
            self.high = high if self.low is None else np.maximum(self.high, high)
            self.low = low if self.low is None else np.minimum(self.low, low)
            if (old := _old_steps(cloud)) is not None and self.holds_old:
                steps = (cloud.points - old[1]) / old[0]
                self.holds_old = bool(np.abs(steps).max() < 2**31 - 1 and np.abs(steps - np.rint(steps)).max() < 1e-3)
        for name, values in cloud.attributes.items():
            if values.ndim == 1 and values.size:
                top = float(_wide(values).max() if name == "intensity" else values.max())
                self.most[name] = max(self.most.get(name, top), top)
        wide = cloud.attributes.get("color16")
        self.is_wide = self.is_wide and cloud.colors is not None and wide is not None
        if self.is_wide and cloud.colors is not None and wide is not None:
            self.is_wide = wide.shape == cloud.colors.shape and bool((wide >> 8 == cloud.colors).all())

    def header(self, laspy: Any, scale: float | None) -> Any:
        """The header, without the extra dimensions."""
        point_format, version = self._point_format()
        header = laspy.LasHeader(point_format=point_format, version=version)
        header.scales, header.offsets = self._grid(scale)
        if wkt := self.first.metadata.get("crs_wkt"):
            header.vlrs.append(laspy.vlrs.known.WktCoordinateSystemVlr(str(wkt)))
            header.global_encoding.wkt = point_format >= 6
        return header

    def _grid(self, scale: float | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(scales, offsets) so that every coordinate fits into 32 bits."""
        if self.low is None:
            return np.full(3, scale or 0.001), np.zeros(3)
        low, high = self.low, self.high
        if scale is not None:
            if not (np.isfinite(scale) and scale > 0):
                raise FormatError(f"the scale must be positive (metres), got {scale}")
            if float((high - low).max()) / scale >= 2**31:
                raise FormatError(f"an extent of {(high - low).max():g} m does not fit into 32 bits of {scale:g} m")
            return np.full(3, scale), np.floor(low / scale) * scale
        if (old := _old_steps(self.first)) is not None and self.holds_old:
            return old
        if self.first.points.dtype.kind in "iu":
            if (high - low).max() >= 2**31:
                raise FormatError("integer coordinates span more than 32 bits, which LAS cannot hold")
            centred = max(np.abs(low).max(), np.abs(high).max()) < 2**31
            return np.ones(3), np.zeros(3) if centred else np.floor(low)
        extent = max(float((high - low).max()), 1e-9)
        chosen = max(_FINEST_SCALE, 10.0 ** np.ceil(np.log10(extent / 2**30)))
        return np.full(3, chosen), np.floor(low)

    def _point_format(self) -> tuple[int, str]:
        """The smallest point format that holds the cloud: LAS 1.2 if it can be, 1.4 if it must."""
        has, most = self.first.attributes, self.most
        old = self.first.metadata.get("las_point_format", 0)
        modern = isinstance(old, int) and old >= 6
        modern = modern or "scan_angle" in has or "nir" in has or most.get("classification", 0) > 31
        modern = modern or max(most.get("return_number", 0), most.get("number_of_returns", 0)) > 7
        colored = self.first.colors is not None
        if modern:
            return (8 if "nir" in has else 7 if colored or "nir" in has else 6), "1.4"
        return (2 if colored else 0) + ("gps_time" in has), "1.2"


def _old_steps(cloud: PointCloud) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    scales, offsets = (np.asarray(cloud.metadata.get(k, ())) for k in ("las_scales", "las_offsets"))
    return (scales, offsets) if scales.shape == offsets.shape == (3,) else None


class _Kept:
    """Which attributes are standard dimensions, and which of those hold them as they are.

    A standard dimension that would round or clip its attribute (intensity is 16-bit in LAS, a float elsewhere) is
    written under the name with `_exact` behind it; `intensity` itself then holds a scaled copy for other programs.
    """

    def __init__(self) -> None:
        self.standard: set[str] = set()
        self.rounded: set[str] = set()

    def add(self, laspy: Any, header: Any, cloud: PointCloud) -> None:
        """Look at a piece."""
        names = set(header.point_format.standard_dimension_names)
        records = laspy.ScaleAwarePointRecord.zeros(len(cloud), header=header)
        for name, values in _attributes(cloud).items():
            if name not in names or values.ndim != 1 or name in self.rounded:
                continue
            self.standard.add(name)
            try:
                records[name] = values
                found = np.asarray(records[name]).astype(np.float64)
                is_kept = np.array_equal(found, values.astype(np.float64), equal_nan=True)
            except (OverflowError, ValueError, TypeError):
                is_kept = False
            if not is_kept:
                self.rounded.add(name)
                logger.info("LAS cannot hold '%s' (%s) as it is; '%s' keeps it", name, values.dtype, name + EXACT)

    def extra(self, cloud: PointCloud) -> dict[str, NDArray[Any]]:
        """What a piece needs beside the standard dimensions, one column each."""
        others = {
            name + EXACT if name in self.rounded else name: values
            for name, values in _attributes(cloud).items()
            if name not in self.standard - self.rounded
        }
        return _extra_dimensions(others)


def _attributes(cloud: PointCloud) -> Mapping[str, NDArray[Any]]:
    named = {name: values for name, values in cloud.attributes.items() if name != "color16"}
    return named if cloud.normals is None else named | dict(zip(NORMALS, cloud.normals.T, strict=True))


def _records(laspy: Any, header: Any, cloud: PointCloud, seen: _Seen, kept: _Kept) -> Any:
    records = laspy.ScaleAwarePointRecord.zeros(len(cloud), header=header)
    steps = np.rint((cloud.points.astype(np.float64) - header.offsets) / header.scales)
    for k, axis in enumerate("XYZ"):
        records[axis] = steps[:, k].astype(np.int32)
    if cloud.colors is not None:
        rgb = cloud.attributes["color16"].astype(np.uint16) if seen.is_wide else cloud.colors.astype(np.uint16) * 256
        for k, name in enumerate(RGB):
            records[name] = rgb[:, k]
    attributes = _attributes(cloud)
    for name in kept.standard:
        if name not in kept.rounded:
            records[name] = attributes[name]
        elif name == "intensity":
            records[name] = _as_intensity(attributes[name], seen.most[name])
    for name, values in kept.extra(cloud).items():
        records[name] = values
    return records


def _wide(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=65535.0, neginf=0.0)


def _as_intensity(values: NDArray[Any], most: float) -> NDArray[np.uint16]:
    """16 bits of any intensity, the largest of all `most`: 0..1 is spread, other ranges are cut."""
    wide = _wide(values)
    factor = 65535.0 if most <= 1 else 1.0
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
