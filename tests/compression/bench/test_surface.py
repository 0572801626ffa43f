"""Rows of lossy geometry: real files, and a rate that is compared with records where the peer is not installed."""

import numpy as np
import pytest
from geo3d_compression.bench import surface, tmc13
from geo3d_compression.bench.cases import Case

from geo3d.types import PointCloud


def case(name: str) -> Case:
    u = np.random.default_rng(0).normal(size=(60_000, 3))
    points = np.rint(u / np.linalg.norm(u, axis=1, keepdims=True) * 60).astype(np.int32)
    return Case(name, "solid", "as is", PointCloud(np.unique(points, axis=0)))


def test_rows_are_of_whole_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tmc13, "program", lambda: None)
    rows = list(surface.surface_rows(case("sphere")))
    assert len(rows) == 7
    assert all(r["bpp"] == 8 * r["bytes"] / r["points"] for r in rows)
    assert [r["bytes"] for r in rows] == sorted((r["bytes"] for r in rows), reverse=True)
    assert rows[0]["d1_psnr"] > rows[-1]["d1_psnr"] + 5


def test_records_are_quoted_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tmc13, "program", lambda: None)
    rows = list(surface.surface_rows(case("andrew9_vox9")))
    assert sum("recorded" in r["codec"] for r in rows) == 4
    assert rows[-1]["what"] == "lossy geometry BD-rate"
    assert rows[-1]["of_tmc13"] > 0


def test_scattered_points_have_no_surface() -> None:
    points = np.random.default_rng(0).integers(0, 500, (3000, 3)).astype(np.int32)
    assert not list(surface.surface_rows(Case("noise", "lidar", "", PointCloud(points))))
