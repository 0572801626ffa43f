"""Compiled loop of the texture that a shape has: how much and which way the surface bends around each pixel."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Samples of a neighbourhood, of 5 x 5, that must lie on the surface.
LEAST = 8


def relief(
    depth: NDArray[np.float32],
    normals: NDArray[np.float32],
    camera: tuple[float, float, float, float],
    radius: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """[H, W] mean sine of the height of the surface around each pixel over its tangent plane (positive: a dent), and
    [H, W] mean turn of the normals around it (1 - cosine).

    Both are taken over a neighbourhood of metric size, so that they do not depend on where the camera is; what lies
    farther off than twice the radius is another surface.  Zero where too little is known.

    Parameters
    ----------
    depth, normals : [H, W] metres, [H, W, 3]; zero where there is none.
    camera : fx, fy, cx, cy.
    radius : half the width of the neighbourhood, metres.
    """
    out = np.zeros((*depth.shape, 2), np.float32)
    _relief(depth, normals, *camera, radius, out)
    return out[..., 0], out[..., 1]


@njit(cache=True, nogil=True, error_model="numpy")
def _relief(depth, normals, fx, fy, cx, cy, radius, out):  # type: ignore[no-untyped-def]
    h, w = depth.shape
    for v in range(h):
        for u in range(w):
            z = depth[v, u]
            n0, n1, n2 = normals[v, u, 0], normals[v, u, 1], normals[v, u, 2]
            if z <= 0 or n2 == 0:
                continue
            sx, sy = radius * fx / z / 2, radius * fy / z / 2
            x, y = (u - cx) / fx * z, (v - cy) / fy * z
            count, height, turn = 0, 0.0, 0.0
            for i in range(-2, 3):
                for j in range(-2, 3):
                    p, q = int(np.floor(u + j * sx + 0.5)), int(np.floor(v + i * sy + 0.5))
                    if (p == u and q == v) or p < 0 or q < 0 or p >= w or q >= h:
                        continue
                    d = depth[q, p]
                    if d <= 0 or normals[q, p, 2] == 0:
                        continue
                    dx, dy, dz = (p - cx) / fx * d - x, (q - cy) / fy * d - y, d - z
                    squared = dx * dx + dy * dy + dz * dz
                    if squared > 4 * radius * radius:
                        continue
                    height += (n0 * dx + n1 * dy + n2 * dz) / np.sqrt(squared)
                    turn += 1 - (n0 * normals[q, p, 0] + n1 * normals[q, p, 1] + n2 * normals[q, p, 2])
                    count += 1
            if count >= LEAST:
                out[v, u, 0] = height / count
                out[v, u, 1] = turn / count
