import numpy as np
import pytest
from geo3d_recon.marching import marching_tetrahedra
from hypothesis import given, settings
from hypothesis import strategies as st
from recon_shapes import torus_distance


def grid(n, size=1.2):
    axis = np.linspace(-size / 2, size / 2, n)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1), axis[1] - axis[0]


def test_a_torus_has_its_volume_its_hole_and_its_distance():
    points, cell = grid(60)
    mesh = marching_tetrahedra(torus_distance(points.reshape(-1, 3)).reshape(60, 60, 60), points[0, 0, 0], cell)
    assert mesh.is_watertight
    t = mesh.to_trimesh()
    assert t.euler_number == 0
    assert t.volume == pytest.approx(2 * np.pi**2 * 0.35 * 0.15**2, rel=0.01)
    assert np.abs(torus_distance(mesh.vertices)).max() < 0.05 * cell


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_field_that_is_positive_on_the_border_gives_a_closed_manifold_without_self_intersections(seed):
    values = np.random.default_rng(seed).normal(size=(6, 6, 6))
    values = np.pad(values[1:-1, 1:-1, 1:-1], 1, constant_values=1.0)
    mesh = marching_tetrahedra(values, np.zeros(3), 1.0)
    if len(mesh.faces):
        assert mesh.is_watertight
        o3d_mesh = mesh.to_open3d()
        assert o3d_mesh.is_edge_manifold()
        assert not o3d_mesh.is_self_intersecting()
        assert mesh.to_trimesh().volume > 0


def test_plane_is_exact_and_nan_is_outside():
    points, cell = grid(12)
    mesh = marching_tetrahedra(points[..., 2] * 3 + 0.1, points[0, 0, 0], cell)
    np.testing.assert_allclose(mesh.vertices[:, 2], -0.1 / 3, atol=1e-12)
    values = np.full((5, 5, 5), np.nan)
    values[2, 2, 2] = -1.0
    assert marching_tetrahedra(values, np.zeros(3), 1.0).is_watertight


def test_no_surface():
    assert len(marching_tetrahedra(np.ones((4, 4, 4)), np.zeros(3), 1.0).faces) == 0
