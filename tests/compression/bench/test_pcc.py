"""The suite measures real files and says the truth about them."""

from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.bench import pcc, tmc13
from geo3d_compression.bench.cases import Case, on_grid
from geo3d_compression.bench.peers import installed

from geo3d.types import PointCloud


def case() -> Case:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (2000, 3))
    cloud = on_grid(PointCloud(points, rng.integers(0, 256, (2000, 3)).astype(np.uint8)), 0.05)
    return Case("noise", "sample", "50 mm", cloud, tmc13_bpp=4.0, tmc13_seconds=(0.1, 0.1))


def test_grid_is_unique_and_keeps_the_sensors_place() -> None:
    points = case().cloud.points
    assert len(np.unique(points, axis=0)) == len(points)
    assert points.max() == 20
    moved = on_grid(PointCloud(np.array([[-1.0, 0, 2], [1, 1, 2.1]])), 0.5)
    assert moved.points.tolist() == [[-2, 0, 4], [2, 2, 4]]
    shifted = Case("two", "sample", "", moved).shifted
    assert shifted.tolist() == [[0, 0, 0], [4, 2, 0]]
    assert Case("two", "sample", "", moved).bits == 3


@pytest.mark.parametrize("name", list(installed()))
def test_peers_give_every_point_back(name: str) -> None:
    peer = installed()[name]
    points = case().cloud.points
    back = peer.decode(peer.encode(points))
    assert np.array_equal(np.unique(back, axis=0), points)


def test_rows_and_summary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pcc, "cases", lambda data: iter([case()]))
    monkeypatch.setattr(tmc13, "program", lambda: None)
    rows = list(pcc.SUITE["rows"](tmp_path))
    assert {r["codec"] for r in rows} >= {"geo3d fast", "geo3d best"}
    exact = [r for r in rows if not r["what"].startswith("lossy")]
    assert all(r["exact"] for r in exact if r["codec"] != "TMC13 (recorded)")
    for row in exact:
        assert row["bpp"] == pytest.approx(8 * row["bytes"] / row["points"], rel=1e-3)
        assert set(pcc.SUITE["columns"]) - {"d1_psnr"} <= set(row)
    summary = pcc.SUITE["summary"](rows)
    assert len(summary) == len(exact)
    ours = next(r for r in summary if r["codec"] == "geo3d fast")
    assert ours["of_tmc13"] == pytest.approx(next(r["bpp"] for r in rows if r["codec"] == "geo3d fast") / 4.0)
    assert [r["of_tmc13"] for r in summary if r["codec"] == "TMC13 (recorded)"] == [1.0]
