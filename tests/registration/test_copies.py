"""A room with two copies of the same things: the one that was meant, or a refusal, but never the other one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from geo3d.registration import register
from geo3d.registration.se3 import angle, inverse
from geo3d.synthetic import SENSORS, Room, render_frame
from geo3d.synthetic.kinds import Builder
from geo3d.synthetic.room import box, shell

Look = Callable[[list[float], list[float]], np.ndarray]
SIZE = np.array([6.0, 4.0, 2.5])
APART = 1.8
EYE, AT = np.array([1.4, 1.3, 1.4]), np.array([1.7, 3.3, 0.6])


def room(copies: int, seed: int = 1) -> Room:
    """A desk with two boxes on it and a pillar, `copies` times in a row along a wall, with the same texture."""
    build = Builder(np.random.default_rng(seed), ())
    build.add(shell(SIZE))
    first = len(build.parts)
    build.add(
        [
            box(np.array([1.6, 3.2, 0.35]), np.array([0.9, 0.6, 0.7]), 0.2),
            box(np.array([1.3, 3.0, 0.85]), np.array([0.25, 0.2, 0.3]), 0.7),
            box(np.array([1.9, 3.3, 0.90]), np.array([0.3, 0.3, 0.4]), 0.3),
            box(np.array([2.3, 3.6, 0.50]), np.array([0.35, 0.35, 1.0]), 0.0),
        ]
    )
    last = len(build.parts)
    for k in range(1, copies):
        for part in range(first, last):
            build.copy(part, np.array([k * APART, 0, 0]), False)
    return build.room(SIZE)


def error(T: np.ndarray, source: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Degrees and metres between T_target_source and the truth of two T_world_camera."""
    D = inverse(inverse(target) @ source) @ T
    return float(np.rad2deg(angle(D))), float(np.linalg.norm(D[:3, 3]))


@pytest.mark.parametrize("which", [0, 1])
def test_one_copy_against_both_is_the_right_one_or_refused(which: int, look: Look) -> None:
    scene, sensor = room(2), SENSORS["phone"]
    move = np.array([which * APART, 0, 0])
    source = look(list(EYE + move), list(AT + move))
    target = look([2.7, 0.5, 1.4], [2.7, 3.3, 0.6])
    result = register(render_frame(scene, sensor, source, 1), render_frame(scene, sensor, target, 2))
    degrees, metres = error(result.T_target_source, source, target)
    assert not result.converged or (degrees < 5 and metres < 0.1)


def test_the_same_things_without_copies_are_still_accepted(look: Look) -> None:
    scene, sensor = room(1), SENSORS["phone"]
    source, target = look(list(EYE), list(AT)), look(list(EYE + [0.45, 0.1, 0.05]), list(AT))
    result = register(render_frame(scene, sensor, source, 1), render_frame(scene, sensor, target, 2))
    degrees, metres = error(result.T_target_source, source, target)
    assert result.converged
    assert degrees < 5
    assert metres < 0.1
