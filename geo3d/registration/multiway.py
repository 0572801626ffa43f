"""Many views in one frame: every pair registered or refused, and one robust pose graph of the accepted ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress
from geo3d.errors import RegistrationError
from geo3d.registration.dense import frame_maps
from geo3d.registration.frames.describe import describe_frame, feature_voxel
from geo3d.registration.frames.register_frames import register_descriptions
from geo3d.registration.pose_graph import Edge, optimize_pose_graph
from geo3d.registration.prepare import extent, unit_note
from geo3d.registration.register import as_cloud
from geo3d.registration.register_clouds import register_clouds
from geo3d.registration.result import RegistrationResult
from geo3d.registration.se3 import inverse
from geo3d.types import PointCloud, RGBDFrame

# One independent residual in so many: neighbouring ones share their errors.
CORRELATION = 60.0
# What calibration leaves, radians and share of the views' size.
FLOOR = 0.003
BELIEVED = 0.1


@dataclass(frozen=True, eq=False)
class PairEdge:
    """A registered pair: result.T_target_source maps view `source` to view `target`; weight in the graph, 0 to 1."""

    source: int
    target: int
    result: RegistrationResult
    weight: float


@dataclass(frozen=True, eq=False)
class MultiwayResult:
    """Poses of N views.

    T_world_view [N, 4, 4]  the world is the frame of the first view of the largest connected group
    connected [N] bool      views of that group; the others' poses mean nothing
    edges                   every pair that was tried, in order
    """

    T_world_view: NDArray[np.float64]
    connected: NDArray[np.bool_]
    edges: tuple[PairEdge, ...]


def register_many(views: Sequence[RGBDFrame | PointCloud], *, seed: int = 0) -> MultiwayResult:
    """Bring unordered frames or clouds into one frame.

    Every pair is registered, so the work grows with the square of their number. Frames are verified as frames if all
    views are frames, otherwise everything is a cloud.

    Parameters
    ----------
    seed : of everything random; the result does not depend on the number of threads.

    Raises `RegistrationError` if a view cannot be registered to anything.
    """
    if len(views) < 2:
        raise RegistrationError(f"registration needs at least two views, got {len(views)}")
    register_pair, size = _pairwise(views, seed)
    pairs = list(combinations(range(len(views)), 2))
    results = [register_pair(j, i) for i, j in progress(pairs, "registering pairs", len(pairs))]
    accepted = [k for k, r in enumerate(results) if r.converged]
    edges = [
        Edge(*pairs[k], results[k].T_target_source, _weighed(results[k].information, size), True) for k in accepted
    ]
    T, group = _spanned(len(views), edges, [results[k].probability for k in accepted])
    fixed = [int(np.flatnonzero(group == g)[0]) for g in np.unique(group)]
    graph = optimize_pose_graph(T, edges, fixed=fixed)
    weight = np.zeros(len(pairs))
    weight[accepted] = graph.weight
    _, group = _spanned(len(views), [edges[k] for k in np.flatnonzero(graph.weight > BELIEVED)])
    connected = group == np.bincount(group).argmax()
    T = inverse(graph.T_world_node[int(np.flatnonzero(connected)[0])]) @ graph.T_world_node
    kept = (PairEdge(j, i, r, float(w)) for (i, j), r, w in zip(pairs, results, weight, strict=True))
    return MultiwayResult(T, np.asarray(connected), tuple(kept))


def _pairwise(
    views: Sequence[RGBDFrame | PointCloud], seed: int
) -> tuple[Callable[[int, int], RegistrationResult], float]:
    """A function of (source, target), and the views' size in metres."""
    frames = [v for v in views if isinstance(v, RGBDFrame)]
    if len(frames) == len(views):
        voxels = [feature_voxel(frame_maps(f)) for f in frames]
        clash = unit_note(max(voxels), min(voxels))
        if clash:
            raise RegistrationError(clash)
        described = [describe_frame(f, float(np.median(voxels))) for f in frames]
        return lambda s, t: register_descriptions(described[s], described[t]), 45 * float(np.median(voxels))
    clouds = [as_cloud(v) for v in views]
    size = float(np.median([extent(c.finite()[0].points) for c in clouds]))
    return lambda s, t: register_clouds(clouds[s], clouds[t], seed=seed), size / 2


def _weighed(H: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    """Information of an edge: the inverse of correlated noise plus a floor that grows with the views' size."""
    floor = np.diag([FLOOR**2] * 3 + [(FLOOR * size) ** 2] * 3)
    covariance = np.linalg.inv(H + np.eye(6) * 1e-3) * CORRELATION + floor
    return np.asarray(np.linalg.inv((covariance + covariance.T) / 2), dtype=np.float64)


def _spanned(
    count: int, edges: Sequence[Edge], probability: Sequence[float] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Poses [N, 4, 4] along the tree of the most probable edges, and each node's connected group [N]."""
    T = np.tile(np.eye(4), (count, 1, 1))
    group = np.arange(count)
    order = np.argsort(-np.asarray(probability), kind="stable") if probability is not None else np.arange(len(edges))
    for k in order:
        e = edges[k]
        if group[e.i] == group[e.j]:
            continue
        mine = group == group[e.j]
        T[mine] = T[e.i] @ e.T_i_j @ inverse(T[e.j]) @ T[mine]
        group[mine] = group[e.i]
    return T, group
