"""Matches hold a dense alignment where surfaces let it slide."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.registration.dense import align, frame_maps
from geo3d.registration.frames.anchor import WEIGHT, anchor
from geo3d.registration.se3 import angle, exp_se3, inverse
from geo3d.types import PinholeCamera, RGBDFrame

TRUTH = exp_se3(np.array([0.05, -0.1, 0.2, 0.3, -0.2, 0.1]))


def matches(right: int, wrong: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    source = rng.uniform(-1, 1, (right + wrong, 3)) + [0, 0, 2]
    target = source @ TRUTH[:3, :3].T + TRUTH[:3, 3] + rng.normal(size=source.shape) * noise
    target[right:] = rng.uniform(-1, 1, (wrong, 3)) + [0, 0, 2]
    return source, target


def test_right_matches_are_found_near_a_hypothesis() -> None:
    source, target = matches(40, 400, 0.02)
    start = exp_se3(np.array([0.02, 0.01, 0, 0.02, -0.03, 0.01])) @ TRUTH
    held = anchor(source, target, start, voxel=0.05)
    assert held is not None
    error = inverse(TRUTH) @ held.T
    assert angle(error) < 0.02
    assert np.linalg.norm(error[:3, 3]) < 0.02
    assert (np.linalg.eigvalsh(held.information) > 0).all()


def test_exact_matches_count_in_full() -> None:
    source, target = matches(30, 0, 0.0)
    held = anchor(source, target, TRUTH, voxel=0.05)
    assert held is not None
    # Each match holds every direction of the translation once, by a deviation of 1.5 voxels.
    assert np.allclose(held.information[3:, 3:], np.eye(3) * 30 * WEIGHT / 0.075**2, rtol=1e-6)


@pytest.mark.parametrize("far", [0.5, 0.0])
def test_matches_of_another_pose_are_no_anchor(far: float) -> None:
    source, target = matches(40, 0, 0.0)
    start = exp_se3(np.array([0, 0, 0, 1.5 + far, 0, 0])) @ TRUTH
    assert anchor(source, target, start, voxel=0.05) is None


def test_a_bare_wall_slides_without_and_holds_with_matches() -> None:
    camera = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
    wall = frame_maps(RGBDFrame(np.full((240, 320), 2000, np.uint16), camera))
    start = exp_se3(np.array([0, 0, 0, 0.1, 0, 0.02]))
    information = np.eye(6) * 1e5
    free = align(wall, [(wall, np.eye(4))], start, stride=2).T_target_source
    held = align(wall, [(wall, np.eye(4))], start, stride=2, prior=(np.eye(4), information)).T_target_source
    assert abs(free[0, 3]) > 0.05
    assert abs(held[0, 3]) < 0.01
