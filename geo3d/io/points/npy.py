"""NumPy arrays: `.npy` holds one table, `.npz` named arrays."""

from __future__ import annotations

import io
import logging
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.io.files import existing_file, read_bytes
from geo3d.io.points.columns import cloud_from_columns
from geo3d.types import PointCloud

logger = logging.getLogger("geo3d.io")

_POINT_KEYS = ("points", "xyz", "positions", "coords", "pos", "arr_0")
_COLOR_KEYS = ("colors", "rgb", "color")
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def parse_npy_header(data: bytes, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, whether columns come first, type and start of the numbers of a `.npy` file that begins with `data`."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise FormatError(f"unknown .npy version {version}")
        shape, fortran, dtype = _HEADERS[version](stream)
    # The header is a Python literal; NumPy's parser lets through what Python's own parser and tokenizer raise.
    except (ValueError, TypeError, SyntaxError, LookupError, AttributeError, ArithmeticError, EOFError) as error:
        raise FormatError(f"{name}: damaged .npy header ({error})") from error
    except (tokenize.TokenError, MemoryError, RecursionError) as error:
        raise FormatError(f"{name}: damaged .npy header ({error})") from error
    if dtype.hasobject:
        raise FormatError(f"{name} holds pickled Python objects; save a numeric array")
    return shape, fortran, dtype, stream.tell()


def parse_npy(data: bytes, name: str) -> NDArray[Any]:
    """Return the array of a `.npy` file's bytes; sizes are checked before memory is taken, pickles are refused."""
    shape, fortran, dtype, start = parse_npy_header(data, name)
    expected = dtype.itemsize
    for side in shape:
        if side < 0:
            raise FormatError(f"{name}: negative array size {list(shape)}")
        expected *= int(side)
    body = memoryview(data)[start:]
    if len(body) != expected or dtype.itemsize == 0:
        raise FormatError(
            f"{name}: the header says {list(shape)} of {dtype} ({expected} bytes), the file has {len(body)}"
        )
    array = np.frombuffer(body, dtype=dtype)
    array = array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
    return array.astype(dtype.newbyteorder("="), order="C", copy=True)


class NpyFormat:
    """One table, [N, 3] or more columns by the rule of `cloud_from_columns`; floats and integers keep their type."""

    name = "NumPy array"
    suffixes = (".npy",)
    keeps = "dtype; colours or normals as further columns"

    def read(self, path: Path) -> PointCloud:
        table = parse_npy(read_bytes(path), str(path))
        if table.dtype.kind not in "iuf":
            raise FormatError(f"{path} holds {table.dtype}; a cloud is an [N, 3] array of integers or floats")
        if table.dtype == np.float16:
            table = table.astype(np.float32)
        try:
            return cloud_from_columns(table)
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None

    def write(self, path: Path, cloud: PointCloud, *, colors: bool = False) -> None:
        """Write [N, 3] in the points' dtype; with `colors`, [N, 6] with colours 0..255 in the last three columns."""
        table = cloud.points
        if colors and cloud.colors is not None:
            table = np.concatenate([table, cloud.colors.astype(table.dtype)], axis=1)
        lost = [k for k in ("colors", "normals") if getattr(cloud, k) is not None and not (k == "colors" and colors)]
        if lost + list(cloud.attributes):
            logger.warning(
                ".npy keeps coordinates only; left out: %s (use .npz)", ", ".join(lost + list(cloud.attributes))
            )
        with path.open("wb") as stream:
            np.save(stream, np.ascontiguousarray(table), allow_pickle=False)


class NpzFormat:
    """Named arrays: `points` [N, 3], optional `colors`, `normals`; other numeric arrays of length N are attributes."""

    name = "NumPy archive"
    suffixes = (".npz",)
    keeps = "everything but metadata"

    def read(self, path: Path) -> PointCloud:
        arrays = self._arrays(existing_file(path))
        key = next((k for k in _POINT_KEYS if k in arrays), None)
        if key is None:
            raise FormatError(
                f"{path} has no array named points (or {', '.join(_POINT_KEYS[1:])}), but: {', '.join(arrays)}"
            )
        table = arrays.pop(key)
        if table.ndim != 2 or table.shape[1] < 3 or table.dtype.kind not in "iuf":
            raise FormatError(f"{path}: '{key}' must be numeric [N, 3], got {table.dtype} {list(table.shape)}")
        cloud = cloud_from_columns(table)
        colors, normals, attributes = cloud.colors, cloud.normals, dict(cloud.attributes)
        for name, array in arrays.items():
            if array.ndim not in (1, 2) or len(array) != len(table) or array.dtype.kind not in "biuf":
                logger.warning(
                    "%s: array '%s' (%s %s) is not per point; left out", path, name, array.dtype, list(array.shape)
                )
            elif name in _COLOR_KEYS and array.shape[1:] == (3,) and array.dtype == np.uint8:
                colors = array
            elif name == "normals" and array.shape[1:] == (3,) and array.dtype.kind == "f":
                normals = array
            else:
                attributes[name] = array
        return PointCloud(cloud.points, colors, normals, attributes)

    def _arrays(self, path: Path) -> dict[str, NDArray[Any]]:
        arrays = {}
        try:
            with zipfile.ZipFile(path) as archive:
                # Members are unpacked only as far as the archive's own size makes believable (deflate: 1032 times).
                limit = path.stat().st_size * 1040 + 65536
                if sum(m.file_size for m in archive.infolist()) > limit:
                    raise FormatError(f"{path} claims to unpack to more than its size allows")
                for member in archive.infolist():
                    if member.filename.endswith(".npy"):
                        name = member.filename.removesuffix(".npy")
                        arrays[name] = parse_npy(self._unpack(archive, member), f"{path}:{name}")
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            NotImplementedError,
            RuntimeError,
            ValueError,
        ) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(f"{path} is not a whole .npz archive ({error})") from error
        return arrays

    def _unpack(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
        with archive.open(member) as stream:
            return stream.read(member.file_size + 1)

    def write(self, path: Path, cloud: PointCloud, *, compressed: bool = True) -> None:
        arrays: dict[str, NDArray[Any]] = {"points": cloud.points}
        if cloud.colors is not None:
            arrays["colors"] = cloud.colors
        if cloud.normals is not None:
            arrays["normals"] = cloud.normals
        clash = sorted(set(arrays) | {*_POINT_KEYS, *_COLOR_KEYS, "normals"} & set(cloud.attributes))
        clash = [k for k in clash if k in cloud.attributes]
        if clash:
            raise FormatError(f"attributes named {', '.join(clash)} would be read back as something else; rename them")
        arrays.update(cloud.attributes)
        method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
        # np.savez cannot hold an array called "file".
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
