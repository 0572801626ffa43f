import numpy as np
import pytest
from geo3d_recon.orient import WNNC, thin
from recon_shapes import ball, torus


@pytest.mark.parametrize("n", [300, 1500])
@pytest.mark.parametrize("shape", [ball, torus])
def test_normals_point_outwards(shape, n):
    p, normals = shape(n)
    noisy = p + np.random.default_rng(0).normal(size=p.shape) * 0.005
    out = WNNC()(noisy)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1)
    assert ((out * normals).sum(1) > 0).mean() > 0.98


def test_scale_and_offset_do_not_matter():
    p, _ = torus(300)
    a, b = WNNC()(p), WNNC()(p * 1000 + 5000)
    assert ((a * b).sum(1) > 0.999).mean() > 0.97


def test_a_subset_orients_the_rest():
    p, normals = torus(3000)
    out = WNNC(most_points=800)(p)
    assert ((out * normals).sum(1) > 0.7).mean() > 0.98


def test_thinning_is_even_and_bounded():
    p, _ = ball(5000)
    index = thin(p, 500)
    assert 250 < len(index) <= 500
    assert len(np.unique(index)) == len(index)
