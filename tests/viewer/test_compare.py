"""Distances against closed forms; pictures that show them."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer.compare import Compared, compare, comparison_picture, comparison_scene, distances
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
    with pytest.raises(ShapeError, match="one of point, plane, hausdorff"):
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


def test_the_picture_has_a_column_each_and_is_bright_where_it_is_far() -> None:
    near, far = (sheet().points.copy() for _ in range(2))
    near[:, 2] = np.where(near[:, 0] > 2, 0.25, 0.0)
    far[:, 2] = np.where(far[:, 0] > 2, 0.5, 0.0)
    others = [Compared(n, PointCloud(p), compare(sheet(), PointCloud(p))) for n, p in (("near", near), ("far", far))]
    image, camera = comparison_picture(sheet(), others, (300, 200))
    assert image.shape[1] == 3 * 300 + 2 * 8
    again, _ = comparison_picture(sheet(), others, (300, 200), camera)
    assert np.array_equal(image, again)
    scene = comparison_scene(sheet(), others)
    assert scene.names == ("reference", "1/other", "1/distance", "2/other", "2/distance")
    brightness = [scene[f"{n}/distance"].cloud.colors[far[:, 2] > 0.3].sum(axis=1) for n in (1, 2)]  # type: ignore[union-attr]
    # One scale for both: what is nearer is darker.
    assert brightness[0].max() < brightness[1].min()
    with pytest.raises(ShapeError, match="at least one other"):
        comparison_picture(sheet(), [])


def test_histogram_bars_are_as_high_as_counts() -> None:
    values = np.r_[np.zeros(100), np.full(50, 0.99), np.full(50, 7.0), [np.nan]]
    image = histogram(values, Legend("d", 0.0, 1.0), (400, 200), bins=2).astype(int)
    colored = np.abs(image - image[0, 0]).sum(axis=2) > 60
    heights = [colored[:, u].sum() for u in (100, 300)]
    assert heights[0] == pytest.approx(heights[1], abs=12)


def test_panels_need_titles() -> None:
    with pytest.raises(ShapeError, match="title each"):
        side_by_side([np.zeros((4, 4, 3), np.uint8)], [])


def test_the_hausdorff_distance_is_marked_where_it_is() -> None:
    rng = np.random.default_rng(1)
    a = rng.uniform(-1, 1, (300, 3))
    b = np.concatenate([a + 0.001, [[4.0, 0, 0]]])
    for reference, other in ((a, b), (b, a)):
        result = compare(PointCloud(reference), PointCloud(other), "hausdorff")
        assert result.farthest is not None
        assert np.allclose(result.farthest[0], [4, 0, 0])
        # Slow and by itself: the largest of the smallest distances.
        brute = np.linalg.norm(a[:, None] - b[None], axis=2)
        assert result.hausdorff == pytest.approx(max(brute.min(axis=0).max(), brute.min(axis=1).max()))
        assert np.linalg.norm(result.farthest[0] - result.farthest[1]) == pytest.approx(result.hausdorff)
        scene = comparison_scene(PointCloud(reference), [Compared("x", PointCloud(other), result)])
        shown = [la.name for la in scene.visible_layers]
        assert shown == ["1/distance", "1/distance/back", "1/distance/farthest"]


def test_the_hausdorff_distance_to_a_surface() -> None:
    plate = TriangleMesh(np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]]), np.array([[0, 1, 2], [0, 2, 3]]))
    result = compare(plate, PointCloud(np.array([[0.2, 0.1, 0.0], [0.3, -0.4, 2.5]])), "hausdorff")
    assert result.farthest is not None
    assert np.allclose(result.farthest, [[0.3, -0.4, 2.5], [0.3, -0.4, 0.0]], atol=1e-5)
