"""Directions to a square and samples on the spheres, by their geometry."""

import numpy as np
import pytest
from geo3d_recon.field.shells import SPREAD, Shells, octahedral


def back(uv):
    """Inverse of the octahedral map, by its definition."""
    p = 2 * uv - 1
    z = 1 - np.abs(p).sum(axis=1)
    folded = (1 - np.abs(p[:, ::-1])) * np.where(p >= 0, 1.0, -1.0)
    v = np.column_stack([np.where(z[:, None] >= 0, p, folded), z])
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def test_octahedral_map_can_be_inverted():
    v = np.random.default_rng(0).normal(size=(2000, 3))
    uv = octahedral(v)
    assert ((uv >= 0) & (uv <= 1)).all()
    assert back(uv) == pytest.approx(v / np.linalg.norm(v, axis=1, keepdims=True), abs=1e-9)


def test_places_are_where_the_ray_leaves_the_spheres():
    rng = np.random.default_rng(1)
    shells = Shells(np.array([1.0, 2, 3]), 2.0, 500)
    o = shells.center + rng.uniform(-1, 1, (300, 3))
    d = rng.normal(size=(300, 3))
    places = shells.places(o, d).astype(np.float64)
    for k, factor in enumerate(SPREAD):
        at = shells.center + 2.0 * factor * back(places[:, k, :2] / 500)
        t = ((at - o) * d).sum(axis=1) / (d * d).sum(axis=1)
        assert (t > 0).all()
        assert at == pytest.approx(o + t[:, None] * d, abs=1e-2 * factor)
        assert (places[:, k, 2] == k).all()
