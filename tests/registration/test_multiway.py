"""Many views in one frame: right poses from a known split, and views that belong elsewhere left out."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.errors import RegistrationError
from geo3d.registration.multiway import register_many
from geo3d.registration.se3 import angle, exp_se3, inverse
from geo3d.types import PointCloud


def scene() -> np.ndarray:
    rng = np.random.default_rng(0)
    floor = np.c_[rng.uniform(-1, 1, (4500, 2)), np.zeros(4500)]
    wall = np.c_[np.ones(2500), rng.uniform(-1, 1, 2500), rng.uniform(0, 1, 2500)]
    ball = rng.normal(size=(3000, 3))
    ball = 0.4 * ball / np.linalg.norm(ball, axis=1, keepdims=True) + [0.3, 0.2, 0.4]
    return np.concatenate([floor, wall, ball])


@pytest.fixture(scope="module")
def answer() -> tuple[np.ndarray, object]:
    rng = np.random.default_rng(1)
    points = scene()
    T_view_world = [np.eye(4), exp_se3(rng.normal(size=6)), exp_se3(rng.normal(size=6))]
    views = [PointCloud(points[k::3] @ T[:3, :3].T + T[:3, 3]) for k, T in enumerate(T_view_world)]
    stranger = np.c_[rng.uniform(-1, 1, (4000, 2)), 0.3 * np.sin(7 * rng.uniform(size=4000))]
    return np.stack(T_view_world), register_many([*views, PointCloud(stranger)])


def test_poses_bring_the_views_together(answer: tuple[np.ndarray, object]) -> None:
    T_view_world, result = answer
    assert result.connected.tolist() == [True, True, True, False]
    for T_world_view, truth in zip(result.T_world_view[:3], T_view_world, strict=True):
        error = T_world_view @ truth
        assert np.rad2deg(angle(error)) < 1
        assert np.linalg.norm(error[:3, 3]) < 0.02


def test_every_pair_is_reported_and_edges_agree_with_the_poses(answer: tuple[np.ndarray, object]) -> None:
    _, result = answer
    assert len(result.edges) == 6
    for e in result.edges:
        assert (e.weight > 0) == e.result.converged
        if e.weight > 0.1:
            T = inverse(result.T_world_view[e.target]) @ result.T_world_view[e.source]
            assert np.allclose(T, e.result.T_target_source, atol=0.03)


def test_one_view_is_not_enough() -> None:
    with pytest.raises(RegistrationError, match="at least two"):
        register_many([PointCloud(scene())])
