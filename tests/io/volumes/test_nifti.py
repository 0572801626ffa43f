import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io.volumes import Volume, read_volume, write_volume

AFFINE = np.array([[-0.9, 0.1, 0, 10], [0.1, 0.8, 0, -20], [0, 0, 3.3, 5], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4, 5, 6), (4, 5, 6, 3)])
def test_raw_voxels_axes_and_affine(tmp_path: Path, dtype: type, shape: tuple[int, ...]) -> None:
    stored = (np.random.default_rng(0).normal(size=shape) * 50).astype(dtype)
    image = nibabel.Nifti1Image(stored, AFFINE, dtype=dtype)
    nibabel.save(image, tmp_path / "a.nii.gz")
    volume = read_volume(tmp_path / "a.nii.gz")
    assert volume.voxels.dtype == dtype
    assert (volume.voxels == stored.T).all()
    np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-6)
    np.testing.assert_allclose(volume.spacing, np.linalg.norm(AFFINE[:3, :3], axis=0), rtol=1e-6)


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Header, nibabel.Nifti2Header])
def test_a_file_comes_back_byte_for_byte(tmp_path: Path, endian: str, kind: type) -> None:
    header = kind(endianness=endian)
    header.set_data_dtype(np.int16)
    header.set_data_shape((5, 4, 3))
    header.set_slope_inter(2.5, -1000)
    header["descrip"] = b"scanner"
    header.set_sform(AFFINE)
    start = header.single_vox_offset
    header["magic"] = b"n+1" if kind is nibabel.Nifti1Header else b"n+2\0\r\n\x1a\n"
    header["vox_offset"] = start
    voxels = np.arange(60, dtype=np.dtype(np.int16).newbyteorder(endian))
    data = header.binaryblock.ljust(start, b"\0") + voxels.tobytes() + b"tail"
    (tmp_path / "a.nii").write_bytes(data)
    volume = read_volume(tmp_path / "a.nii")
    assert (volume.voxels.ravel() == np.arange(60)).all()
    write_volume(tmp_path / "b.nii", volume)
    assert (tmp_path / "b.nii").read_bytes() == data
    write_volume(tmp_path / "b.nii.gz", volume)
    assert gzip.decompress((tmp_path / "b.nii.gz").read_bytes()) == data


def test_arrays_become_nifti(tmp_path: Path) -> None:
    voxels = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    write_volume(tmp_path / "a.nii", Volume(voxels, AFFINE))
    image = nibabel.load(tmp_path / "a.nii")
    assert (np.asarray(image.dataobj) == voxels.T).all()
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-6)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nii", Volume(np.zeros((2, 3, 4), np.int16)))
    data = (tmp_path / "a.nii").read_bytes()
    rng = np.random.default_rng(0)
    broken = [b"", b"x" * 400, data[:-1], data[:300]]
    broken += [data[:k] + bytes([rng.integers(256)]) + data[k + 1 :] for k in rng.integers(0, 352, 40)]
    for k, content in enumerate(broken):
        (tmp_path / "b.nii").write_bytes(content)
        try:
            read_volume(tmp_path / "b.nii")
            assert k >= 4
        except FormatError:
            pass
