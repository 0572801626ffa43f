"""Nearest neighbours among some ten thousand points without SciPy, whose import takes longer than the search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# More pairs than these (points of very uneven density, in cells of one size) are left to a tree.
_MOST_PAIRS = 8_000_000
_BLOCK_PAIRS = 1 << 20
_MOST_CELLS = 1 << 20


def kth_distances(points: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """[N] distance of each of the points [N, 3] to the k-th nearest of them, itself the first; 1 <= k <= N."""
    found = _search(points, points, k, with_index=False)
    if found is not None:
        return np.sqrt(found[0][:, 0])
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(points).query(points, k=[k])[0][:, 0])


def nearest(points: NDArray[np.float64], queries: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """[M, k] indices of the points [N, 3] nearest to queries [M, 3], which are of them; 1 <= k <= N.

    Of several at one distance it is those that SciPy's tree meets first: then the tree is asked.
    """
    found = _search(points, queries, min(k + 1, len(points)), with_index=True)
    if found is not None and (np.diff(found[0], axis=1) > 0).all():
        return found[1][:, :k]
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(points).query(queries, k=range(1, k + 1))[1])


def _search(
    points: NDArray[np.float64], queries: NDArray[np.float64], k: int, with_index: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """The k least squared distances [M, k] and their indices, by distance; only the k-th [M, 1] without index.

    Cells around each query, of twice the size for those whose k-th neighbour may lie beyond; None: too many pairs.
    """
    low = points.min(axis=0)
    extent = float(np.ptp(points, axis=0).max())
    width = k if with_index else 1
    squared, index = np.zeros((len(queries), width)), np.zeros((len(queries), width), np.int64)
    side = _first_side(points - low, extent, k)
    left = np.arange(len(queries))
    pairs = 0
    while len(left):
        is_all = len(left) * len(points) <= _BLOCK_PAIRS or side >= extent
        cells = None if is_all else _Cells.around(points, queries[left], low, side)
        pairs += len(left) * len(points) if cells is None else int(cells.total.sum())
        if pairs > _MOST_PAIRS:
            return None
        settled = np.zeros(len(left), np.bool_)
        for rows, candidates in _blocks(len(left), len(points)) if cells is None else cells.blocks():
            if candidates.shape[1] < k:
                continue
            with np.errstate(over="ignore"):
                d = _squared(points, queries[left[rows]], candidates)
            if with_index:
                least, chosen = _least(d, candidates, k)
            else:
                least = np.partition(d, k - 1, axis=1)[:, k - 1 : k]
                chosen = np.zeros((1, 1), np.int64)
            # Cells further away hold nothing within a side; a little less, for what rounding moves.
            good = is_all | (least[:, -1] <= (side * (1 - 1e-6)) ** 2)
            squared[left[rows[good]]] = least[good]
            if with_index:
                index[left[rows[good]]] = chosen[good]
            settled[rows[good]] = True
        left = left[~settled]
        side *= 2
    return squared, index


def _least(
    squared: NDArray[np.float64], index: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The k least of each row [M, C], in order."""
    if squared.shape[1] > k:
        part = np.argpartition(squared, k - 1, axis=1)[:, :k]
        squared, index = np.take_along_axis(squared, part, 1), np.take_along_axis(index, part, 1)
    order = np.argsort(squared, axis=1, kind="stable")
    return np.take_along_axis(squared, order, 1), np.take_along_axis(index, order, 1)


def _first_side(offsets: NDArray[np.float64], extent: float, k: int) -> float:
    """A side of cells such that most places have k neighbours within it, if the points lie on a surface."""
    wanted = 0.7 * k
    side = extent / np.sqrt(max(len(offsets) / wanted, 1.0)) or 1.0
    for _ in range(12):
        cells = (offsets * (1 / side)).astype(np.int64)
        key = (cells[:, 0] * _MOST_CELLS + cells[:, 1]) * _MOST_CELLS + cells[:, 2]
        mean = len(key) / len(np.unique(key))
        if mean <= wanted or side * _MOST_CELLS <= 2 * extent:
            return side * float(np.sqrt(max(wanted / mean, 1.0)))
        side /= np.sqrt(2 * max(mean / wanted, 1.0))
    return side


@dataclass(frozen=True, eq=False)
class _Cells:
    """Points by cells, and for each query the runs [M, 9] of them that lie in the 27 cells around it."""

    order: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    total: NDArray[np.int64]

    @staticmethod
    def around(
        points: NDArray[np.float64], queries: NDArray[np.float64], low: NDArray[np.float64], side: float
    ) -> _Cells:
        cell = ((points - low) * (1 / side)).astype(np.int64) + 1
        at = ((queries - low) * (1 / side)).astype(np.int64) + 1
        _, rows, columns = cell.max(axis=0) + 2
        key = (cell[:, 0] * rows + cell[:, 1]) * columns + cell[:, 2]
        order = np.argsort(key, kind="stable")
        key = key[order]
        dx, dy = np.repeat([-1, 0, 1], 3), np.tile([-1, 0, 1], 3)
        # Neighbours along the last axis lie behind each other.
        middle = ((at[:, :1] + dx) * rows + at[:, 1:2] + dy) * columns + at[:, 2:]
        first = np.searchsorted(key, middle - 1, "left")
        count = np.searchsorted(key, middle + 1, "right") - first
        return _Cells(order, first, count, count.sum(axis=1))

    def blocks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Queries with like numbers of candidates: rows [m], indices of points [m, C], the number of them for none."""
        by_total = np.argsort(self.total, kind="stable")
        start = 0
        while start < len(by_total):
            size = min(len(by_total) - start, max(1, _BLOCK_PAIRS // max(int(self.total[by_total[start]]), 32)))
            rows = by_total[start : start + size]
            count, total = self.count[rows].ravel(), self.total[rows]
            ends = np.cumsum(count)
            at = np.arange(int(ends[-1])) + np.repeat(self.first[rows].ravel() - (ends - count), count)
            index = np.full((size, int(total[-1])), len(self.order))
            index[np.arange(index.shape[1]) < total[:, None]] = self.order[at]
            yield rows, index
            start += size


def _blocks(queries: int, points: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """All points for each query."""
    size = max(1, _BLOCK_PAIRS // points)
    for first in range(0, queries, size):
        rows = np.arange(first, min(first + size, queries))
        yield rows, np.broadcast_to(np.arange(points), (len(rows), points))


def _squared(
    points: NDArray[np.float64], queries: NDArray[np.float64], index: NDArray[np.int64]
) -> NDArray[np.float64]:
    """[M, C] from queries [M, 3] to points by index [M, C], inf where that is their number.

    Summed in the order of the axes, as the tree does.
    """
    total = np.zeros(index.shape)
    for axis in range(3):
        # The padding's place is far from all, beyond what a square holds.
        d = np.append(points[:, axis], 1e200)[index]
        d -= queries[:, axis, None]
        d *= d
        total += d
    return total
