import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geo3d.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    assert main([str(a) for a in arguments]) == code
    out, err = capsys.readouterr()
    return err if code else out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for k in range(4):
        depth = (1000 + rng.integers(-3, 4, (20, 30)).cumsum(axis=1)).astype(np.uint16)
        Image.fromarray(depth).save(tmp_path / "in" / f"d{k}.png")
    return tmp_path


def test_a_folder_comes_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(run(capsys, "compress", folder / "in", "-o", folder / "d.g3c", "--json"))
    assert (answer["codec"], answer["frames"], answer["pixels"]) == ("depth", 4, 2400)
    run(capsys, "decompress", folder / "d.g3c", "-o", folder / "out")
    for path in (folder / "in").iterdir():
        a, b = (np.asarray(Image.open(p)) for p in (path, folder / "out" / path.name))
        assert a.dtype == b.dtype == np.uint16
        assert (a == b).all()
    run(capsys, "decompress", folder / "d.g3c", "-o", folder / "out.npy")
    assert np.load(folder / "out.npy").shape == (4, 20, 30)
    about = json.loads(run(capsys, "info", folder / "d.g3c", "--json"))
    assert (about["size"], about["max_error_steps"]) == ([30, 20], 0)


def test_one_picture_arrays_and_near_lossless(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = folder / "in" / "d0.png"
    run(capsys, "compress", one, "-o", folder / "d.g3c", "--codec", "depth", "--quality", 2)
    run(capsys, "decompress", folder / "d.g3c", "-o", folder / "d.png")
    a, b = (np.asarray(Image.open(p)).astype(int) for p in (one, folder / "d.png"))
    assert 0 < np.abs(a - b).max() <= 2
    np.save(folder / "d.npy", a.astype(np.uint16))
    run(capsys, "compress", folder / "d.npy", "-o", folder / "e.g3c", "--codec", "depth", "--lossless")
    run(capsys, "decompress", folder / "e.g3c", "-o", folder / "e.npy")
    assert (np.load(folder / "e.npy")[0] == a).all()


def test_refusals_leave_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.rglob("*"))
    depth = ("--codec", "depth", "-o", folder / "d.g3c")
    assert "whole number" in run(capsys, "compress", folder / "in", *depth, "--quality", 1.5, code=1)
    assert "not with --lossless" in run(capsys, "compress", folder / "in", *depth, "--quality", 1, "--lossless", code=1)
    np.save(folder / "f.npy", np.zeros((3, 3), np.float32))
    assert "uint16" in run(capsys, "compress", folder / "f.npy", *depth, code=1)
    (folder / "f.npy").unlink()
    assert sorted(folder.rglob("*")) == before
