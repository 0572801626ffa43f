"""The inner loops of `geo3d_recon.winding`, compiled on first use and kept on disk.

Queries are taken in blocks of neighbours: the tree is descended once a block and what it meets is copied side by side,
so that the sums run in vector registers.  They run in single precision about the block's centre, which is far finer
than the cut of the tree.  Modes: 0 field, 1 adjoint, 2 outward direction.  `WindingTree` documents the arrays.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_PI4 = np.float32(1 / 12.566370614359172)
_NONE, _HALF, _ONE, _THREE, _FIVE = (np.float32(v) for v in (0, 0.5, 1, 3, 5))
_CAPACITY = 1024  # sources or groups that are summed together


@numba.njit(nogil=True, cache=True)
def node_moments(m: Any, points: Any, bounds: Any, center: Any, depth: int, total: Any, first: Any) -> None:
    """Sum [3] and first moment about its centre [3, 3] of every node, from the leaves up."""
    leaf = (1 << depth) - 1
    for node in range(len(bounds) - 1, -1, -1):
        for a in range(3):
            total[node, a] = 0.0
            for b in range(3):
                first[node, a, b] = 0.0
        if node >= leaf:
            for j in range(bounds[node, 0], bounds[node, 1]):
                for a in range(3):
                    total[node, a] += m[j, a]
                    for b in range(3):
                        first[node, a, b] += m[j, a] * (points[j, b] - center[node, b])
        else:
            for child in (2 * node + 1, 2 * node + 2):
                for a in range(3):
                    total[node, a] += total[child, a]
                    for b in range(3):
                        shift = center[child, b] - center[node, b]
                        first[node, a, b] += first[child, a, b] + total[child, a] * shift


@numba.njit(nogil=True, fastmath=True, error_model="numpy", cache=True)
def _add_sources(mode: int, s: Any, n: int, q: Any, w2: Any, out: Any) -> None:
    """Sources s [6, n] (position, moment) to queries q [3, Q]."""
    sx, sy, sz, mx, my, mz = s[0], s[1], s[2], s[3], s[4], s[5]
    for i in range(q.shape[1]):
        qx, qy, qz, w = q[0, i], q[1, i], q[2, i], w2[i]
        a, b, c = _NONE, _NONE, _NONE
        if mode == 0:
            for j in range(n):
                dx, dy, dz = sx[j] - qx, sy[j] - qy, sz[j] - qz
                s2 = max(dx * dx + dy * dy + dz * dz, w)
                a += (mx[j] * dx + my[j] * dy + mz[j] * dz) / (s2 * np.sqrt(s2))
        elif mode == 1:
            for j in range(n):
                dx, dy, dz = sx[j] - qx, sy[j] - qy, sz[j] - qz
                s2 = max(dx * dx + dy * dy + dz * dz, w)
                f = mx[j] / (s2 * np.sqrt(s2))
                a -= f * dx
                b -= f * dy
                c -= f * dz
        else:
            for j in range(n):
                dx, dy, dz = sx[j] - qx, sy[j] - qy, sz[j] - qz
                r2 = dx * dx + dy * dy + dz * dz
                s2 = max(r2, w)
                i2 = _ONE / s2
                f = i2 / np.sqrt(s2)
                # Inside the softened core the kernel is linear, so its derivative has no second term.
                g = _THREE * f * i2 * (mx[j] * dx + my[j] * dy + mz[j] * dz) if r2 >= w else _NONE
                a += f * mx[j] - g * dx
                b += f * my[j] - g * dy
                c += f * mz[j] - g * dz
        out[0, i] += _PI4 * a
        out[1, i] += _PI4 * b
        out[2, i] += _PI4 * c


@numba.njit(nogil=True, fastmath=True, error_model="numpy", cache=True)
def _add_groups(mode: int, s: Any, n: int, q: Any, out: Any) -> None:
    """Far groups s [12, n] to queries q [3, Q], to first order about their centres.

    Rows: centre x, moment m = Σ m_j, then of c[a, b] = Σ m_j[a] (p_j − x)[b] the diagonal, the sums of the pairs
    xy, xz, yz; for the adjoint, whose m_j are (s, s, s), the first row.
    """
    sx, sy, sz, mx, my, mz = s[0], s[1], s[2], s[3], s[4], s[5]
    cxx, cyy, czz, cxy, cxz, cyz = s[6], s[7], s[8], s[9], s[10], s[11]
    for i in range(q.shape[1]):
        qx, qy, qz = q[0, i], q[1, i], q[2, i]
        a, b, c = _NONE, _NONE, _NONE
        if mode == 0:
            for j in range(n):
                dx, dy, dz = sx[j] - qx, sy[j] - qy, sz[j] - qz
                i2 = _ONE / (dx * dx + dy * dy + dz * dz)
                quadratic = dx * (cxx[j] * dx + cxy[j] * dy + cxz[j] * dz)
                quadratic += dy * (cyy[j] * dy + cyz[j] * dz) + czz[j] * dz * dz
                dipole = mx[j] * dx + my[j] * dy + mz[j] * dz
                a += i2 * np.sqrt(i2) * (dipole + (cxx[j] + cyy[j] + czz[j]) - _THREE * i2 * quadratic)
        elif mode == 1:
            for j in range(n):
                dx, dy, dz = sx[j] - qx, sy[j] - qy, sz[j] - qz
                i2 = _ONE / (dx * dx + dy * dy + dz * dz)
                i3 = i2 * np.sqrt(i2)
                along = mx[j] - _THREE * i2 * (cxx[j] * dx + cyy[j] * dy + czz[j] * dz)
                a -= i3 * (along * dx + cxx[j])
                b -= i3 * (along * dy + cyy[j])
                c -= i3 * (along * dz + czz[j])
        else:
            for j in range(n):
                dx, dy, dz = sx[j] - qx, sy[j] - qy, sz[j] - qz
                i2 = _ONE / (dx * dx + dy * dy + dz * dz)
                i3 = i2 * np.sqrt(i2)
                i5 = _THREE * i3 * i2
                ux = cxx[j] * dx + cxx[j] * dx + cxy[j] * dy + cxz[j] * dz
                uy = cxy[j] * dx + cyy[j] * dy + cyy[j] * dy + cyz[j] * dz
                uz = cxz[j] * dx + cyz[j] * dy + czz[j] * dz + czz[j] * dz
                quadratic = (ux * dx + uy * dy + uz * dz) * _HALF
                dipole = mx[j] * dx + my[j] * dy + mz[j] * dz
                g = i5 * (dipole + (cxx[j] + cyy[j] + czz[j]) - _FIVE * i2 * quadratic)
                a += i3 * mx[j] - g * dx - i5 * ux
                b += i3 * my[j] - g * dy - i5 * uy
                c += i3 * mz[j] - g * dz - i5 * uz
        out[0, i] += _PI4 * a
        out[1, i] += _PI4 * b
        out[2, i] += _PI4 * c


@numba.njit(nogil=True, cache=True)
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
    blocks: Any,
    out: Any,
) -> None:
    """Sums at queries [3, Q] with squared softening widths [Q] into out [3, Q], block by block (blocks [B + 1])."""
    stack = np.zeros(128, np.int64)
    sources = np.zeros((6, _CAPACITY), np.float32)
    groups = np.zeros((12, _CAPACITY), np.float32)
    for block in range(len(blocks) - 1):
        i0, i1 = blocks[block], blocks[block + 1]
        middle = np.array([queries[a, i0:i1].mean() for a in range(3)])
        q = np.zeros((3, i1 - i0), np.float32)
        reach, soft = 0.0, 0.0
        for i in range(i0, i1):
            r2 = 0.0
            for a in range(3):
                q[a, i - i0] = queries[a, i] - middle[a]
                r2 += (queries[a, i] - middle[a]) ** 2
            reach, soft = max(reach, r2), max(soft, widths[i])
        reach, soft = np.sqrt(reach), np.sqrt(soft)
        w2 = widths[i0:i1].astype(np.float32)
        n_sources, n_groups = 0, 0
        stack[0] = 0
        top = 1
        while top > 0:
            top -= 1
            node = stack[top]
            x = center[node]
            d2 = (x[0] - middle[0]) ** 2 + (x[1] - middle[1]) ** 2 + (x[2] - middle[2]) ** 2
            far = reach + max(opening * radius[node], soft)
            if d2 > far * far:
                c = first[node]
                for a in range(3):
                    groups[a, n_groups] = x[a] - middle[a]
                    groups[3 + a, n_groups] = total[node, a]
                    groups[6 + a, n_groups] = c[0, a] if mode == 1 else c[a, a]
                groups[9, n_groups] = c[0, 1] + c[1, 0]
                groups[10, n_groups] = c[0, 2] + c[2, 0]
                groups[11, n_groups] = c[1, 2] + c[2, 1]
                n_groups += 1
                if n_groups == _CAPACITY:
                    _add_groups(mode, groups, n_groups, q, out[:, i0:i1])
                    n_groups = 0
            elif node >= first_leaf:
                if n_sources + bounds[node, 1] - bounds[node, 0] > _CAPACITY:
                    _add_sources(mode, sources, n_sources, q, w2, out[:, i0:i1])
                    n_sources = 0
                for j in range(bounds[node, 0], bounds[node, 1]):
                    for a in range(3):
                        sources[a, n_sources] = points[j, a] - middle[a]
                        sources[3 + a, n_sources] = m[j, a]
                    n_sources += 1
            else:
                stack[top] = 2 * node + 1
                stack[top + 1] = 2 * node + 2
                top += 2
        _add_sources(mode, sources, n_sources, q, w2, out[:, i0:i1])
        _add_groups(mode, groups, n_groups, q, out[:, i0:i1])
