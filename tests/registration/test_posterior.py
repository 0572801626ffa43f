from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from geo3d.registration.frames.register_frames import posterior, verdict
from geo3d.registration.se3 import exp_se3


@dataclass
class Pose:
    T: np.ndarray


def at(x: float) -> Pose:
    return Pose(exp_se3(np.array([0, 0, 0, x, 0, 0])))


def test_one_pose_keeps_its_probability() -> None:
    p, alone = posterior([at(0)], np.array([1.5]), 0.2)  # type: ignore[list-item]
    assert p == alone == pytest.approx(1 / (1 + np.exp(-1.5)))


def test_copies_of_the_best_pose_are_no_rivals() -> None:
    p, alone = posterior([at(0), at(0.05), at(0.1)], np.array([2.0, 1.9, 1.8]), 0.2)  # type: ignore[list-item]
    assert p == pytest.approx(alone)


def test_distinct_poses_that_look_as_good_exclude_each_other() -> None:
    p, alone = posterior([at(0), at(1), at(2)], np.array([3.0, 3.0, 3.0]), 0.2)  # type: ignore[list-item]
    assert p < 1 / 3 < alone
    weak, _ = posterior([at(0), at(1)], np.array([3.0, -3.0]), 0.2)  # type: ignore[list-item]
    assert weak > 0.94


def test_probabilities_of_all_poses_and_none_sum_to_one() -> None:
    logits = np.array([0.3, 1.2, -0.7])
    poses = [at(0), at(1), at(2)]
    shares = []
    for k in range(3):
        order = [k, *[i for i in range(3) if i != k]]
        boosted = logits[order]
        best = np.exp(boosted[0]) / (1 + np.exp(logits).sum())
        shares.append(best)
    p, _ = posterior(poses, logits, 0.2)  # type: ignore[arg-type]
    assert p == pytest.approx(max(shares))
    assert sum(shares) + 1 / (1 + np.exp(logits).sum()) == pytest.approx(1)


def test_a_pose_that_looks_worse_than_another_is_not_believed_for_the_ways_that_lead_there() -> None:
    poses = [at(0), at(1)]
    logits = np.array([3.0, -1.0])
    agreed, alone = verdict(poses, logits, np.array([2.0, 0.0]), 0.2)  # type: ignore[arg-type]
    assert agreed == posterior(poses, logits, 0.2)[0]  # type: ignore[arg-type]
    split, same_alone = verdict(poses, logits, np.array([0.0, 1.0]), 0.2)  # type: ignore[arg-type]
    assert split == pytest.approx(1 / (1 + 1 + np.e))
    assert same_alone == alone
    near, _ = verdict([at(0), at(0.1)], logits, np.array([0.0, 1.0]), 0.2)  # type: ignore[list-item]
    assert near == pytest.approx(1 / (1 + np.exp(-3)))
