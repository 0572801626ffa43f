"""Previews are a part of what the whole file holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geo3d_viewer.preview import preview_points, stages

from geo3d.io import write_mesh, write_points
from geo3d.types import PointCloud, TriangleMesh


def cloud() -> PointCloud:
    rng = np.random.default_rng(0)
    p = rng.normal(size=(1000, 3)).astype(np.float32)
    return PointCloud(p, rng.integers(0, 256, (1000, 3)).astype(np.uint8), attributes={"intensity": np.arange(1000)})


@pytest.mark.parametrize("encoding", ["binary_little_endian", "binary_big_endian"])
def test_every_kth_point_with_all_it_has(tmp_path: Path, encoding: str) -> None:
    write_points(tmp_path / "a.ply", cloud(), encoding=encoding)
    part = preview_points(tmp_path / "a.ply", 100, large=0)
    assert part is not None
    assert np.array_equal(part.points, cloud().points[::10])
    assert np.array_equal(part.colors, cloud().colors[::10])  # type: ignore[index]
    assert np.array_equal(part.attributes["intensity"], np.arange(0, 1000, 10))


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", cloud().points)
    part = preview_points(tmp_path / "a.npy", 300, large=0)
    assert part is not None
    assert np.array_equal(part.points, cloud().points[::4])
    np.save(tmp_path / "b.npy", np.zeros((3, 4, 5)))
    assert preview_points(tmp_path / "b.npy", 300, large=0) is None


def test_what_is_not_simple_is_left_to_the_reader(tmp_path: Path) -> None:
    write_points(tmp_path / "a.ply", cloud(), encoding="ascii")
    write_points(tmp_path / "small.ply", cloud())
    write_mesh(tmp_path / "m.ply", TriangleMesh(np.eye(3), np.array([[0, 1, 2]])))
    (tmp_path / "cut.ply").write_bytes((tmp_path / "small.ply").read_bytes()[:-5])
    (tmp_path / "no.ply").write_bytes(b"no ply at all")
    (tmp_path / "no.npy").write_bytes(b"no npy at all")
    for name in ("a.ply", "m.ply", "cut.ply", "no.ply", "no.npy", "missing.ply", "other.xyz"):
        assert preview_points(tmp_path / name, 100, large=0) is None
    assert preview_points(tmp_path / "small.ply", 100) is None


def test_stages_end_with_everything(tmp_path: Path) -> None:
    for name, size in (("a.ply", 10), ("big.ply", 65 << 20), ("a.g3c", 10), ("big.g3c", 4 << 20)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    counts = {name: stages([str(tmp_path / name)]) for name in ("a.ply", "big.ply", "a.g3c", "big.g3c", "none.ply")}
    assert counts["a.ply"] == counts["none.ply"] == (None,)
    for name, times in (("big.ply", 2), ("a.g3c", 2), ("big.g3c", 3)):
        *some, last = counts[name]
        assert len(some) + 1 == times
        assert last is None
        assert some == sorted(some)  # type: ignore[type-var]
