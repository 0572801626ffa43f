import numpy as np
from geo3d_recon.openness import free_paths
from recon_shapes import ball


def test_outside_of_a_ball_rays_escape_and_inside_they_meet_the_wall():
    p, n = ball(800)
    h = np.sqrt(4 * np.pi * np.linalg.norm(p, axis=1).mean() ** 2 / len(p))
    cues = free_paths(p, n, np.full(len(p), h), h)
    assert cues.shape == (800, 4)
    assert (cues[:, 2] > 0.9).mean() > 0.95  # outward rays escape,
    assert (cues[:, 3] < 0.5).mean() > 0.95  # inward ones mostly do not (the sampling has gaps)
    assert (cues[:, 0] > cues[:, 1]).mean() > 0.95


def test_turning_the_axis_swaps_the_sides():
    p, n = ball(300)
    local = np.full(len(p), 0.1)
    there, back = free_paths(p, n, local, 0.1), free_paths(p, -n, local, 0.1)
    np.testing.assert_allclose(there.mean(0), back.mean(0)[[1, 0, 3, 2]], atol=0.05)


def test_between_two_plates_the_way_is_shorter_than_beyond():
    g = np.linspace(0, 1, 20)
    x, y = (a.ravel() for a in np.meshgrid(g, g))
    low, high = np.stack([x, y, 0 * x], 1), np.stack([x, y, 0 * x + 0.1], 1)
    p = np.concatenate([low, high])
    up = np.tile([0.0, 0.0, 1.0], (len(p), 1))
    cues = free_paths(p, up, np.full(len(p), 1 / 19), 1 / 19)
    middle = (np.abs(x - 0.5) < 0.3) & (np.abs(y - 0.5) < 0.3)
    assert (cues[:400][middle][:, 0] < cues[:400][middle][:, 1]).all()
    assert (cues[400:][middle][:, 0] > cues[400:][middle][:, 1]).all()
