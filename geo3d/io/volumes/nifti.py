"""NIfTI-1 and -2 in one file, plain or gzipped: the bytes before and after the voxels are kept as they are."""

from __future__ import annotations

import gzip
import math
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from geo3d.errors import FormatError, ShapeError
from geo3d.io.files import read_bytes
from geo3d.io.volumes.dicom import rescale
from geo3d.io.volumes.volume import Volume, native, pack_parts, unpack_parts, write_voxels
from geo3d.optional import require


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
        else:
            before, after = _new_start(volume), b""
            dtype = np.dtype(np.uint8) if volume.voxels.dtype == np.bool_ else volume.voxels.dtype
        with path.open("wb") as file:
            packed = path.suffix.lower() == ".gz"
            with gzip.GzipFile("", "wb", 6, file, mtime=0) if packed else nullcontext(file) as out:
                out.write(before)
                write_voxels(out, volume.voxels, dtype)
                out.write(after)


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


def _new_start(volume: Volume) -> bytes:
    """What stands before the voxels in a new file."""
    nibabel = require("nibabel", "volume", "writing NIfTI")
    shape, dtype = volume.voxels.shape[::-1], volume.voxels.dtype
    header = nibabel.Nifti1Header()
    try:
        header.set_data_dtype(np.uint8 if dtype == np.bool_ else dtype)
        header.set_data_shape(shape)
    except nibabel.spatialimages.HeaderDataError as error:
        raise ShapeError(f"NIfTI cannot hold {dtype} {list(volume.voxels.shape)}: {error}") from error
    affine = np.eye(4) if volume.affine is None else volume.affine
    header.set_qform(affine, "unknown")
    header.set_sform(affine, "aligned")
    header["vox_offset"] = header.single_vox_offset
    if volume.source == "dicom":
        # Voxels are those stored, so that what they mean (Hounsfield units) is said as in the slices.
        header.set_slope_inter(*rescale(volume))
    return bytes(header.binaryblock.ljust(header.single_vox_offset, b"\0"))
