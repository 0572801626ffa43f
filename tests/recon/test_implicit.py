import numpy as np
from geo3d_recon.implicit import _upsample, extract_surface
from recon_shapes import torus, torus_distance

POINTS, _ = torus(800)
H = 0.04


def test_an_exact_field_gives_the_exact_torus():
    mesh = extract_surface(POINTS, H, lambda q: torus_distance(q) / H, lambda q: (torus_distance(q) < 0) * 1.0)
    assert mesh.is_watertight
    assert mesh.to_trimesh().euler_number == 0
    assert np.abs(torus_distance(mesh.vertices)).max() < 0.1 * H


def test_the_winding_number_spans_a_hole_in_the_samples():
    holed = POINTS[POINTS[:, 0] < 0.3]
    mesh = extract_surface(holed, H, lambda q: torus_distance(q) / H, lambda q: (torus_distance(q) < 0) * 1.0)
    assert mesh.is_watertight
    assert mesh.to_trimesh().euler_number == 0
    assert mesh.vertices[:, 0].max() > 0.4


def test_upsampling_a_linear_field_is_exact():
    axis = np.arange(4.0)
    coarse = axis[:, None, None] + 2 * axis[None, :, None] - axis[None, None, :]
    fine = _upsample(coarse, np.array([7, 7, 7]))
    half = np.arange(7) / 2
    np.testing.assert_allclose(fine, half[:, None, None] + 2 * half[None, :, None] - half[None, None, :])
