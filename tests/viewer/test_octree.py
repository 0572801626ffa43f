"""The octree loses no point, its beginnings are spread evenly, and what is near is drawn finely."""

from __future__ import annotations

import numpy as np
import pytest
from geo3d_viewer.camera import ViewCamera
from geo3d_viewer.octree import build_octree
from hypothesis import given, settings
from hypothesis import strategies as st

from geo3d.types import PointCloud


def cloud(n: int, seed: int = 0) -> PointCloud:
    p = np.random.default_rng(seed).uniform(-1, 1, (n, 3)) + [500_000, 4_000_000, 0]
    rgb = np.stack([np.arange(n) >> 16, np.arange(n) >> 8, np.arange(n)], axis=1).astype(np.uint8)
    normals = np.zeros((n, 3), np.float32) + [0, 0, 1]
    return PointCloud(p, rgb, normals.astype(np.float32), {"i": np.arange(n)})


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 3000), st.integers(1, 500), st.floats(0, 1))
def test_every_point_is_there_once_in_its_cube(n: int, most: int, repeated: float) -> None:
    whole = cloud(n)
    whole.points[: int(repeated * n)] = whole.points[:1]
    tree = build_octree(whole, most)
    number = tree.cloud.attributes["i"]
    assert np.array_equal(np.sort(number), np.arange(n))
    assert np.array_equal(tree.cloud.points, whole.points[number])
    assert np.array_equal(tree.cloud.colors, whole.colors[number])  # type: ignore[index]
    assert tree.starts[0] == 0
    assert tree.starts[-1] == n
    assert (tree.counts > 0).all()
    for c in range(len(tree.counts)):
        part = tree.part(c, n + 1)
        assert len(part) == tree.counts[c]
        assert (part.points >= tree.low[c]).all()
        assert (part.points <= tree.high[c]).all()
        assert len(part) <= most or repeated


def test_cubes_are_small_and_do_not_overlap() -> None:
    tree = build_octree(cloud(20_000), 500)
    assert 40 < len(tree.counts) < 200
    volume = np.prod(tree.high - tree.low, axis=1)
    assert volume.sum() <= 8


def test_far_strays_cost_no_detail() -> None:
    p = np.random.default_rng(0).uniform(-1, 1, (20_000, 3))
    p[0] = [50_000, 0, 0]
    tree = build_octree(PointCloud(p), 500)
    assert np.median(np.linalg.norm(tree.high - tree.low, axis=1)) < 2


@pytest.mark.parametrize("share", [2, 4, 8, 16])
def test_a_beginning_is_spread_evenly(share: int) -> None:
    side = np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"), axis=-1).reshape(-1, 3).astype(float)
    (count,) = (tree := build_octree(PointCloud(side), 10_000)).counts
    part = tree.part(0, count // share).points
    # Each of the 64 cubes of side 4 has its share.
    _, held = np.unique(part // 4, axis=0, return_counts=True)
    assert held.tolist() == [64 // share] * 64


def test_near_cubes_are_fine_far_ones_coarse_and_the_budget_holds() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, (200_000, 3)) * [100, 10, 0]
    tree = build_octree(PointCloud(p), 2000)
    camera = ViewCamera((-2, 5, 2), (50, 5, 0), (0, 0, 1))
    wanted = tree.wanted(camera, (800, 600), 50_000, coarse=100)
    assert wanted.sum() <= 50_000
    share = wanted / tree.counts
    near, far = tree.high[:, 0] < 10, tree.low[:, 0] > 80
    assert share[near].mean() > 4 * share[far].mean()
    # Closer than any budget matters, all of a cube is drawn.
    close = tree.wanted(ViewCamera((5, 5, 0.5), (5.5, 5, 0), (0, 0, 1)), (800, 600), 10**6, coarse=100)
    assert (close == tree.counts).any()
    assert set(np.unique(np.ceil(np.log2(tree.counts / close)))) <= set(range(20))


def test_what_is_out_of_view_stays_coarse_but_there() -> None:
    tree = build_octree(cloud(100_000), 1000)
    x, y = 500_000, 4_000_000
    away = tree.wanted(ViewCamera((x, y, 50), (x, y, 100), (0, 1, 0)), (640, 480), 10**6, coarse=5000)
    assert 5000 <= away.sum() <= 12_000
    assert (away > 0).all()


def test_an_empty_cloud_has_no_cubes() -> None:
    tree = build_octree(PointCloud(np.zeros((0, 3))))
    assert len(tree.counts) == 0
    assert tree.wanted(ViewCamera((0, 0, 1), (0, 0, 0), (0, 1, 0)), (10, 10), 5).tolist() == []
