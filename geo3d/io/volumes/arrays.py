"""Formats that hold voxels and no place: `.npy` arrays and TIFF stacks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from geo3d.errors import FormatError
from geo3d.io.files import existing_file, read_bytes
from geo3d.io.points.npy import parse_npy
from geo3d.io.volumes.volume import Volume, native
from geo3d.optional import require

# Below this a file is parsed in memory, with every check; above it is mapped, so that only what is coded is read.
_MAP_BYTES = 256 << 20


class NpyVolumeFormat:
    """`.npy`, also `.npy.xz` and `.npy.gz`."""

    name = "npy"
    suffixes = (".npy",)

    def read(self, path: Path) -> Volume:
        if path.suffix == ".npy" and existing_file(path).stat().st_size > _MAP_BYTES:
            try:
                voxels = np.load(path, mmap_mode="r", allow_pickle=False)
            except (ValueError, EOFError) as error:
                raise FormatError(f"{path} is not a whole .npy file ({error})") from error
        else:
            voxels = parse_npy(read_bytes(path), str(path))
        if voxels.dtype.kind not in "iufb" or not 1 <= voxels.ndim <= 4 or not voxels.size:
            raise FormatError(
                f"{path}: a volume is a numeric array of 1 to 4 dimensions, got {voxels.dtype} {list(voxels.shape)}"
            )
        return Volume(voxels)

    def write(self, path: Path, volume: Volume) -> None:
        with path.open("wb") as file:
            np.save(file, volume.voxels, allow_pickle=False)


class TiffFormat:
    """`.tif` with one page a slice, or a folder of single-page `.tif` files in the order of their names."""

    name = "tiff"
    suffixes = (".tif", ".tiff")

    def read(self, path: Path) -> Volume:
        tifffile = require("tifffile", "volume", "reading TIFF stacks")
        names = sorted(p for p in path.iterdir() if p.suffix.lower() in self.suffixes) if path.is_dir() else [path]
        slices = []
        for name in names:
            try:
                slices.append(native(tifffile.imread(existing_file(name))))
            except (tifffile.TiffFileError, ValueError, OSError, IndexError, KeyError, RuntimeError) as error:
                raise FormatError(f"{name} is not a TIFF that can be read ({error})") from error
            if slices[-1].shape != slices[0].shape or slices[-1].dtype != slices[0].dtype:
                raise FormatError(
                    f"{name} is {slices[-1].dtype} {list(slices[-1].shape)}, but {names[0].name} is "
                    f"{slices[0].dtype} {list(slices[0].shape)}; a stack has slices of one size"
                )
        voxels = np.stack(slices) if path.is_dir() else slices[0]
        if voxels.ndim not in (2, 3) or voxels.dtype.kind not in "iuf":
            raise FormatError(f"{path}: grey slices are read, got {voxels.dtype} {list(voxels.shape)}")
        return Volume(voxels)

    def write(self, path: Path, volume: Volume) -> None:
        tifffile = require("tifffile", "volume", "writing TIFF stacks")
        big = volume.voxels.nbytes > 1 << 31
        with open(os.fspath(path), "wb") as file:
            tifffile.imwrite(file, volume.voxels, photometric="minisblack", metadata=None, bigtiff=big)
