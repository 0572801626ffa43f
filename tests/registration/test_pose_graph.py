import numpy as np
import pytest

from geo3d.registration.pose_graph import Edge, optimize_pose_graph
from geo3d.registration.se3 import angle, exp_se3, inverse


def circle(n: int) -> np.ndarray:
    return np.stack(
        [
            exp_se3(np.array([0, 0, 2 * np.pi * k / n, 0, 0, 0])) @ exp_se3(np.array([0, 0, 0, 2, 0, 0]))
            for k in range(n)
        ]
    )


def drifting(truth: np.ndarray, seed: int, noise: float = 0.01) -> tuple[np.ndarray, list[Edge]]:
    rng = np.random.default_rng(seed)
    T, edges = [truth[0]], []
    for k in range(1, len(truth)):
        step = inverse(truth[k - 1]) @ truth[k] @ exp_se3(rng.normal(size=6) * noise)
        edges.append(Edge(k - 1, k, step, np.eye(6) * 1e4, robust=False))
        T.append(T[-1] @ step)
    return np.stack(T), edges


def test_a_true_loop_edge_removes_drift() -> None:
    truth = circle(20)
    start, edges = drifting(truth, 0)
    edges += [
        Edge(i, j, inverse(truth[i]) @ truth[j], np.eye(6) * 1e4) for i, j in ((0, 19), (0, 10), (5, 15), (3, 17))
    ]
    result = optimize_pose_graph(start, edges)
    before = np.linalg.norm(start[:, :3, 3] - truth[:, :3, 3], axis=1).max()
    after = np.linalg.norm(result.T_world_node[:, :3, 3] - truth[:, :3, 3], axis=1).max()
    assert after < 0.5 * before
    assert (result.weight > 0.3).all()


@pytest.mark.parametrize("wrong", [1, 4])
def test_wrong_loop_edges_lose_their_weight(wrong: int) -> None:
    truth = circle(20)
    start, edges = drifting(truth, 1)
    good = [(0, 19), (0, 10), (5, 15), (3, 17), (2, 12), (7, 18)]
    edges += [Edge(i, j, inverse(truth[i]) @ truth[j], np.eye(6) * 1e4) for i, j in good]
    rng = np.random.default_rng(2)
    for k in range(wrong):
        edges.append(Edge(k, k + 9, exp_se3(rng.normal(size=6) * 1.5), np.eye(6) * 1e4))
    result = optimize_pose_graph(start, edges)
    assert (result.weight[-wrong:] < 0.05).all()
    assert np.linalg.norm(result.T_world_node[:, :3, 3] - truth[:, :3, 3], axis=1).max() < 0.08


def test_exact_measurements_are_reached_exactly() -> None:
    truth = circle(6)
    edges = [Edge(k, (k + 1) % 6, inverse(truth[k]) @ truth[(k + 1) % 6], np.eye(6), robust=False) for k in range(6)]
    shaken = np.stack([truth[0], *[T @ exp_se3(np.full(6, 0.05)) for T in truth[1:]]])
    result = optimize_pose_graph(shaken, edges)
    for T, U in zip(result.T_world_node, truth, strict=True):
        assert angle(inverse(T) @ U) < 1e-6
        assert np.linalg.norm(T[:3, 3] - U[:3, 3]) < 1e-6


def test_no_edges_change_nothing() -> None:
    truth = circle(3)
    assert np.array_equal(optimize_pose_graph(truth, []).T_world_node, truth)


def test_loops_that_agree_overrule_a_wrong_step_of_odometry() -> None:
    truth = circle(20)
    _, edges = drifting(truth, 4, 0.002)
    chain = [Edge(e.i, e.j, e.T_i_j, 25 * e.information) for e in edges]
    slide = exp_se3(np.array([0, 0, 0, 0.4, 0, 0]))
    chain[8] = Edge(8, 9, chain[8].T_i_j @ slide, chain[8].information)
    bent = [truth[0]]
    for e in chain:
        bent.append(bent[-1] @ e.T_i_j)
    # Across the wrong step, and on either side: without the latter it could not be told from its neighbours.
    pairs = ((0, 12), (2, 14), (3, 15), (5, 17), (6, 18), (1, 13), (5, 7), (6, 8), (4, 8), (9, 11), (10, 12), (9, 13))
    loops = [Edge(i, j, inverse(truth[i]) @ truth[j], np.eye(6) * 2.5e5) for i, j in pairs]
    result = optimize_pose_graph(np.stack(bent), chain + loops)
    assert result.weight[8] < 0.05
    assert (result.weight[len(chain) :] > 0.3).all()
    assert np.linalg.norm(result.T_world_node[:, :3, 3] - truth[:, :3, 3], axis=1).max() < 0.12
