from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo3d.registration.frames.evidence import SUPPORT
from geo3d.registration.frames.support import support, within
from geo3d.registration.se3 import exp_se3


@dataclass
class Pose:
    T: np.ndarray


def at(x: float, turn: float = 0.0) -> np.ndarray:
    return exp_se3(np.array([0, 0, turn, x, 0, 0]))


def moved(points: np.ndarray, T: np.ndarray) -> np.ndarray:
    return points @ T[:3, :3].T + T[:3, 3]


def test_what_agrees_is_counted_by_share_source_and_end() -> None:
    hypotheses = np.stack([at(0), at(0.1), at(0, 0.1), at(2)])
    refined = [Pose(at(0)), Pose(at(2))]
    ends = np.stack([at(0), at(0.01), at(2), at(5)])
    rows = support(refined, hypotheses, ["a", "a", "b", "c"], ends, 1.0, {}, 0.1)  # type: ignore[arg-type]
    assert np.allclose(rows[0, :3], [np.log(3 / 4 + 0.02), 2 / 3, 1 / 2])
    assert np.allclose(rows[1, :3], [np.log(1 / 4 + 0.02), 1 / 3, 1 / 4])


def test_without_hypotheses_nothing_speaks_for_a_pose() -> None:
    none = np.zeros((0, 4, 4))
    rows = support([Pose(at(0))], none, [], none, 1.0, {}, 0.1)  # type: ignore[list-item]
    assert np.allclose(rows, [[np.log(0.02), 0, 0, 0, 0, 0]])
    assert support([], none, [], none, 1.0, {}, 0.1).shape == (0, len(SUPPORT))


def test_a_pose_that_lays_one_thing_on_its_copy_explains_what_is_on_it_alone() -> None:
    rng = np.random.default_rng(2)
    thing, ground = rng.uniform(0, 1, (40, 3)), rng.uniform([0, -3, 0], [6, 3, 0.01], (60, 3))
    # The right pose is the identity; the thing's matches go to its copy 3 m further on.
    matches = {
        "shape": (np.concatenate([thing, ground]), np.concatenate([thing + [3, 0, 0], ground]), np.zeros(100)),
        "lifted": (ground[:20], ground[:20], np.zeros(20)),
    }
    hypotheses = np.stack([at(0), at(3)])
    right, copy = support(
        [Pose(at(0)), Pose(at(3))], hypotheses, ["shape", "shape"], np.zeros((0, 4, 4)), 1.0, matches, 0.25
    )  # type: ignore[list-item]
    names = list(SUPPORT)
    kept, lifted, lead = (names.index(n) for n in ("kept", "kept_lifted", "lead"))
    # Around the copy the ground is laid on the ground, where its matches do not lead.
    assert right[kept] > 0.8 > copy[kept]
    assert right[lifted] == 20 / 25
    assert copy[lifted] == 0
    assert np.allclose([right[lead], copy[lead]], [np.log(85 / 45), np.log(45 / 85)])


def test_nearness_is_by_distance_and_turn() -> None:
    poses = np.stack([at(0.05), at(0.15), at(0, 0.05), at(0, 0.15)])
    assert within(poses, np.eye(4), 0.1, 0.1).tolist() == [True, False, True, False]
