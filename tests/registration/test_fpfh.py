"""Histograms against Open3D's, neighbours against a k-d tree, colour statistics against plain sums."""

from __future__ import annotations

import numpy as np
import open3d as o3d
import pytest
from scipy.spatial import cKDTree

from geo3d.registration._neighbours import radius_graph
from geo3d.registration.fpfh import OPPONENT, color_statistics, fpfh


@pytest.fixture
def bumpy() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 1, (600, 2))
    points = np.column_stack([xy, 0.2 * np.sin(5 * xy[:, 0]) * np.cos(4 * xy[:, 1])])
    normals = rng.normal(size=(600, 3)) * 0.3 + [0, 0, 1]
    return points, normals / np.linalg.norm(normals, axis=1, keepdims=True)


def test_histograms_are_open3ds(bumpy: tuple[np.ndarray, np.ndarray]) -> None:
    points, normals = bumpy
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    cloud.normals = o3d.utility.Vector3dVector(normals)
    search = o3d.geometry.KDTreeSearchParamHybrid(radius=0.15, max_nn=1000)
    theirs = np.asarray(o3d.pipelines.registration.compute_fpfh_feature(cloud, search).data).T
    ours = fpfh(points, normals, 0.15)
    assert np.abs(ours - np.sqrt(theirs / 300)).max() < 1e-4
    at = np.array([5, 17, 300])
    assert np.array_equal(fpfh(points, normals, 0.15, at), ours[at])


def test_the_graph_is_the_trees(bumpy: tuple[np.ndarray, np.ndarray]) -> None:
    points = bumpy[0] * [1, 1, 8]
    indptr, indices, squared = radius_graph(points, 0.2)
    expected = cKDTree(points).query_ball_point(points, 0.2)
    for i in range(len(points)):
        mine = indices[indptr[i] : indptr[i + 1]]
        assert sorted(mine.tolist()) == sorted(set(expected[i]) - {i})
        assert np.allclose(squared[indptr[i] : indptr[i + 1]], ((points[mine] - points[i]) ** 2).sum(1), atol=1e-6)


def test_colour_statistics_are_means_and_deviations(bumpy: tuple[np.ndarray, np.ndarray]) -> None:
    points = bumpy[0]
    colors = np.random.default_rng(0).uniform(size=(600, 3))
    near = cKDTree(points).query_ball_point(points[7], 0.1)
    told = color_statistics(points, colors, (0.05, 0.1), np.array([7]))[0]
    opponent = colors[near] @ OPPONENT
    assert np.allclose(told[6:], np.concatenate([opponent.mean(axis=0), opponent.std(axis=0)]), atol=1e-5)


def test_no_points_have_no_features() -> None:
    none = np.zeros((0, 3))
    assert fpfh(none, none, 1.0).shape == (0, 33)
    assert color_statistics(none, none, (1.0, 2.0)).shape == (0, 12)
