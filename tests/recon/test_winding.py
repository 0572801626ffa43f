import numpy as np
import pytest
from geo3d_recon import winding
from geo3d_recon.winding import WindingTree
from recon_shapes import torus, torus_distance

P, N = torus(2000)
M = N * (4 * np.pi**2 * 0.35 * 0.15 / len(P))
Q = np.random.default_rng(1).uniform(-0.6, 0.6, (400, 3))


def direct(q, width):
    d = P[None] - q[:, None]
    s = np.maximum(np.linalg.norm(d, axis=-1), width)
    return d / (4 * np.pi * s[..., None] ** 3)


def test_field_is_one_inside_and_zero_outside():
    w = WindingTree.build(P).field(M, Q, 0.0)
    clear = np.abs(torus_distance(Q)) > 0.05
    np.testing.assert_allclose(w[clear], (torus_distance(Q) < 0)[clear], atol=0.15)


@pytest.mark.parametrize("width", [0.0, 0.05])
@pytest.mark.parametrize(("opening", "tolerance"), [(winding._OPENING, 0.03), (8.0, 0.002)])
def test_tree_agrees_with_the_direct_sum(width, opening, tolerance):
    tree = WindingTree.build(P, opening)
    kernel = direct(Q, width)
    np.testing.assert_allclose(tree.field(M, Q, width), np.einsum("qpc,pc->q", kernel, M), atol=tolerance)
    s = np.random.default_rng(2).uniform(size=len(P))
    truth = -np.einsum("qpc,p->qc", kernel, s)
    np.testing.assert_allclose(tree.adjoint(s, Q, width), truth, atol=tolerance * np.abs(truth).max())


def test_outward_is_minus_the_gradient():
    tree, e = WindingTree.build(P, 8.0), 1e-4
    far = Q[np.abs(torus_distance(Q)) > 0.1]
    step = np.eye(3) * e

    kernel_sum = [np.einsum("qpc,pc->q", direct(far + s, 0) - direct(far - s, 0), M) / (2 * e) for s in step]
    truth = -np.stack(kernel_sum, -1)
    np.testing.assert_allclose(tree.outward(M, far, 0.0), truth, atol=0.02 * np.abs(truth).max())


def test_threads_do_not_change_the_sum(monkeypatch):
    monkeypatch.setattr(winding, "_THREADED", 1)
    tree = WindingTree.build(P)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = tree.field(M, Q, 0.01)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    np.testing.assert_array_equal(tree.field(M, Q, 0.01), one)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 100])
def test_small_trees_hold_every_point_once(n):
    tree = WindingTree.build(P[:n])
    assert sorted(tree.order.tolist()) == list(range(n))
    truth = np.einsum("qpc,pc->q", direct(Q[:3], 0)[:, :n], M[:n])
    np.testing.assert_allclose(tree.field(M[:n], Q[:3], 0.0), truth, atol=1e-3)
