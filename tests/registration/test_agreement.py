import numpy as np
import pytest

from geo3d.registration.agreement import agreement, quick_overlap
from geo3d.registration.prepare import prepare_pair
from geo3d.types import PointCloud


def bumpy(seed: int) -> PointCloud:
    xy = np.random.default_rng(seed).uniform(0, 1, (6000, 2))
    return PointCloud(np.c_[xy, 0.1 * np.sin(7 * xy[:, 0]) * np.cos(5 * xy[:, 1])])


def test_two_samples_of_one_surface_agree() -> None:
    pair = prepare_pair(bumpy(0), bumpy(1))
    seen = agreement(pair, pair.centered(np.eye(4)))
    assert min(seen.source, seen.target, seen.facing) > 0.95
    assert seen.rmse < 0.1 * pair.voxel
    assert np.allclose(seen.information, seen.information.T)


def test_half_of_a_surface_is_half_the_overlap() -> None:
    whole, other = bumpy(0), bumpy(1)
    half = whole[whole.points[:, 0] < 0.5]
    pair = prepare_pair(half, other)
    seen = agreement(pair, pair.centered(np.eye(4)))
    assert seen.source > 0.95
    assert seen.target == pytest.approx(0.5, abs=0.06)
    assert seen.overlap == seen.source


def test_crossing_surfaces_meet_but_do_not_face_alike() -> None:
    pair = prepare_pair(bumpy(0), bumpy(1))
    T = np.eye(4)
    T[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    seen = agreement(pair, T)
    assert seen.source < 0.15
    assert seen.facing < 0.6


def test_quick_overlap_follows_the_full_one() -> None:
    pair = prepare_pair(bumpy(0), bumpy(1))
    T = pair.centered(np.eye(4))
    away = T.copy()
    away[2, 3] += 10 * pair.voxel
    assert quick_overlap(pair, T, 5) > 0.95
    assert quick_overlap(pair, away, 5) == 0
