"""Discs by NumPy against the compiled loop that draws them one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from geo3d_viewer.raster import discs
from geo3d_viewer.raster.discs import draw_discs
from geo3d_viewer.raster.kernels import draw_points

HEIGHT, WIDTH = 90, 120


def view(seed: int, count: int, diameter: float) -> tuple[Any, ...]:
    """Points in front of, behind and beside a turned camera, some at one depth, some nowhere."""
    rng = np.random.default_rng(seed)
    xyz = rng.normal(size=(count, 3)).astype(np.float32)
    xyz[::4] = np.round(xyz[::4] * 4) / 4
    xyz[5::97] = [np.nan, 0, 1]
    xyz[6::97] = [0, np.inf, 1]
    R = np.linalg.qr(rng.normal(size=(3, 3)))[0].astype(np.float32)
    rgb = rng.integers(0, 256, (count, 3), dtype=np.uint8)
    return xyz, rgb, R, np.array([0.1, -0.2, 1.5], np.float32), 80.0, diameter, 2.6, 48.0, 0.01


def buffers(seed: int) -> tuple[Any, Any]:
    """What another layer has left: something at random depths on half of the picture."""
    rng = np.random.default_rng(seed)
    depth = np.where(rng.random((HEIGHT, WIDTH)) < 0.5, rng.random((HEIGHT, WIDTH)) * 3, np.inf).astype(np.float32)
    return depth, rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("count", "diameter"), [(1, 0.1), (3000, 0.05), (20_000, 0.01), (500, 2.0)])
def test_the_same_pixels_as_one_by_one(seed: int, count: int, diameter: float) -> None:
    wanted, found = buffers(seed), buffers(seed)
    draw_points(*view(seed, count, diameter), *wanted)
    assert draw_discs(*view(seed, count, diameter), *found)
    assert (wanted[0] == found[0]).all()
    assert (wanted[1] == found[1]).all()


def test_nothing_is_drawn_where_it_would_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discs, "MOST_VISITS", 10_000)
    wanted, found = buffers(1), buffers(1)
    assert not draw_discs(*view(1, 3000, 0.05), *found)
    assert (wanted[0] == found[0]).all()
    assert (wanted[1] == found[1]).all()
