"""Compiled loops of matching: nearest of rows and columns in one pass, dual softmax in one pass."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def nearest(
    squared: NDArray[np.float32], top: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Of a matrix [N, M]: each row's `top` + 1 smallest (columns and values, ascending), and each column's top-th.

    Rows and columns that are shorter are filled with infinity (and column 0).
    """
    n, m = squared.shape
    index = np.zeros((n, top + 1), np.int64)
    value = np.full((n, top + 1), np.inf, np.float32)
    column = np.full((top, m), np.inf, np.float32)
    _nearest(squared, top, index, value, column)
    return index, value, column[top - 1]


@njit(cache=True, nogil=True, error_model="numpy")
def _nearest(squared, top, index, value, column):  # type: ignore[no-untyped-def]
    n, m = squared.shape
    for i in range(n):
        for j in range(m):
            d = squared[i, j]
            if d < value[i, top]:
                k = top
                while k > 0 and value[i, k - 1] > d:
                    value[i, k], index[i, k] = value[i, k - 1], index[i, k - 1]
                    k -= 1
                value[i, k], index[i, k] = d, j
            if d < column[top - 1, j]:
                k = top - 1
                while k > 0 and column[k - 1, j] > d:
                    column[k, j] = column[k - 1, j]
                    k -= 1
                column[k, j] = d


def dual_softmax(
    similarity: NDArray[np.float32], limit: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Best column of each row, best row of each column, and the logarithms of the sums of exponentials of both.

    limit: not below any similarity, and not so far above that the exponentials vanish.
    """
    n, m = similarity.shape
    forth, back = np.zeros(n, np.int64), np.zeros(m, np.int64)
    rows, columns = np.zeros(n), np.zeros(m)
    _softmax(similarity, np.float32(limit), forth, back, rows, columns)
    return forth, back, np.log(rows) + limit, np.log(columns) + limit


@njit(cache=True, nogil=True, error_model="numpy")
def _softmax(similarity, limit, forth, back, rows, columns):  # type: ignore[no-untyped-def]
    n, m = similarity.shape
    for i in range(n):
        for j in range(m):
            s = similarity[i, j]
            e = np.exp(s - limit)
            rows[i] += e
            columns[j] += e
            if s > similarity[i, forth[i]]:
                forth[i] = j
            if s > similarity[back[j], j]:
                back[j] = i
