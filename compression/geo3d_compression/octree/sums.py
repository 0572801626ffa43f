# mypy: allow-untyped-defs, no-check-untyped-defs
"""Sums of a table's rows, as all layers of the integer networks are: four rows at a time.

A sum kept in memory waits for its last store at every row; four rows at a time wait a quarter as often.  Rows whose
factor is zero are left out when they are listed.  Exact whatever the order, as the sums are (`integers`).
"""

from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True, inline="always")
def list_nonzero(source, base, rows, factors, count):
    """Append row numbers `base` + m and factors `source[m]` of what is not zero; returns the new count."""
    for m in range(source.shape[0]):
        rows[count] = base + m
        factors[count] = source[m]
        count += source[m] != 0
    return count


@njit(cache=True, nogil=True)
def add_rows(count, rows, table, out):
    """`out` [c] += `table` [R, c] at the first `count` of `rows`."""
    e = 0
    while e + 3 < count:
        r0, r1, r2, r3 = rows[e], rows[e + 1], rows[e + 2], rows[e + 3]
        for j in range(out.shape[0]):
            out[j] += (table[r0, j] + table[r1, j]) + (table[r2, j] + table[r3, j])
        e += 4
    while e < count:
        r0 = rows[e]
        for j in range(out.shape[0]):
            out[j] += table[r0, j]
        e += 1


@njit(cache=True, nogil=True)
def add_multiples(count, rows, factors, table, out):
    """`out` [c] += `factors` times `table` [R, c] at the first `count` of `rows`."""
    e = 0
    while e + 3 < count:
        r0, r1, r2, r3 = rows[e], rows[e + 1], rows[e + 2], rows[e + 3]
        f0, f1, f2, f3 = factors[e], factors[e + 1], factors[e + 2], factors[e + 3]
        for j in range(out.shape[0]):
            out[j] += (f0 * table[r0, j] + f1 * table[r1, j]) + (f2 * table[r2, j] + f3 * table[r3, j])
        e += 4
    while e < count:
        r0, f0 = rows[e], factors[e]
        for j in range(out.shape[0]):
            out[j] += f0 * table[r0, j]
        e += 1
