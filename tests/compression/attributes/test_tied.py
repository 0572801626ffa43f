"""Slopes between colour channels: least squares over what is around, also where numbers are large."""

import numpy as np
import pytest
from geo3d_compression.attributes.raht import UNIT, levels_of
from geo3d_compression.attributes.tied import fit_around, learn_tied, tied_part

from geo3d.ops import morton_encode


@pytest.mark.parametrize("step", [16, 1024, 4096])
@pytest.mark.parametrize("length", [0, 20, 34, 39])
def test_a_node_alone_takes_the_slope_of_its_level(step: int, length: int) -> None:
    (nodes,) = levels_of(np.zeros(1, np.int64), 1)
    level = np.array([1 << length, 1 << length >> 1, -(1 << length >> 2)])
    fit = np.zeros(5, np.int64)
    fit_around(0, nodes.level.neighbours, np.zeros((2, 3), np.int64), np.full(3, step), level, fit)
    expected = [0, 0] if length == 0 else [500, -250]
    assert [tied_part(fit, c, 1000, 0)[0] for c in (1, 2)] == pytest.approx(expected, abs=4)


def test_the_nodes_around_give_the_slope() -> None:
    xyz = np.stack(np.meshgrid(*[np.arange(8)] * 3), -1).reshape(-1, 3)
    nodes = list(levels_of(np.sort(morton_encode(xyz)), 3))[-1]
    n = nodes.level.size
    luma = np.random.default_rng(0).integers(0, 200 * UNIT, n + 1)
    rest = np.random.default_rng(1).integers(0, 50 * UNIT, n + 1)
    means = np.stack([luma, luma // 2 + rest, -luma // 4 + rest], axis=1)
    fit = np.zeros(5, np.int64)
    for p in range(n):
        fit_around(p, nodes.level.neighbours, means, np.full(3, 16), np.array([1, 0, 0]), fit)
        first, second = (tied_part(fit, c, 100 * UNIT, 0)[0] / (100 * UNIT) for c in (1, 2))
        around = nodes.level.neighbours[p][nodes.level.neighbours[p] < n]
        d = means[around] - means[p]
        assert first == pytest.approx((d[:, 0] @ d[:, 1]) / (d[:, 0] @ d[:, 0]), abs=0.01)
        assert second == pytest.approx((d[:, 0] @ d[:, 2]) / (d[:, 0] @ d[:, 0]), abs=0.01)
        # What Cb has beyond its slope, Cr has too: half of it is believed.
        assert tied_part(fit, 2, 0, 100 * UNIT)[1] == pytest.approx(50 * UNIT, rel=0.1)


def test_what_is_decoded_is_learnt() -> None:
    fit, level = np.array([1, 0, 0, 1, 0]), np.array([1, 0, 0])
    found = np.zeros((8, 3), np.int64)
    found[4] = 100 * UNIT, -30 * UNIT, 50 * UNIT
    for _ in range(5000):
        learn_tied(found, 4, level, fit)
    assert tied_part(fit, 1, 1000, 0)[0] == pytest.approx(-300, abs=4)
    assert level[1] / level[0] == pytest.approx(-0.3, abs=0.01)
    assert level[0] < 1 << 41
