import lzma
from pathlib import Path

import numpy as np
import pytest
import tifffile

from geo3d.errors import FormatError
from geo3d.io.volumes import Volume, read_volume, write_volume


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.bool_])
def test_npy(tmp_path: Path, dtype: type) -> None:
    voxels = np.random.default_rng(0).integers(0, 100, (3, 4, 5)).astype(dtype)
    write_volume(tmp_path / "a.npy", Volume(voxels))
    back = read_volume(tmp_path / "a.npy").voxels
    assert back.dtype == voxels.dtype
    assert (back == voxels).all()
    (tmp_path / "a.npy.xz").write_bytes(lzma.compress((tmp_path / "a.npy").read_bytes()))
    assert (read_volume(tmp_path / "a.npy.xz").voxels == voxels).all()
    with pytest.raises(FormatError, match="only NIfTI"):
        write_volume(tmp_path / "b.npy.gz", Volume(voxels))


def test_npy_refuses_what_is_no_volume(tmp_path: Path) -> None:
    for array in (np.zeros((0, 3)), np.zeros((1,) * 5), np.zeros(3, complex), np.array(["x"])):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(FormatError):
            read_volume(tmp_path / "a.npy")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_tiff_stack_and_folder(tmp_path: Path, dtype: type) -> None:
    voxels = np.random.default_rng(0).integers(0, 100, (3, 4, 5)).astype(dtype)
    write_volume(tmp_path / "a.tif", Volume(voxels))
    back = read_volume(tmp_path / "a.tif").voxels
    assert back.dtype == dtype
    assert (back == voxels).all()
    (tmp_path / "stack").mkdir()
    for k in range(3):
        tifffile.imwrite(tmp_path / "stack" / f"{k}.tif", voxels[k])
    assert (read_volume(tmp_path / "stack").voxels == voxels).all()
    tifffile.imwrite(tmp_path / "stack" / "3.tif", voxels[0, :2])
    with pytest.raises(FormatError, match="one size"):
        read_volume(tmp_path / "stack")


def test_damaged_tiff(tmp_path: Path) -> None:
    for content in (b"", b"II*\0junk", b"hello"):
        (tmp_path / "a.tif").write_bytes(content)
        with pytest.raises(FormatError):
            read_volume(tmp_path / "a.tif")
