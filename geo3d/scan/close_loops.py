"""Stage 2: edges between keyframes that see the same surface, and the poses that agree with all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from geo3d.console import progress
from geo3d.registration.dense.consistency import consistency
from geo3d.registration.pose_graph import Edge, optimize_pose_graph
from geo3d.registration.se3 import angle, inverse
from geo3d.scan.edges import verified_edge
from geo3d.scan.keyframe import Keyframe
from geo3d.scan.odometry import Tracked

# Finds edges between keyframes that their poses [K, 4, 4] do not predict.
DistantLoops = Callable[[Sequence[Keyframe], NDArray[np.float64]], list[Edge]]

MIN_OVERLAP = 0.25
ROUNDS = 3
# What an odometry step is worth that the two keyframes alone do not confirm: 2 degrees, 3 cm.
WEAK = np.diag([1 / 0.035**2] * 3 + [1 / 0.03**2] * 3)


@dataclass(frozen=True, eq=False)
class ClosedLoops:
    """T_world_keyframe [K, 4, 4]; main [K] bool: connected with the largest submap; loops: edges believed, rejected."""

    T_world_keyframe: NDArray[np.float64]
    main: NDArray[np.bool_]
    loops: int
    rejected: int


def close_loops(keyframes: Sequence[Keyframe], distant: DistantLoops | None = None) -> ClosedLoops:
    """Connect keyframes with overlapping views by verified edges and optimise robustly; repeat as poses improve.

    Parameters
    ----------
    distant : finds edges that the present poses do not predict; asked once, after the first round. None: no such edges.
    """
    T = np.stack([k.T_world_camera for k in keyframes])
    edges = _chain(keyframes)
    chain = len(edges)
    piece = np.array([k.submap for k in keyframes])
    tried: set[tuple[int, int]] = set()
    weight = np.ones(chain)
    with ThreadPoolExecutor(2) as pool:
        for round_ in range(ROUNDS):
            pairs = [p for p in _overlapping(keyframes, T, piece) if p not in tried]
            if not pairs and round_ > 1:
                break
            tried.update(pairs)
            found = progress(
                pool.map(partial(_edge, keyframes, T), pairs), f"loop edges, round {round_ + 1}", len(pairs)
            )
            edges += [e for e in found if e is not None]
            if round_ == 1 and distant is not None:
                edges += distant(keyframes, T)
                T, piece = _joined(T, piece, edges)
            fixed = [int(np.flatnonzero(piece == p)[0]) for p in np.unique(piece)]
            graph = optimize_pose_graph(T, edges, fixed=fixed)
            T, weight = graph.T_world_node, graph.weight
    main = _connected([e for e, w in zip(edges, weight, strict=True) if w > 0.1], len(keyframes))
    believed = int((weight[chain:] > 0.1).sum())
    return ClosedLoops(T, main, believed, len(edges) - chain - believed)


def _chain(keyframes: Sequence[Keyframe]) -> list[Edge]:
    """Odometry edges between consecutive keyframes of a submap."""
    edges = []
    for k in range(1, len(keyframes)):
        a, b = keyframes[k - 1], keyframes[k]
        if a.submap != b.submap:
            continue
        T_a_b = inverse(a.T_world_camera) @ b.T_world_camera
        # Robust like loops: a slide along a bare wall is wrong odometry, and loops that agree must be able to say so.
        edges.append(verified_edge(k - 1, k, a.maps, b.maps, T_a_b) or Edge(k - 1, k, T_a_b, WEAK))
    return edges


def _joined(
    T: NDArray[np.float64], piece: NDArray[np.int64], edges: Sequence[Edge]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Move pieces onto each other by the edges between them that agree best with one another."""
    T, piece = T.copy(), piece.copy()
    while True:
        between: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
        for e in edges:
            p, q = piece[e.i], piece[e.j]
            if p != q:
                T_i_j = e.T_i_j if p < q else inverse(e.T_i_j)
                i, j = (e.i, e.j) if p < q else (e.j, e.i)
                between.setdefault((min(p, q), max(p, q)), []).append(T[i] @ T_i_j @ inverse(T[j]))
        if not between:
            return T, piece
        votes = {pair: [sum(_alike(A, B) for B in moves) for A in moves] for pair, moves in between.items()}
        (p, q), counts = max(votes.items(), key=lambda v: (max(v[1]), -v[0][0], -v[0][1]))
        move = between[p, q][int(np.argmax(counts))]
        mine = piece == q
        T[mine] = move @ T[mine]
        piece[mine] = p


def _alike(A: NDArray[np.float64], B: NDArray[np.float64]) -> bool:
    D = inverse(A) @ B
    return bool(angle(D) < 0.1 and np.linalg.norm(D[:3, 3]) < 0.3)


def _overlapping(
    keyframes: Sequence[Keyframe], T: NDArray[np.float64], piece: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Pairs of one connected piece, not neighbours, whose views overlap at the present poses."""
    pairs = []
    for i in range(len(keyframes)):
        for j in range(i + 2, len(keyframes)):
            a, b = keyframes[i], keyframes[j]
            T_a_b = inverse(T[i]) @ T[j]
            # Optical axes more than 75 degrees apart see different faces of things.
            if piece[i] != piece[j] or T_a_b[2, 2] < 0.25:
                continue
            if consistency(b.maps, a.maps, T_a_b, level=2, step=3).overlap > MIN_OVERLAP:
                pairs.append((i, j))
    return pairs


def _edge(keyframes: Sequence[Keyframe], T: NDArray[np.float64], pair: tuple[int, int]) -> Edge | None:
    i, j = pair
    return verified_edge(i, j, keyframes[i].maps, keyframes[j].maps, inverse(T[i]) @ T[j])


def _connected(edges: Sequence[Edge], count: int) -> NDArray[np.bool_]:
    """[count] bool: nodes of the largest connected piece."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ij = np.array([(e.i, e.j) for e in edges], dtype=int).reshape(-1, 2)
    _, label = connected_components(
        coo_matrix((np.ones(len(ij)), (ij[:, 0], ij[:, 1])), (count, count)), directed=False
    )
    return np.asarray(label == np.bincount(label).argmax())


def spread(
    tracked: Sequence[Tracked], keyframes: Sequence[Keyframe], closed: ClosedLoops
) -> dict[int, NDArray[np.float64]]:
    """Carry the keyframes' corrections to all frames: each is moved by the blend of its two keyframes' corrections."""
    result: dict[int, NDArray[np.float64]] = {}
    for t in tracked:
        a = t.keyframe
        if not closed.main[a]:
            continue
        C = closed.T_world_keyframe[a] @ inverse(keyframes[a].T_world_camera)
        b = a + 1
        if b < len(keyframes) and keyframes[b].submap == t.submap and not t.is_keyframe:
            share = (t.index - keyframes[a].index) / max(keyframes[b].index - keyframes[a].index, 1)
            C_b = closed.T_world_keyframe[b] @ inverse(keyframes[b].T_world_camera)
            # Blended where the frame is, so that a far world origin does not swing it.
            here, there = C @ t.T_world_camera, C_b @ t.T_world_camera
            result[t.index] = _blend(here, there, share)
        else:
            result[t.index] = C @ t.T_world_camera
    return result


def _blend(A: NDArray[np.float64], B: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    T = np.eye(4)
    T[:3, :3] = Slerp([0.0, 1.0], Rotation.from_matrix(np.stack([A[:3, :3], B[:3, :3]])))(share).as_matrix()
    T[:3, 3] = (1 - share) * A[:3, 3] + share * B[:3, 3]
    return T
