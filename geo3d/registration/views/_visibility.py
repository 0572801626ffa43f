"""What a cloud looks like from a point, for finding the camera that saw it and for drawing what it saw."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Cells across the picture that a viewpoint is judged by, and the widest angle of a camera (tangent).
SIDE = 72
WIDEST = 1.7
# Turns of the rectangle around a picture, to a quarter.
TURNS = 24


def conflicts(
    points: NDArray[np.float64], spacing: NDArray[np.float64] | None, eye: NDArray[np.float64], R: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    """What speaks against a camera at `eye`: the share of points behind other points, the share of the picture's inside
    that nothing is seen in, and that of the rectangle around the picture that is not filled; and the tangent of half
    the picture's diagonal.

    A camera sees one surface along each of its rays, and rays fill a rectangle: where a cloud was taken all three are
    least.

    points   [N, 3]
    spacing  [N] about how far each one's neighbours are; None: the points lie evenly in the camera's picture
    R        [3, 3] rows x, y, z of the camera
    """
    even = spacing is None
    found: tuple[float, float, float, float] = _conflicts(
        points, np.ones(len(points)) if spacing is None else spacing, even, eye, R,
        np.full((SIDE + 1, SIDE + 1), np.inf), np.zeros((3, len(points))), np.zeros((4, SIDE + 1), np.int64),
    )  # fmt: skip
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _conflicts(points, spacing, even, eye, R, nearest, uvz, ends):  # type: ignore[no-untyped-def]
    n = points.shape[0]
    u, v, z = uvz[0], uvz[1], uvz[2]
    left, right, top, bottom = 1e9, -1e9, 1e9, -1e9
    outside = 0
    for i in range(n):
        x, y, z[i] = 0.0, 0.0, 0.0
        for c in range(3):
            d = points[i, c] - eye[c]
            x += R[0, c] * d
            y += R[1, c] * d
            z[i] += R[2, c] * d
        if z[i] <= 0 or abs(x) > WIDEST * z[i] or abs(y) > WIDEST * z[i]:
            z[i] = -1
            outside += 1
            continue
        u[i], v[i] = x / z[i], y / z[i]
        left, right, top, bottom = min(left, u[i]), max(right, u[i]), min(top, v[i]), max(bottom, v[i])
    if outside > n // 2:
        return 1.0, 1.0, 1.0, WIDEST
    cell = max(right - left, bottom - top) / (SIDE - 1) + 1e-12
    w, h = int((right - left) / cell) + 1, int((bottom - top) / cell) + 1
    # Where points lie evenly in the picture, what hangs between surfaces is far from its neighbours but hides no more.
    apart = np.sqrt(w * h / n) * cell
    for i in range(n):
        if z[i] < 0:
            continue
        if even:
            spacing[i] = apart * z[i]
        u[i], v[i] = (u[i] - left) / cell, (v[i] - top) / cell
        r = 0.7 * spacing[i] / z[i] / cell
        for b in range(max(int(np.ceil(v[i] - 0.5 - r)), 0), min(int(np.floor(v[i] + 0.5 + r)), h - 1) + 1):
            for a in range(max(int(np.ceil(u[i] - 0.5 - r)), 0), min(int(np.floor(u[i] + 0.5 + r)), w - 1) + 1):
                nearest[b, a] = min(nearest[b, a], z[i])
    hidden = outside
    for i in range(n):
        if z[i] < 0:
            continue
        # Beside an edge every cell is covered by the near side: a point is hidden if its whole neighbourhood is.
        limit = 0.97 * z[i] - 2 * spacing[i]
        k = 1 + int(1.5 * spacing[i] / z[i] / cell)
        b, a = min(int(v[i] + 0.5), h - 1), min(int(u[i] + 0.5), w - 1)
        up, down, fore, aft = max(b - k, 0), min(b + k, h - 1), max(a - k, 0), min(a + k, w - 1)
        hidden += (
            nearest[b, a] < limit
            and nearest[up, a] < limit
            and nearest[down, a] < limit
            and nearest[b, fore] < limit
            and nearest[b, aft] < limit
        )
    holes, unfilled = _outline(nearest, h, w, ends)
    return hidden / n, holes, unfilled, 0.5 * np.hypot(right - left, bottom - top)


@njit(cache=True, nogil=True, error_model="numpy")
def _outline(nearest, h, w, ends):  # type: ignore[no-untyped-def]
    """Share of the cells with something on both sides in their row or in their column that are empty themselves; and
    of the least rectangle around all, in any turn, the share that is not inside."""
    first_u, last_u, first_v, last_v = ends[0], ends[1], ends[2], ends[3]
    for b in range(h):
        first_u[b], last_u[b] = w, -1
    for a in range(w):
        first_v[a], last_v[a] = h, -1
    for b in range(h):
        for a in range(w):
            if nearest[b, a] < np.inf:
                first_u[b], last_u[b] = min(first_u[b], a), a
                first_v[a], last_v[a] = min(first_v[a], b), b
    full, empty = 0, 0
    for b in range(h):
        for a in range(w):
            if nearest[b, a] < np.inf:
                full += 1
            elif first_u[b] < a < last_u[b] or first_v[a] < b < last_v[a]:
                empty += 1
    area = 1e9
    for k in range(TURNS):
        c, s = np.cos(0.5 * np.pi * k / TURNS), np.sin(0.5 * np.pi * k / TURNS)
        low_x, high_x, low_y, high_y = 1e9, -1e9, 1e9, -1e9
        for b in range(h):
            for k2 in range(2):
                if last_u[b] >= 0:
                    a = ends[k2, b]
                    x, y = c * a + s * b, c * b - s * a
                    low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
        area = min(area, (high_x - low_x + 1) * (high_y - low_y + 1))
    return empty / max(full + empty, 1), max(1 - (full + empty) / area, 0.0)


def draw(
    points: NDArray[np.float64], colors: NDArray[np.float64], radius: NDArray[np.float64], height: int, width: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Depth [H, W] (0: nothing) and colour [H, W, 3] of points given as pixel u, v and depth z, [N, 3].

    Each point covers a disc of its radius [N] in pixels; of the points in front that cover a pixel, the mean, the near
    ones first.
    """
    sums = np.zeros((height, width, 5))
    _draw(points, colors, radius, np.full((height, width), np.inf), sums)
    mean = sums[..., 1:] / np.where(sums[..., :1] > 0, sums[..., :1], 1)
    return np.ascontiguousarray(mean[..., 0]), mean[..., 1:]


@njit(cache=True, nogil=True, error_model="numpy")
def _draw(points, colors, radius, nearest, sums):  # type: ignore[no-untyped-def]
    height, width = nearest.shape
    # First the nearest depth of each pixel, then what lies there.
    for second in range(2):
        for i in range(points.shape[0]):
            u, v, z, r = points[i, 0], points[i, 1], points[i, 2], radius[i]
            for b in range(max(int(np.ceil(v - r)), 0), min(int(np.floor(v + r)), height - 1) + 1):
                for a in range(max(int(np.ceil(u - r)), 0), min(int(np.floor(u + r)), width - 1) + 1):
                    if second == 0:
                        nearest[b, a] = min(nearest[b, a], z)
                    elif z <= 1.04 * nearest[b, a]:
                        weight = np.exp(-4 * ((a - u) ** 2 + (b - v) ** 2) / (r * r))
                        sums[b, a, 0] += weight
                        sums[b, a, 1] += weight * z
                        for c in range(3):
                            sums[b, a, 2 + c] += weight * colors[i, c]
