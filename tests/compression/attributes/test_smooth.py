"""The post filter: nothing for a constant, as a slow version says, and closer to the truth on quantised colours."""

import numpy as np
import pytest
from geo3d_compression.attributes import lossy
from geo3d_compression.attributes.lossy import decode_colors, encode_colors
from geo3d_compression.attributes.raht import UNIT
from geo3d_compression.attributes.smooth import _CURVES, _KNOTS, smoothed
from geo3d_compression.octree.levels import Level, child_level, occupancy_of, root_level
from numpy.typing import NDArray

from geo3d.ops import morton_encode

DEPTH, STEP = 5, 24 * 16


def plane() -> tuple[NDArray[np.int64], Level]:
    x, y = np.meshgrid(np.arange(32), np.arange(32), indexing="ij")
    xyz = np.stack([x, y, (x + 2 * y) // 4], axis=-1).reshape(-1, 3)
    codes = np.sort(morton_encode(xyz))
    level = root_level()
    for occupancy in occupancy_of(codes, DEPTH):
        level = child_level(level, occupancy)
    return codes, level


def slow(means: NDArray[np.float64], energy: NDArray[np.int64], level: Level, step: float) -> NDArray[np.float64]:
    result = means.copy()
    for i in range(level.size):
        pulls: dict[int, list[NDArray[np.float64]]] = {}
        for k in range(27):
            j = level.neighbours[i, k]
            if j in (i, level.size):
                continue
            axes = int(np.abs(level.coords[j] - level.coords[i]).sum())
            d = (means[j] - means[i]) / step
            curves = [_CURVES[min(c, 1)][int(energy[i, c] > 0)][axes - 1] for c in range(3)]
            f = [np.interp(abs(d[c]), _KNOTS, [0, *curves[c]]) / 4096 * np.sign(d[c]) for c in range(3)]
            gate = 1 / (1 + min(abs(d[0]), _KNOTS[-1]) ** 2)
            pulls.setdefault(axes, []).append(np.array(f) * [1, gate, gate])
        result[i] += step * sum(np.mean(p, axis=0) for p in pulls.values())
    return result


def test_a_constant_stays() -> None:
    _, level = plane()
    means = np.full((level.size + 1, 3), 77 * UNIT)
    assert np.array_equal(smoothed(means, np.zeros_like(means), level.neighbours, STEP), means)


def test_it_is_the_sum_of_its_curves() -> None:
    _, level = plane()
    rng = np.random.default_rng(0)
    means = rng.integers(0, 120 * UNIT, (level.size + 1, 3))
    means[rng.random(level.size + 1) < 0.5] //= 16
    energy = rng.integers(0, 2, means.shape)
    fast = smoothed(means, energy, level.neighbours, STEP)[:-1] / UNIT
    truth = slow(means / UNIT, energy, level, STEP / 16)[:-1]
    # Curves and gates are read in sixteenths of a step.
    assert np.abs(fast - truth).max() < 0.06 * STEP / 16
    assert np.abs(fast - truth).mean() < 0.01 * STEP / 16


def test_it_mends_what_quantising_did(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, level = plane()
    rng = np.random.default_rng(1)
    wave = 128 + 60 * np.sin(level.coords[:-1] / [9.0, 7.0, 5.0]) + rng.normal(size=(level.size, 3)) * 3
    (data,) = encode_colors(codes, DEPTH, wave, STEP, [DEPTH])
    after = decode_colors(codes, DEPTH, [data], STEP, [DEPTH], DEPTH)
    monkeypatch.setattr(lossy, "smoothed", lambda means, *_: means)
    plain = decode_colors(codes, DEPTH, [data], STEP, [DEPTH], DEPTH)
    assert ((after - wave) ** 2).mean() < 0.97 * ((plain - wave) ** 2).mean()
