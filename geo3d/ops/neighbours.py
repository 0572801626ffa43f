"""Nearest neighbours and neighbours within a radius."""

from __future__ import annotations

from typing import Any

import numpy as np

from geo3d.errors import ShapeError
from geo3d.ops._arrays import as_array, as_float, check_last, is_tensor, namespace, to_numpy

_CHUNK_ELEMENTS = 1 << 26  # distances in memory at a time on an accelerator


def knn(points: Any, queries: Any, k: int) -> tuple[Any, Any]:
    """The k nearest points of each query, nearest first.

    points [N, 3], queries [M, 3]; numpy or torch (CPU: k-d tree; accelerator: blocked brute force)

    Returns distances [M, k] in the queries' float dtype, differentiable for tensors, and int64 indices [M, k].
    """
    points, queries = _checked(points, queries)
    if not 1 <= k <= len(points):
        raise ShapeError(f"k must be 1 to the number of points ({len(points)}), got {k}")
    if is_tensor(points) and points.device.type != "cpu":
        index = _brute_force(points.detach(), queries.detach(), k)
    else:
        from scipy.spatial import cKDTree

        _, found = cKDTree(to_numpy(points)).query(to_numpy(queries), k=k, workers=-1)
        index = as_array(found.reshape(len(queries), k).astype(np.int64), like=queries)
    xp = namespace(queries)
    difference = points[index] - queries[:, None]
    return xp.sqrt((difference * difference).sum(-1)), index


def radius_search(points: Any, queries: Any, radius: float) -> tuple[Any, Any]:
    """All pairs within `radius`: int64 (query index [E], point index [E]), sorted by query, then point."""
    points, queries = _checked(points, queries)
    if not radius > 0:
        raise ShapeError(f"the radius must be positive, got {radius}")
    from scipy.spatial import cKDTree

    lists = cKDTree(to_numpy(points)).query_ball_point(to_numpy(queries), radius, return_sorted=True, workers=-1)
    lengths = np.array([len(x) for x in lists], dtype=np.int64)
    query = np.repeat(np.arange(len(lists), dtype=np.int64), lengths)
    point = np.concatenate([np.asarray(x, dtype=np.int64) for x in lists]) if len(lists) else query
    return as_array(query, like=queries), as_array(point, like=queries)


def _checked(points: Any, queries: Any) -> tuple[Any, Any]:
    queries = as_float(check_last(as_array(queries, like=points), 3, "queries"))
    points = as_float(check_last(as_array(points, like=queries), 3, "points"))
    if points.ndim != 2 or queries.ndim != 2:
        raise ShapeError(f"points and queries must be [N, 3], got {list(points.shape)} and {list(queries.shape)}")
    return points, queries


def _brute_force(points: Any, queries: Any, k: int) -> Any:
    torch = namespace(points)
    step = max(1, _CHUNK_ELEMENTS // max(len(points), 1))
    parts = [
        torch.cdist(queries[i : i + step], points).topk(k, largest=False, sorted=True).indices
        for i in range(0, len(queries), step)
    ]
    return torch.cat(parts) if parts else torch.zeros((0, k), dtype=torch.int64, device=points.device)
