import gzip
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from geo3d.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    assert main([str(a) for a in arguments]) == code
    out, err = capsys.readouterr()
    return err if code else out


@pytest.mark.parametrize("profile", ["fast", "best"])
def test_nifti_through_a_container(tmp_path: Path, capsys: pytest.CaptureFixture[str], profile: str) -> None:
    stored = np.random.default_rng(0).normal(size=(9, 8, 7)).cumsum(0).astype(np.float32).round(1)
    nibabel.save(nibabel.Nifti1Image(stored, np.diag([1, 2, 3, 1.0])), tmp_path / "a.nii.gz")
    text = run(capsys, "compress", tmp_path / "a.nii.gz", "-o", tmp_path / "a.g3c", "--profile", profile, "--json")
    answer = json.loads(text)
    assert (answer["codec"], answer["voxels"], answer["shape"]) == ("volume", 504, [7, 8, 9])
    assert answer["bytes"] == (tmp_path / "a.g3c").stat().st_size
    about = json.loads(run(capsys, "info", tmp_path / "a.g3c", "--json"))
    assert (about["profile"], about["dtype"]) == (profile, "float32")
    np.testing.assert_allclose(about["affine"], np.diag([1, 2, 3, 1.0]))
    run(capsys, "decompress", tmp_path / "a.g3c", "-o", tmp_path / "b.nii.gz")
    a, b = (gzip.decompress((tmp_path / n).read_bytes()) for n in ("a.nii.gz", "b.nii.gz"))
    assert a == b
    for name in ("b.npy", "b.nrrd"):
        run(capsys, "decompress", tmp_path / "a.g3c", "-o", tmp_path / name)
    assert (np.load(tmp_path / "b.npy") == stored.T).all()


def test_salvage_and_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voxels = np.random.default_rng(0).integers(0, 999, (6, 20, 20)).astype(np.int16)
    np.save(tmp_path / "v.npy", voxels)
    run(capsys, "compress", tmp_path / "v.npy", "-o", tmp_path / "v.g3c", "--group", 2)
    data = bytearray((tmp_path / "v.g3c").read_bytes())
    data[-5] ^= 1
    (tmp_path / "w.g3c").write_bytes(data)
    assert "damaged" in run(capsys, "decompress", tmp_path / "w.g3c", "-o", tmp_path / "w.npy", code=1)
    assert not (tmp_path / "w.npy").exists()
    error = run(capsys, "decompress", tmp_path / "w.g3c", "-o", tmp_path / "w.npy", "--salvage", code=1)
    assert "slices 4 to 5" in error
    assert (np.load(tmp_path / "w.npy")[:4] == voxels[:4]).all()
    assert "kept exactly" in run(
        capsys, "compress", tmp_path / "v.npy", "-o", tmp_path / "x.g3c", "--quality", 3, code=1
    )
    (tmp_path / "empty").mkdir()
    assert "empty folder" in run(
        capsys, "compress", tmp_path / "empty", "-o", tmp_path / "x.g3c", "--codec", "volume", code=1
    )


def test_a_part_of_a_volume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = np.random.default_rng(0).integers(0, 99, (9, 8, 7)).astype(np.int16)
    affine = np.array([[0, 2.0, 0, 5], [1, 0, 0, 6], [0, 0, 3, 7], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(stored, affine), tmp_path / "a.nii")
    run(capsys, "compress", tmp_path / "a.nii", "-o", tmp_path / "a.g3c", "--group", 2)
    run(capsys, "decompress", tmp_path / "a.g3c", "-o", tmp_path / "b.nii", "--bbox", 1, 2, 3, 8, 2, 6)
    part = nibabel.load(tmp_path / "b.nii")
    assert (np.asarray(part.dataobj) == stored[1:9, 2:3, 3:7]).all()
    np.testing.assert_allclose(part.affine @ [0, 0, 0, 1], affine @ [1, 2, 3, 1])
    for box in ((0, 0, 0, 9, 1, 1), (0.5, 0, 0, 1, 1, 1), (2, 0, 0, 1, 1, 1)):
        error = run(capsys, "decompress", tmp_path / "a.g3c", "-o", tmp_path / "c.nii", "--bbox", *box, code=1)
        assert "whole numbers inside [9, 8, 7]" in error
