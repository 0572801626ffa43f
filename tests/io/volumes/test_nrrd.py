from pathlib import Path

import nrrd
import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io.volumes import Volume, read_volume, write_volume

LPS = {
    "space": "left-posterior-superior",
    "space directions": np.array([[0.5, 0, 0], [0, 0.7, 0], [0, 0, 2.0]]),
    "space origin": np.array([1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
def test_voxels_place_and_fields_come_back(tmp_path: Path, encoding: str, dtype: type) -> None:
    voxels = (np.random.default_rng(0).normal(size=(3, 4, 5)) * 50).astype(dtype)
    nrrd.write(str(tmp_path / "a.nrrd"), voxels, {**LPS, "encoding": encoding, "patient": "x"}, index_order="C")
    volume = read_volume(tmp_path / "a.nrrd")
    assert volume.voxels.dtype == dtype
    assert (volume.voxels == voxels).all()
    np.testing.assert_allclose(volume.affine[:3, :3], np.diag([-0.5, -0.7, 2.0]))
    np.testing.assert_allclose(volume.affine[:3, 3], [-1, -2, 3])
    write_volume(tmp_path / "b.nrrd", volume)
    back, header = nrrd.read(str(tmp_path / "b.nrrd"), index_order="C")
    assert (back == voxels).all()
    assert header["patient"] == "x"
    if encoding == "raw":
        assert (tmp_path / "b.nrrd").read_bytes() == (tmp_path / "a.nrrd").read_bytes()


def test_arrays_become_nrrd_and_keep_their_affine(tmp_path: Path) -> None:
    affine = np.array([[0.5, 0.1, 0, 1], [0, 0.7, 0, 2], [0.2, 0, 2.0, 3], [0, 0, 0, 1.0]])
    for shape in ((2, 3, 4), (2, 3, 4, 5)):
        voxels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
        write_volume(tmp_path / "a.nrrd", Volume(voxels, affine))
        again = read_volume(tmp_path / "a.nrrd")
        assert (again.voxels == voxels).all()
        np.testing.assert_allclose(again.affine, affine)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", Volume(np.zeros((2, 3, 4), np.int16)))
    data = (tmp_path / "a.nrrd").read_bytes()
    bomb = data.replace(b"sizes: 4 3 2", b"sizes: 99999 99999 99999")
    for content in (b"", b"NRRD0004\n", data[:60], data[:-20], bomb, data.replace(b"gzip", b"zipp")):
        (tmp_path / "b.nrrd").write_bytes(content)
        with pytest.raises(FormatError):
            read_volume(tmp_path / "b.nrrd")
    (tmp_path / "b.nrrd").write_bytes(data.replace(b"encoding: gzip", b"encoding: raw\ndata file: x.raw"))
    with pytest.raises(FormatError, match="other files"):
        read_volume(tmp_path / "b.nrrd")
