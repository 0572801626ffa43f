"""Noise is taken out of one noisy sheet, and nothing else is moved."""

import numpy as np
from geo3d_recon.orient import WNNC
from geo3d_recon.settle import settle
from numpy.typing import NDArray


def sphere(n: int, noise: float, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(n, 3))
    return 0.5 * direction / np.linalg.norm(direction, axis=1, keepdims=True) + rng.normal(0, noise, (n, 3))


def off(points: NDArray[np.float64]) -> float:
    return float(np.abs(np.linalg.norm(points, axis=1) - 0.5).mean())


def test_a_noisy_ball_comes_closer_to_its_surface() -> None:
    points = sphere(3000, 0.012)
    settled, moments = settle(points, WNNC().moments(points))
    assert off(settled) < 0.7 * off(points)
    outward = (moments * settled).sum(axis=1) > 0
    assert max(outward.mean(), 1 - outward.mean()) > 0.97


def test_clean_samples_stay_where_they_are() -> None:
    points = sphere(2500, 0.0)
    moments = WNNC().moments(points)
    settled, same = settle(points, moments)
    assert np.array_equal(settled, points)
    assert same is moments


def test_the_two_sides_of_a_thin_plate_are_not_merged() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(-0.5, 0.5, (3000, 3)) * [1, 1, 0]
    points[:, 2] = np.where(rng.random(3000) < 0.5, -0.01, 0.01) + rng.normal(0, 0.003, 3000)
    settled, _ = settle(points, WNNC().moments(points))
    assert np.abs(settled[:, 2]).mean() > 0.85 * np.abs(points[:, 2]).mean()


def test_few_points() -> None:
    points = sphere(5, 0.0)
    settled, _ = settle(points, WNNC().moments(points))
    assert settled.shape == (5, 3)
