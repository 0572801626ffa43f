"""Compiled loop of the dense alignment: normal equations of point-to-plane and photometric residuals."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatMap = NDArray[np.float32]


@njit(cache=True, nogil=True)
def depth_sigma(z):  # type: ignore[no-untyped-def]
    """Standard deviation of a depth, metres (Nguyen et al. 2012, eq. 3; about right for ToF as well)."""
    d = z - 0.4
    return 0.0012 + 0.0019 * d * d


def normal_equations(
    points: FloatMap,
    R: NDArray[np.float64],
    t: NDArray[np.float64],
    depth: FloatMap,
    normals: FloatMap,
    grey: FloatMap,
    gradient: FloatMap,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    gate: float,
    photo: float,
    stride: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Accumulate the Gauss-Newton system of one level at the pose (R, t).

    points [N, 7] of the source; depth, normals, grey, gradient of the target; gate: distance in metres at which a
    pair is dropped; photo: weight of one photometric residual (0: none); stride: use every stride-th point.

    The perturbation is on the left, (omega, v) in the target's frame: X <- X + omega x X + v.
    Returns H [6, 6] of both, G [6, 6] of geometry alone, b [6], and
    stats [6] = geometric pairs, sum of robust squared distances (m^2), points in view, photometric pairs, sum of
    squared photometric residuals, points whose pixel in the target has depth and normal.
    """
    H, G, b, stats = np.zeros((6, 6)), np.zeros((6, 6)), np.zeros(6), np.zeros(6)
    _accumulate(
        points, R, t, depth, normals, grey, gradient, fx, fy, cx, cy, gate, photo, stride, H, G, b, stats, np.zeros(6)
    )
    H += G
    for M in (H, G):
        M += np.triu(M, 1).T
    return H, G, b, stats


# fmt: off
@njit(cache=True, nogil=True, error_model="numpy")
def _accumulate(  # type: ignore[no-untyped-def]
    points, R, t, depth, normals, grey, gradient, fx, fy, cx, cy, gate, photo, stride, H, G, b, stats, J
):
    # fmt: on
    """The sums of `normal_equations`, the upper triangles of H (photometry alone) and G; J [6] is scratch."""
    h, w = depth.shape
    for k in range(0, points.shape[0], stride):
        px, py, pz = points[k, 0], points[k, 1], points[k, 2]
        X = R[0, 0] * px + R[0, 1] * py + R[0, 2] * pz + t[0]
        Y = R[1, 0] * px + R[1, 1] * py + R[1, 2] * pz + t[1]
        Z = R[2, 0] * px + R[2, 1] * py + R[2, 2] * pz + t[2]
        if Z < 0.05:
            continue
        fu, fv = fx * X / Z + cx, fy * Y / Z + cy
        u, v = int(np.floor(fu + 0.5)), int(np.floor(fv + 0.5))
        if u < 1 or v < 1 or u >= w - 1 or v >= h - 1:
            continue
        stats[2] += 1
        d = depth[v, u]
        nx, ny, nz = normals[v, u, 0], normals[v, u, 1], normals[v, u, 2]
        if d <= 0 or nz == 0:
            continue
        stats[5] += 1
        ex, ey, ez = X - (u - cx) / fx * d, Y - (v - cy) / fy * d, Z - d
        reach = gate + 3 * depth_sigma(d)
        if ex * ex + ey * ey + ez * ez > reach * reach:
            continue
        sx, sy, sz = points[k, 3], points[k, 4], points[k, 5]
        mx = R[0, 0] * sx + R[0, 1] * sy + R[0, 2] * sz
        my = R[1, 0] * sx + R[1, 1] * sy + R[1, 2] * sz
        mz = R[2, 0] * sx + R[2, 1] * sy + R[2, 2] * sz
        if mx * nx + my * ny + mz * nz < 0.6:
            continue
        r = nx * ex + ny * ey + nz * ez
        sigma = depth_sigma(d)
        e = r / sigma
        # Geman-McClure with a scale that follows the gate, so that coarse steps see far pairs.
        c = 1.5 + 0.4 * gate / sigma
        s = 1 / (1 + e * e / (c * c))
        weight = s * s / (sigma * sigma)
        J[0] = Y * nz - Z * ny
        J[1] = Z * nx - X * nz
        J[2] = X * ny - Y * nx
        J[3], J[4], J[5] = nx, ny, nz
        for i in range(6):
            wj = weight * J[i]
            b[i] += wj * r
            for j in range(i, 6):
                G[i, j] += wj * J[j]
        stats[0] += 1
        stats[1] += s * s * r * r
        if photo <= 0 or abs(r) > 0.5 * gate + 2 * sigma:
            continue
        u0, v0 = int(np.floor(fu)), int(np.floor(fv))
        if u0 < 1 or v0 < 1 or u0 >= w - 2 or v0 >= h - 2:
            continue
        a, c2 = fu - u0, fv - v0
        w00, w01, w10, w11 = (1 - a) * (1 - c2), a * (1 - c2), (1 - a) * c2, a * c2
        value = w00 * grey[v0, u0] + w01 * grey[v0, u0 + 1] + w10 * grey[v0 + 1, u0] + w11 * grey[v0 + 1, u0 + 1]
        gu = (
            w00 * gradient[v0, u0, 0]
            + w01 * gradient[v0, u0 + 1, 0]
            + w10 * gradient[v0 + 1, u0, 0]
            + w11 * gradient[v0 + 1, u0 + 1, 0]
        )
        gv = (
            w00 * gradient[v0, u0, 1]
            + w01 * gradient[v0, u0 + 1, 1]
            + w10 * gradient[v0 + 1, u0, 1]
            + w11 * gradient[v0 + 1, u0 + 1, 1]
        )
        q = value - points[k, 6]
        s = 1 / (1 + q * q)
        weight = photo * s * s
        stats[3] += 1
        stats[4] += q * q
        gX, gY = gu * fx / Z, gv * fy / Z
        gZ = -(gX * X + gY * Y) / Z
        J[0] = Y * gZ - Z * gY
        J[1] = Z * gX - X * gZ
        J[2] = X * gY - Y * gX
        J[3], J[4], J[5] = gX, gY, gZ
        for i in range(6):
            wj = weight * J[i]
            b[i] += wj * q
            for j in range(i, 6):
                H[i, j] += wj * J[j]
