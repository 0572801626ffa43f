import numpy as np
from geo3d_recon.spacing import spacing
from geo3d_recon.support import CUT_REACH, OPEN_REACH, confidence, loose_share, supported_vertices
from recon_shapes import ball

from geo3d.types import TriangleMesh


def test_confidence_falls_with_distance_in_spacings_and_agrees_with_the_cut():
    p, _ = ball(2000)
    h = spacing(p)
    away = p[:200] * (1 + np.linspace(0, 8, 200)[:, None] * h / 0.5)
    sure = confidence(away, p)
    assert sure[0] == 1
    assert sure[-1] < 1e-4
    assert sure.dtype == np.float32
    supported = supported_vertices(TriangleMesh(away, np.zeros((0, 3), np.int32)), p)
    assert sure[supported].min() > 0.02
    assert sure[~supported].max() < 0.03
    assert 0 < supported.sum() < 200


def test_confidence_does_not_depend_on_the_unit():
    p, _ = ball(500)
    np.testing.assert_allclose(confidence(p * 1.1, p), confidence(p * 1100, p * 1000), rtol=1e-3)


def test_loose_share_of_a_square_half_covered():
    rng = np.random.default_rng(0)
    p = np.c_[rng.uniform(0, 1, (4000, 2)) * [0.5, 1], np.zeros(4000)]
    n = 101
    x, y = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n), indexing="ij")
    grid = np.arange(n * n).reshape(n, n)
    a, b, c, d = (g.ravel() for g in (grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]))
    mesh = TriangleMesh(np.c_[x.ravel(), y.ravel(), 0 * x.ravel()], np.r_[np.c_[a, b, c], np.c_[a, c, d]])
    assert 0.4 < loose_share(mesh, p, CUT_REACH) < 0.5
    assert loose_share(mesh, p, OPEN_REACH) < loose_share(mesh, p, CUT_REACH)
