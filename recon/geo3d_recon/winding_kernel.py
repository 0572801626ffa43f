"""The inner loop of `geo3d_recon.winding`, compiled on first use and kept on disk.

Modes: 0 field, 1 adjoint, 2 outward direction.  `WindingTree` documents the arrays.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(nogil=True, fastmath=True, cache=True)
def add(mode: int, m: Any, x: Any, qx: float, qy: float, qz: float, w2: float, out: Any) -> None:
    dx, dy, dz = x[0] - qx, x[1] - qy, x[2] - qz
    r2 = dx * dx + dy * dy + dz * dz
    s2 = max(r2, w2)
    f = 1.0 / (12.566370614359172 * s2 * np.sqrt(s2))
    if mode == 0:
        out[0] += f * (m[0] * dx + m[1] * dy + m[2] * dz)
    elif mode == 1:
        out[0] -= f * m[0] * dx
        out[1] -= f * m[1] * dy
        out[2] -= f * m[2] * dz
    else:
        # Inside the softened core the kernel is linear, so its derivative has no second term.
        g = 3.0 * f * (m[0] * dx + m[1] * dy + m[2] * dz) / s2 if r2 >= w2 else 0.0
        out[0] += f * m[0] - g * dx
        out[1] += f * m[1] - g * dy
        out[2] += f * m[2] - g * dz


@numba.njit(nogil=True, fastmath=True, cache=True)
def add_group(mode: int, m: Any, c: Any, x: Any, qx: float, qy: float, qz: float, out: Any) -> None:
    """A far group to first order about its centre x: m = Σ m_j, c[a, b] = Σ m_j[a] (p_j − x)[b]."""
    dx, dy, dz = x[0] - qx, x[1] - qy, x[2] - qz
    i2 = 1.0 / (dx * dx + dy * dy + dz * dz)
    i3 = i2 * np.sqrt(i2) / 12.566370614359172
    i5 = 3.0 * i3 * i2
    if mode == 1:
        along = i5 * (c[0, 0] * dx + c[0, 1] * dy + c[0, 2] * dz)
        out[0] -= i3 * (m[0] * dx + c[0, 0]) - along * dx
        out[1] -= i3 * (m[0] * dy + c[0, 1]) - along * dy
        out[2] -= i3 * (m[0] * dz + c[0, 2]) - along * dz
        return
    trace = c[0, 0] + c[1, 1] + c[2, 2]
    cx = c[0, 0] * dx + c[0, 1] * dy + c[0, 2] * dz
    cy = c[1, 0] * dx + c[1, 1] * dy + c[1, 2] * dz
    cz = c[2, 0] * dx + c[2, 1] * dy + c[2, 2] * dz
    quadratic = dx * cx + dy * cy + dz * cz
    dipole = m[0] * dx + m[1] * dy + m[2] * dz
    if mode == 0:
        out[0] += i3 * (dipole + trace) - i5 * quadratic
    else:
        tx = c[0, 0] * dx + c[1, 0] * dy + c[2, 0] * dz
        ty = c[0, 1] * dx + c[1, 1] * dy + c[2, 1] * dz
        tz = c[0, 2] * dx + c[1, 2] * dy + c[2, 2] * dz
        g = i5 * (dipole + trace - 5.0 * quadratic * i2)
        out[0] += i3 * m[0] - g * dx - i5 * (cx + tx)
        out[1] += i3 * m[1] - g * dy - i5 * (cy + ty)
        out[2] += i3 * m[2] - g * dz - i5 * (cz + tz)


@numba.njit(nogil=True, fastmath=True, cache=True)
def traverse(
    mode: int,
    points: Any,
    m: Any,
    bounds: Any,
    total: Any,
    first: Any,
    center: Any,
    radius: Any,
    first_leaf: int,
    opening: float,
    queries: Any,
    widths: Any,
    out: Any,
) -> None:
    stack = np.zeros(128, np.int64)
    for i in range(len(queries)):
        qx, qy, qz = queries[i, 0], queries[i, 1], queries[i, 2]
        w2 = widths[i] * widths[i]
        stack[0] = 0
        top = 1
        while top > 0:
            top -= 1
            node = stack[top]
            dx, dy, dz = center[node, 0] - qx, center[node, 1] - qy, center[node, 2] - qz
            reach = opening * radius[node]
            d2 = dx * dx + dy * dy + dz * dz
            if d2 > reach * reach and d2 > w2:
                add_group(mode, total[node], first[node], center[node], qx, qy, qz, out[i])
            elif node >= first_leaf:
                for j in range(bounds[node, 0], bounds[node, 1]):
                    add(mode, m[j], points[j], qx, qy, qz, w2, out[i])
            else:
                stack[top] = 2 * node + 1
                stack[top + 1] = 2 * node + 2
                top += 2
