"""BD-rate against closed forms; the rows are real files."""

import numpy as np
import pytest
from geo3d_compression.bench.cases import Case
from geo3d_compression.bench.lossy import bd_rate, color_psnr, lossy_rows

from geo3d.types import PointCloud


def test_bd_rate_of_known_curves() -> None:
    psnr = [25.0, 30.0, 35.0, 40.0, 45.0]
    rate = [0.1, 0.2, 0.5, 1.1, 2.5]
    assert bd_rate(rate, psnr, rate, psnr) == pytest.approx(0)
    assert bd_rate(rate, psnr, [r / 2 for r in rate], psnr) == pytest.approx(-0.5)
    assert bd_rate(rate, psnr, [1.3 * r for r in rate[1:]], psnr[1:]) == pytest.approx(0.3, abs=0.02)


def test_psnr_ignores_the_order() -> None:
    rng = np.random.default_rng(0)
    points = np.unique(rng.integers(0, 50, (500, 3)), axis=0)
    grey = np.tile(rng.integers(10, 200, (len(points), 1)), (1, 3)).astype(np.uint8)
    shuffled = rng.permutation(len(points))
    y, u, v = color_psnr(PointCloud(points, grey), PointCloud(points[shuffled], grey[shuffled] + np.uint8(5)))
    assert y == pytest.approx(20 * np.log10(255 / 5))
    assert min(u, v) > 100


def test_rows_trade_bits_for_psnr() -> None:
    rng = np.random.default_rng(0)
    points = np.unique(rng.integers(0, 32, (3000, 3)) * [1, 1, 0], axis=0)
    colors = (128 + 100 * np.sin(points / 6.0)).astype(np.uint8)
    rows = list(lossy_rows(Case("wave", "sample", "1", PointCloud(points, colors))))
    assert len(rows) == 6
    assert [r["bytes"] for r in rows] == sorted((r["bytes"] for r in rows), reverse=True)
    assert rows[0]["psnr_y"] > rows[-1]["psnr_y"] + 8
