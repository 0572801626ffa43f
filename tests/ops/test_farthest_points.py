import numpy as np
import pytest
import torch

from geo3d.errors import ShapeError
from geo3d.ops import farthest_points


def slow(points, count):
    chosen = [0]
    while len(chosen) < count:
        d = np.linalg.norm(points[:, None] - points[chosen], axis=-1).min(axis=1)
        chosen.append(int(d.argmax()))
    return chosen


def test_matches_the_definition():
    p = np.random.default_rng(0).normal(size=(80, 3))
    assert farthest_points(p, 20).tolist() == slow(p, 20)
    assert farthest_points(torch.from_numpy(p), 20).tolist() == slow(p, 20)


def test_a_line_is_halved_again_and_again():
    line = np.linspace(0, 1, 9)[:, None] * [1, 2, 3]
    assert farthest_points(line, 5).tolist() == [0, 8, 4, 2, 6]


def test_bad_count():
    with pytest.raises(ShapeError, match="1 to the number of points"):
        farthest_points(np.zeros((3, 3)), 4)
