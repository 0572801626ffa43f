"""Names, suffixes and atomic writing, for all formats alike."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.errors import FormatError
from geo3d.io import MESH_FORMATS, POINT_FORMATS, read_mesh, read_points, write_points
from geo3d.types import PointCloud

WRITABLE = [s for s in POINT_FORMATS if s != ".pts"]


def test_suffixes_and_formats_agree():
    for table in (POINT_FORMATS, MESH_FORMATS):
        for suffix, chosen in table.items():
            assert suffix in chosen.suffixes
            assert chosen.name


def test_unknown_suffix_lists_the_known_ones(tmp_path):
    for name in ("a.docx", "a", ".ply"):
        with pytest.raises(FormatError, match=r"known: \.ply, \.pcd, \.las"):
            read_points(tmp_path / name)
    with pytest.raises(FormatError, match=r"known: \.ply, \.obj"):
        read_mesh(tmp_path / "a.docx")


@pytest.mark.parametrize("suffix", list(POINT_FORMATS))
def test_missing_empty_and_folder(tmp_path, suffix):
    with pytest.raises(FormatError, match="no such file"):
        read_points(tmp_path / f"missing{suffix}")
    (tmp_path / f"empty{suffix}").write_bytes(b"")
    with pytest.raises(FormatError):
        read_points(tmp_path / f"empty{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(FormatError, match="folder"):
        read_points(tmp_path / f"folder{suffix}")


@pytest.mark.parametrize("suffix", WRITABLE)
def test_upper_case_and_one_point(tmp_path, suffix):
    path = tmp_path / f"A{suffix.upper()}"
    write_points(path, PointCloud(np.array([[1.5, 2.5, -3.5]])))
    assert read_points(path).points.tolist() == [[1.5, 2.5, -3.5]]


@pytest.mark.parametrize("suffix", WRITABLE)
def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"precious")

    def fail(*arguments, **options):
        arguments[-2].write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(type(POINT_FORMATS[suffix]), "write", fail)
    with pytest.raises(OSError, match="disk full"):
        write_points(path, PointCloud(np.zeros((1, 3))))
    assert path.read_bytes() == b"precious"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_unknown_options_are_named(tmp_path):
    with pytest.raises(FormatError, match=r"no option colour \(options: encoding\)"):
        write_points(tmp_path / "a.ply", PointCloud(np.zeros((1, 3))), colour=1)


def test_upper_case_pathless_and_string_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_points("a.PLY", PointCloud(np.zeros((1, 3))))
    assert len(read_points("a.PLY")) == 1
