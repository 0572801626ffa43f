from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo3d.registration.frames.support import support, within
from geo3d.registration.se3 import exp_se3


@dataclass
class Pose:
    T: np.ndarray


def at(x: float, turn: float = 0.0) -> np.ndarray:
    return exp_se3(np.array([0, 0, turn, x, 0, 0]))


def test_what_agrees_is_counted_by_share_source_and_end() -> None:
    hypotheses = np.stack([at(0), at(0.1), at(0, 0.1), at(2)])
    refined = [Pose(at(0)), Pose(at(2))]
    ends = np.stack([at(0), at(0.01), at(2), at(5)])
    rows = support(refined, hypotheses, ["a", "a", "b", "c"], ends, depth=1.0)  # type: ignore[arg-type]
    assert np.allclose(rows[0], [np.log(3 / 4 + 0.02), 2 / 3, 1 / 2])
    assert np.allclose(rows[1], [np.log(1 / 4 + 0.02), 1 / 3, 1 / 4])


def test_without_hypotheses_nothing_speaks_for_a_pose() -> None:
    none = np.zeros((0, 4, 4))
    rows = support([Pose(at(0))], none, [], none, depth=1.0)  # type: ignore[list-item]
    assert np.allclose(rows, [[np.log(0.02), 0, 0]])
    assert support([], none, [], none, depth=1.0).shape == (0, 3)


def test_nearness_is_by_distance_and_turn() -> None:
    poses = np.stack([at(0.05), at(0.15), at(0, 0.05), at(0, 0.15)])
    assert within(poses, np.eye(4), 0.1, 0.1).tolist() == [True, False, True, False]
