# mypy: allow-untyped-defs, no-check-untyped-defs
"""Feature tables: a row a grid corner; gathered for samples, and stepped by Adam only where samples touched them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]


@njit(cache=True, nogil=True)
def gather(table, rows, weights):
    """[N, F] float32: sum over k of weights[n, k] * table[rows[n, k]]."""
    n, width = rows.shape[0], table.shape[1]
    result = np.zeros((n, width), np.float32)
    for i in range(n):
        for k in range(rows.shape[1]):
            w = weights[i, k]
            if w != 0:
                row = rows[i, k]
                for f in range(width):
                    result[i, f] += w * table[row, f]
    return result


@njit(cache=True, nogil=True)
def splat(sums, totals, rows, weights, values):
    """Add values [N, C] to sums [V, C] and their weights to totals [V]."""
    for i in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            w = weights[i, k]
            if w != 0:
                totals[rows[i, k]] += w
                for c in range(values.shape[1]):
                    sums[rows[i, k], c] += w * values[i, c]


@dataclass(frozen=True, eq=False)
class SparseAdam:
    """Adam (Kingma & Ba 2015) over the rows of a table; rows that no sample touched rest, their moments too."""

    table: Floats
    first: Floats
    second: Floats
    steps: NDArray[np.int32]
    gradient: Floats

    @staticmethod
    def of(table: Floats) -> SparseAdam:
        """An optimiser that changes `table` in place."""
        zeros = [np.zeros_like(table) for _ in range(3)]
        return SparseAdam(table, zeros[0], zeros[1], np.zeros(len(table), np.int32), zeros[2])

    def step(self, rows: Rows, weights: Floats, gradient: Floats, rates: Floats) -> None:
        """One step from the gradient [N, F] of gathered features; `rates` [F] are the columns' learning rates."""
        _step(self.table, self.first, self.second, self.steps, self.gradient, rows, weights, gradient, rates)


@njit(cache=True, nogil=True, fastmath=True)
def _step(table, first, second, steps, gradient, rows, weights, arriving, rates):
    width = table.shape[1]
    touched = np.zeros(rows.size, np.int32)
    count = 0
    for i in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            w = weights[i, k]
            if w == 0:
                continue
            row = rows[i, k]
            # A negative count marks a row that is in the list already.
            if steps[row] >= 0:
                steps[row] = -steps[row] - 1
                touched[count] = row
                count += 1
            for f in range(width):
                gradient[row, f] += w * arriving[i, f]
    for t in range(count):
        row = touched[t]
        steps[row] = -steps[row]
        fade1 = 1 - np.exp(np.float32(-0.105360516) * np.float32(steps[row]))
        fade2 = 1 - np.exp(np.float32(-0.010050336) * np.float32(steps[row]))
        for f in range(width):
            g = gradient[row, f]
            gradient[row, f] = 0
            first[row, f] += np.float32(0.1) * (g - first[row, f])
            second[row, f] += np.float32(0.01) * (g * g - second[row, f])
            table[row, f] -= rates[f] * (first[row, f] / fade1) / (np.sqrt(second[row, f] / fade2) + np.float32(1e-10))
