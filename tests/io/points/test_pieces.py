"""Pieces of a file make up what the reader of whole files reads; what is written in pieces reads as one cloud."""

from pathlib import Path

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io import read_points, write_points
from geo3d.io.points import pieces as module
from geo3d.io.points.pieces import can_write_pieces, point_pieces, write_pieces
from geo3d.types import PointCloud

RNG = np.random.default_rng(0)
CLOUD = PointCloud(RNG.normal(size=(1000, 3)).astype(np.float32), RNG.integers(0, 256, (1000, 3)).astype(np.uint8))


@pytest.mark.parametrize("encoding", ["binary_little_endian", "binary_big_endian"])
def test_ply(tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_POINTS", 300)
    write_points(tmp_path / "a.ply", CLOUD, encoding=encoding)
    pieces = point_pieces(tmp_path / "a.ply")
    assert pieces is not None
    assert pieces.count == 1000
    assert [len(p) for p in pieces] == [300, 300, 300, 100]
    # Twice, as a coder does.
    whole = PointCloud.concatenate(list(pieces))
    assert np.array_equal(whole.points, CLOUD.points)
    assert np.array_equal(whole.colors, CLOUD.colors)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f8", "i4", "u2"])
def test_npy(tmp_path: Path, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_POINTS", 7)
    table = RNG.integers(0, 9, (20, 3)).astype(dtype)
    np.save(tmp_path / "a.npy", table)
    pieces = point_pieces(tmp_path / "a.npy")
    assert pieces is not None
    read = np.concatenate([p.points for p in pieces])
    assert np.array_equal(read, table)
    assert read.dtype == read_points(tmp_path / "a.npy").points.dtype


@pytest.mark.parametrize("suffix", [".npy", ".ply"])
def test_pieces_written_read_as_one_cloud(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"b{suffix}"
    assert can_write_pieces(path)
    write_pieces(path, 1000, iter([CLOUD[:400], CLOUD[400:]]))
    back = read_points(path)
    assert np.array_equal(back.points, CLOUD.points)
    assert suffix == ".npy" or np.array_equal(back.colors, CLOUD.colors)


def test_a_wrong_count_and_a_file_cut_short_are_errors(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="instead of the 5"):
        write_pieces(tmp_path / "b.npy", 5, iter([CLOUD]))
    np.save(tmp_path / "a.npy", CLOUD.points)
    pieces = point_pieces(tmp_path / "a.npy")
    assert pieces is not None
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data[:-5])
    with pytest.raises(FormatError, match="ends after"):
        list(pieces)
    assert point_pieces(tmp_path / "a.npy") is None
    assert not can_write_pieces(tmp_path / "a.pcd")
