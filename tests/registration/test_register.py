"""The one call: right from any pose, refused where there is nothing to find."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.errors import Geo3DError, RegistrationError, ShapeError
from geo3d.registration import register
from geo3d.registration.classical import CLASSICAL
from geo3d.registration.se3 import angle, inverse
from geo3d.types import PointCloud, RGBDFrame


def scene(seed: int = 0) -> np.ndarray:
    """A floor, a wall, a ball and a box: 12,000 points."""
    rng = np.random.default_rng(seed)
    floor = np.c_[rng.uniform(-1, 1, (4500, 2)), np.zeros(4500)]
    wall = np.c_[np.ones(2500), rng.uniform(-1, 1, 2500), rng.uniform(0, 1, 2500)]
    ball = rng.normal(size=(3000, 3))
    ball = 0.4 * ball / np.linalg.norm(ball, axis=1, keepdims=True) + [0.3, 0.2, 0.4]
    box = rng.uniform(-0.2, 0.2, (2000, 3))
    box[np.arange(2000), rng.integers(3, size=2000)] = 0.2 * rng.choice([-1, 1], 2000)
    return np.concatenate([floor, wall, ball, box + [-0.5, -0.4, 0.2]])


def moved(points: np.ndarray, T: np.ndarray) -> np.ndarray:
    return points @ T[:3, :3].T + T[:3, 3]


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_halves_of_a_cloud_from_a_random_pose(random_pose: np.ndarray, scale: float) -> None:
    T = random_pose.copy()
    T[:3, 3] *= scale
    points = scale * scene()
    result = register(points[::2], moved(points[1::2], T))
    error = inverse(T) @ result.T_target_source
    assert result.converged
    assert np.rad2deg(angle(error)) < 1
    assert np.linalg.norm(error[:3, 3]) < 0.02 * scale


def test_unrelated_clouds_are_refused() -> None:
    rng = np.random.default_rng(5)
    noise = np.c_[rng.uniform(-1, 1, (6000, 2)), 0.3 * np.sin(7 * rng.uniform(size=6000))]
    result = register(scene(), noise)
    assert not result.converged
    assert result.reason
    assert result.probability < 0.5


def test_the_same_seed_gives_the_same_bits(random_pose: np.ndarray) -> None:
    points = scene()
    a, b = (register(points[::4], moved(points[1::4], random_pose), seed=3) for _ in range(2))
    assert np.array_equal(a.T_target_source, b.T_target_source)
    assert a.probability == b.probability


@pytest.mark.parametrize("method", [m for m in CLASSICAL if m not in ("colored-icp", "kiss-matcher")])
def test_classical_methods_refine_a_good_guess(method: str, random_pose: np.ndarray) -> None:
    points = scene()
    guess = random_pose.copy()
    guess[:3, 3] += 0.03
    result = register(points[::3], moved(points[1::3], random_pose), method=method, init=guess)
    assert np.linalg.norm((inverse(random_pose) @ result.T_target_source)[:3, 3]) < 0.02
    assert result.method == method


def test_nan_points_are_dropped_and_said(random_pose: np.ndarray) -> None:
    source = scene()[::2].copy()
    source[:50] = np.nan
    result = register(source, moved(scene()[1::2], random_pose), init=random_pose, method="icp")
    assert result.converged
    assert "50 points of the source" in result.notes[0]


def test_millimetres_against_metres_are_refused_with_the_reason() -> None:
    result = register(1000 * scene(), scene())
    assert not result.converged
    assert "millimetres" in result.reason


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (np.zeros((0, 3)), RegistrationError),
        (np.full((90, 3), np.nan), RegistrationError),
        (np.zeros((9, 2)), ShapeError),
    ],
)
def test_what_cannot_be_registered_is_an_error(source: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        register(source, scene())


def test_unknown_methods_list_the_known() -> None:
    with pytest.raises(Geo3DError, match="known: auto, ransac, fgr"):
        register(scene(), scene(), method="magic")


def test_colored_icp_needs_colours() -> None:
    with pytest.raises(RegistrationError, match="colours"):
        register(PointCloud(scene()), PointCloud(scene()), method="colored-icp")


def test_frames_that_overlap_and_frames_that_do_not(room_frames: list[RGBDFrame]) -> None:
    a, b, other = room_frames
    truth = inverse(b.T_world_camera) @ a.T_world_camera
    result = register(a, b)
    error = inverse(truth) @ result.T_target_source
    assert result.converged, result.reason
    assert np.rad2deg(angle(error)) < 2
    assert np.linalg.norm(error[:3, 3]) < 0.05
    assert np.linalg.eigvalsh(result.information).min() > 0
    refused = register(a, other)
    assert not refused.converged
    assert refused.reason
