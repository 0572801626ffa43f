"""The verdict on clouds: what slides is refused, whatever its overlap."""

from __future__ import annotations

import numpy as np
import pytest

from geo3d.registration.cloud_search import EVIDENCE, evidence_at
from geo3d.registration.judge_clouds import agreed, judge
from geo3d.registration.prepare import prepare_pair
from geo3d.types import PointCloud


def wall(seed: int, corner: bool) -> PointCloud:
    """A wall of 3 m x 2 m; with a corner, a second wall and a floor meet it."""
    rng = np.random.default_rng(seed)
    flat = np.c_[rng.uniform(0, 3, 6000), np.zeros(6000), rng.uniform(0, 2, 6000)]
    side = np.c_[np.zeros(4000), rng.uniform(0, 2, 4000), rng.uniform(0, 2, 4000)]
    floor = np.c_[rng.uniform(0, 3, 6000), rng.uniform(0, 2, 6000), np.zeros(6000)]
    points = np.concatenate([flat, side, floor]) if corner else flat
    return PointCloud(points + rng.normal(size=points.shape) * 0.003)


def test_only_what_holds_in_all_directions_is_believed() -> None:
    slides = []
    for corner in (True, False):
        pair = prepare_pair(wall(0, corner), wall(1, corner))
        one, evidence = evidence_at(pair, pair.centered(np.eye(4)))
        slides.append(evidence[EVIDENCE.index("slide")])
        assert one.seen.overlap > 0.95
        _, probability, reason = judge(pair, [one], evidence[None])
        assert (probability > 0.5) == corner
        assert ("sliding along" in reason) != corner
    assert slides[0] < slides[1] - 0.03


def test_two_poses_that_fit_as_well_are_ambiguous() -> None:
    pair = prepare_pair(wall(0, True), wall(1, True))
    T = pair.centered(np.eye(4))
    one, evidence = evidence_at(pair, T)
    other, _ = evidence_at(pair, np.diag([-1.0, -1.0, 1.0, 1.0]) @ T)
    _, alone, _ = judge(pair, [one], evidence[None])
    _, probability, reason = judge(pair, [one, other], np.stack([evidence, evidence]))
    assert probability < 0.51 < alone
    assert "ambiguous" in reason


def test_two_unsure_searches_convince_only_at_one_pose() -> None:
    pair = prepare_pair(wall(0, True), wall(1, True))
    here, near, far = np.eye(4), np.eye(4), np.eye(4)
    near[0, 3], far[0, 3] = pair.voxel, 3 * pair.voxel
    assert agreed(pair, here, 0.75, near, 0.3) == pytest.approx(1 - 0.25 * 0.7)
    assert agreed(pair, here, 0.75, far, 0.3) == 0
    assert agreed(pair, here, 0.75, np.diag([-1.0, -1.0, 1.0, 1.0]), 0.3) == 0
    # What one of them excludes, or what both hold for little, is not taken.
    assert agreed(pair, here, 0.79, near, 0.0) == 0
    assert agreed(pair, here, 0.3, near, 0.9) == 0
    assert agreed(pair, here, 0.5, near, 0.4) == 0
