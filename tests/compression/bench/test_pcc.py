"""The suite measures real files and says the truth about them."""

from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.bench import pcc
from geo3d_compression.bench.cases import Case, on_grid
from geo3d_compression.bench.peers import installed

from geo3d.types import PointCloud


def case() -> Case:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (2000, 3))
    cloud = on_grid(PointCloud(points, rng.integers(0, 256, (2000, 3)).astype(np.uint8)), 0.05)
    return Case("noise", "sample", "50 mm", cloud, tmc13_bpp=4.0)


def test_grid_is_unique_and_starts_at_zero() -> None:
    points = case().cloud.points
    assert points.min() == 0
    assert len(np.unique(points, axis=0)) == len(points)
    assert points.max() == 20


@pytest.mark.parametrize("name", list(installed()))
def test_peers_give_every_point_back(name: str) -> None:
    peer = installed()[name]
    points = case().cloud.points
    back = peer.decode(peer.encode(points))
    assert np.array_equal(np.unique(back, axis=0), points)


def test_rows_and_summary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pcc, "cases", lambda data: iter([case()]))
    rows = list(pcc.SUITE["rows"](tmp_path))
    assert {r["codec"] for r in rows} >= {"geo3d fast", "geo3d best"}
    exact = [r for r in rows if not r["what"].startswith("lossy")]
    assert all(r["exact"] for r in exact)
    for row in exact:
        assert row["bpp"] == pytest.approx(8 * row["bytes"] / row["points"])
        assert set(pcc.SUITE["columns"]) <= set(row)
    summary = pcc.SUITE["summary"](rows)
    assert len(summary) == len(exact)
    assert summary[0]["of_tmc13"] == pytest.approx(rows[0]["bpp"] / 4.0)
