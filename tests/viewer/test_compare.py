"""Distances against closed forms; pictures that show them."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer.compare import compare, comparison_picture, comparison_scene, distances
from geo3d_viewer.palette import Legend
from geo3d_viewer.panels import histogram, side_by_side

from geo3d.errors import ShapeError
from geo3d.types import PointCloud, TriangleMesh


def sheet(n: int = 40, z: float = 0.0) -> PointCloud:
    x, y = np.mgrid[0:n, 0:n]
    return PointCloud(np.c_[x.ravel(), y.ravel(), np.full(n * n, z)] * 0.1)


def test_shifted_sheets_are_apart_by_the_shift() -> None:
    other = sheet(z=3.0)
    result = compare(sheet(), other)
    assert np.allclose(result.to_reference, 0.3)
    numbers = result.numbers()
    assert numbers["mean"] == pytest.approx(0.3)
    assert numbers["rms"] == pytest.approx(0.3)
    assert result.hausdorff == pytest.approx(0.3)


def test_the_plane_metric_ignores_sampling() -> None:
    between = PointCloud(sheet().points[:-45] + [0.05, 0.05, 0.02])
    assert np.allclose(distances(between.points, sheet(), "point"), np.sqrt(2 * 0.05**2 + 0.02**2))
    assert np.allclose(distances(between.points, sheet(), "plane"), 0.02, atol=1e-3)
    with pytest.raises(ShapeError, match="'point' or 'plane'"):
        distances(between.points, sheet(), "line")  # type: ignore[arg-type]


def test_meshes_are_met_on_their_faces_also_at_utm_coordinates() -> None:
    far = np.array([500_000.0, 4_000_000.0, 50.0])
    mesh = TriangleMesh(np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0.0]]) + far, np.array([[0, 1, 2]]))
    points = np.array([[2, 2, 1.5], [-3, -4, 0]]) + far
    assert np.allclose(distances(points, mesh), [1.5, 5.0], atol=1e-4)


def test_hausdorff_looks_both_ways() -> None:
    part = PointCloud(sheet().points[:800])
    result = compare(sheet(), part)
    assert result.to_reference.max() == 0
    assert result.hausdorff == pytest.approx(2.0)
    with pytest.raises(ShapeError, match="without points"):
        compare(sheet(), PointCloud(np.zeros((0, 3))))


def test_the_picture_has_four_panels_and_bright_where_it_is_far() -> None:
    other = sheet().points.copy()
    other[:, 2] = np.where(other[:, 0] > 2, 0.5, 0.0)
    result = compare(sheet(), PointCloud(other))
    image, camera = comparison_picture(sheet(), PointCloud(other), result, (300, 200))
    assert image.shape[1] == 2 * 300 + 8
    again, _ = comparison_picture(sheet(), PointCloud(other), result, (300, 200), camera)
    assert np.array_equal(image, again)
    layer = comparison_scene(sheet(), PointCloud(other), result)["distance"]
    assert layer.cloud.colors is not None  # type: ignore[union-attr]
    far = result.to_reference > 0.3
    brightness = layer.cloud.colors.sum(axis=1)  # type: ignore[union-attr]
    assert brightness[far].min() > brightness[~far].max()


def test_histogram_bars_are_as_high_as_counts() -> None:
    values = np.r_[np.zeros(100), np.full(50, 0.99), np.full(50, 7.0), [np.nan]]
    image = histogram(values, Legend("d", 0.0, 1.0), (400, 200), bins=2).astype(int)
    colored = np.abs(image - image[0, 0]).sum(axis=2) > 60
    heights = [colored[:, u].sum() for u in (100, 300)]
    assert heights[0] == pytest.approx(heights[1], abs=12)


def test_panels_need_titles() -> None:
    with pytest.raises(ShapeError, match="title each"):
        side_by_side([np.zeros((4, 4, 3), np.uint8)], [])
