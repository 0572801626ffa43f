"""NIfTI-1 and -2 in one file, plain or gzipped: the bytes before and after the voxels are kept as they are."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.errors import FormatError, ShapeError
from geo3d.io.files import read_bytes
from geo3d.io.volumes.dicom import rescale
from geo3d.io.volumes.volume import Volume, native, pack_parts, unpack_parts
from geo3d.optional import require

# Where a NIfTI-1 header keeps scl_slope and scl_inter, two floats.
_SLOPE = 112


class NiftiFormat:
    """`.nii`, `.nii.gz`."""

    name = "nifti"
    suffixes = (".nii",)

    def read(self, path: Path) -> Volume:
        data = read_bytes(path)
        header = _header(data, str(path))
        dtype = header.get_data_dtype()
        shape = tuple(int(n) for n in header.get_data_shape())
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        if dtype.kind not in "iuf" or dtype.itemsize > 8 or not 1 <= len(shape) <= 4:
            raise FormatError(f"{path}: volumes of numbers with up to 4 dimensions are read, got {dtype} {list(shape)}")
        start = int(header["vox_offset"])
        end = start + dtype.itemsize * math.prod(shape)
        if not len(header.binaryblock) <= start or end > len(data) or math.prod(shape) < 1:
            raise FormatError(f"{path}: {list(shape)} voxels of {dtype} end at byte {end}, the file has {len(data)}")
        voxels = native(np.frombuffer(data, dtype, count=math.prod(shape), offset=start).reshape(shape[::-1]))
        affine = np.asarray(header.get_best_affine(), np.float64)
        return Volume(voxels, affine, self.name, pack_parts([data[:start], data[end:]]))

    def write(self, path: Path, volume: Volume) -> None:
        if volume.source == self.name:
            before, after = unpack_parts(volume.header)
            dtype = _header(before, "the stored NIfTI header").get_data_dtype()
            data = before + volume.voxels.astype(dtype).tobytes() + after
        else:
            data = _new_file(volume)
        if path.suffix.lower() == ".gz":
            data = gzip.compress(data, 6, mtime=0)
        path.write_bytes(data)


def _header(data: bytes, name: str) -> Any:
    nibabel = require("nibabel", "volume", "reading NIfTI")
    kinds = ((nibabel.Nifti1Header, 348, b"n+1"), (nibabel.Nifti2Header, 540, b"n+2"))
    for kind, size, magic in kinds:
        try:
            header = kind(data[:size], check=False)
            if bytes(header["magic"].tobytes())[:3] == magic and int(header["sizeof_hdr"]) == size:
                header.get_data_dtype()
                return header
        except (ValueError, KeyError, nibabel.spatialimages.HeaderDataError, nibabel.wrapstruct.WrapStructError):
            continue
    raise FormatError(f"{name} is not a single-file NIfTI image")


def _new_file(volume: Volume) -> bytes:
    nibabel = require("nibabel", "volume", "writing NIfTI")
    voxels = volume.voxels.astype(np.uint8) if volume.voxels.dtype == np.bool_ else volume.voxels
    affine = np.eye(4) if volume.affine is None else volume.affine
    try:
        data = bytes(nibabel.Nifti1Image(voxels.T, affine, dtype=voxels.dtype).to_bytes())
    except nibabel.spatialimages.HeaderDataError as error:
        raise ShapeError(f"NIfTI cannot hold {voxels.dtype} {list(voxels.shape)}: {error}") from error
    if volume.source == "dicom":
        # Voxels are those stored, so that what they mean (Hounsfield units) is said as in the slices.
        data = data[:_SLOPE] + np.array(rescale(volume), "<f4").tobytes() + data[_SLOPE + 8 :]
    return data
