import numpy as np
import pytest
from geo3d_recon.bench.metrics import sample_surface
from geo3d_recon.cover import cover_missed

from geo3d.types import TriangleMesh


def plane(low, high, step):
    axis = np.arange(low, high, step)
    x, y = (a.ravel() for a in np.meshgrid(axis, axis))
    return np.stack([x, y, 0 * x], 1)


SQUARE = TriangleMesh(
    np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]]), np.array([[0, 1, 2], [0, 2, 3]])
)


def test_a_patch_that_the_surface_missed_is_covered_and_lone_samples_are_not():
    patch = plane(0.0, 0.061, 0.02) + [0.1, 0.1, 0.2]
    lone = np.array([[0.0, 0.0, 0.4], [0.1, -0.3, -0.3], [0.11, -0.3, -0.3]])
    points = np.concatenate([plane(-0.5, 0.5, 0.02), patch, lone])
    mesh = cover_missed(SQUARE, points)
    added = TriangleMesh(mesh.vertices, mesh.faces[2:])
    np.testing.assert_array_equal(mesh.vertices[:4], SQUARE.vertices)
    assert added.to_trimesh().area == pytest.approx(0.06**2)
    surface, _ = sample_surface(added, 1000, 0)
    np.testing.assert_allclose(surface[:, 2], 0.2)
    assert (np.unique(added.faces) >= 4).all()


def test_a_surface_that_meets_every_sample_stays_as_it_is():
    assert cover_missed(SQUARE, plane(-0.5, 0.5, 0.05) + [0, 0, 0.004]) is SQUARE


def test_samples_in_one_line_give_no_triangle():
    line = np.stack([np.arange(0, 0.2, 0.01), 0 * np.arange(0, 0.2, 0.01), 0.3 + 0 * np.arange(0, 0.2, 0.01)], 1)
    assert cover_missed(SQUARE, np.concatenate([plane(-0.5, 0.5, 0.05), line])) is SQUARE
