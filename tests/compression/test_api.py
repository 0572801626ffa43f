"""The library's front door."""

import geo3d_compression
import numpy as np
import pytest

from geo3d.errors import Geo3DError, ShapeError
from geo3d.types import PointCloud


def test_arrays_and_clouds_round_trip() -> None:
    points = np.unique(np.random.default_rng(0).integers(0, 50, (400, 3)), axis=0)
    for profile in ("fast", "best"):
        back = geo3d_compression.decompress(geo3d_compression.compress(points, grid=1, profile=profile))
        assert isinstance(back, PointCloud)
        assert np.array_equal(np.unique(back.points, axis=0), points)
    ordered = geo3d_compression.decompress(geo3d_compression.compress(points[::-1], keep_order=True))
    assert np.array_equal(ordered.points, points[::-1])


def test_level_box_and_info() -> None:
    points = np.unique(np.random.default_rng(0).integers(0, 64, (2000, 3)), axis=0)
    data = geo3d_compression.compress(points, name="thing")
    assert len(geo3d_compression.decompress(data, level=2)) == 64
    inside = geo3d_compression.decompress(data, bbox=(0, 0, 0, 9, 9, 9))
    assert len(inside) == (points <= 9).all(axis=1).sum()
    about = geo3d_compression.info(data)
    assert about["name"] == "thing"
    assert about["points"] == len(points)
    assert about["exact_coordinates"]


def test_errors_name_the_reason() -> None:
    with pytest.raises(ShapeError, match="must be an"):
        geo3d_compression.compress(np.zeros((4, 2)))
    data = geo3d_compression.compress(np.eye(3))
    with pytest.raises(Geo3DError, match="called 'x'"):
        geo3d_compression.decompress(data, item="x")
