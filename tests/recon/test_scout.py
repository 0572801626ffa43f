import numpy as np
from geo3d_recon.samples import Samples
from geo3d_recon.scout import edge_share, surely_open
from recon_shapes import ball, torus


def test_closed_shapes_are_not_called_open():
    for points in (torus(3000)[0], ball(3000)[0]):
        assert not surely_open(Samples.of(points).points)


def test_half_a_ball_is_open_and_few_samples_are_left_to_the_surface():
    p, _ = ball(8000)
    half = Samples.of(p[p[:, 2] > 0]).points
    assert surely_open(half)
    assert surely_open(half[::3])
    assert not surely_open(half[:900])


def test_the_rim_of_a_disc_is_edge_and_a_ball_has_none():
    rng = np.random.default_rng(0)
    p = rng.uniform(-0.5, 0.5, (3000, 3)) * [1, 1, 0.002]
    disc = p[np.hypot(p[:, 0], p[:, 1]) < 0.5]
    assert 0.03 < edge_share(disc) < 0.15
    assert edge_share(ball(3000)[0]) < 0.02
