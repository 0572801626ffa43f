"""Compiled loop of the two-way check: what becomes of one frame's points in the other's image."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d.registration.dense._normal_equations import depth_sigma

# Columns of `project_statistics`.
VIEW, KNOWN, CONSISTENT, VIOLATED, OCCLUDED, DISTANCE2 = 0, 1, 2, 3, 4, 5
GREY, MAGNITUDE, CHROMA_RG, CHROMA_BY, TONE = 6, 12, 18, 24, 30
COUNT = 36


# fmt: off
@njit(cache=True, nogil=True, error_model="numpy")
def project_statistics(  # type: ignore[no-untyped-def]
    depth_s, normals_s, grey_s, tone_s, gradient_s, chroma_s,
    depth_t, normals_t, grey_t, tone_t, gradient_t, chroma_t,
    cam_s, cam_t, R, t, step, out, pair,
):
    # fmt: on
    """Project the source's pixels into the target at (R, t) = T_target_source and sort them.

    View: falls into the image.  Known: the target has depth there.  Consistent: same surface, same facing.
    Violated: the target saw through the point, with no near depth around.  Occluded: behind the target's surface.
    Then six sums (n, a, b, aa, bb, ab) each of grey, gradient magnitude, two chroma channels and tone
    over the consistent pixels, all added to `out` [COUNT].  cam: (fx, fy, cx, cy); pair [5, 2]: scratch.
    """
    fx, fy, cx, cy = cam_t
    hs, ws = depth_s.shape
    ht, wt = depth_t.shape
    for vs in range(step // 2, hs, step):
        for us in range(step // 2, ws, step):
            z = depth_s[vs, us]
            if z <= 0 or normals_s[vs, us, 2] == 0:
                continue
            px = (us - cam_s[2]) / cam_s[0] * z
            py = (vs - cam_s[3]) / cam_s[1] * z
            X = R[0, 0] * px + R[0, 1] * py + R[0, 2] * z + t[0]
            Y = R[1, 0] * px + R[1, 1] * py + R[1, 2] * z + t[1]
            Z = R[2, 0] * px + R[2, 1] * py + R[2, 2] * z + t[2]
            if Z < 0.05:
                continue
            u = int(np.floor(fx * X / Z + cx + 0.5))
            v = int(np.floor(fy * Y / Z + cy + 0.5))
            if u < 1 or v < 1 or u >= wt - 1 or v >= ht - 1:
                continue
            out[VIEW] += 1
            d = depth_t[v, u]
            if d <= 0:
                continue
            out[KNOWN] += 1
            tau = 0.01 + 3 * depth_sigma(max(d, Z))
            nx, ny, nz = normals_t[v, u, 0], normals_t[v, u, 1], normals_t[v, u, 2]
            r = nx * (X - (u - cx) / fx * d) + ny * (Y - (v - cy) / fy * d) + nz * (Z - d)
            if nz != 0 and abs(r) < tau and abs(Z - d) < 4 * tau:
                sx, sy, sz = normals_s[vs, us, 0], normals_s[vs, us, 1], normals_s[vs, us, 2]
                mx = R[0, 0] * sx + R[0, 1] * sy + R[0, 2] * sz
                my = R[1, 0] * sx + R[1, 1] * sy + R[1, 2] * sz
                mz = R[2, 0] * sx + R[2, 1] * sy + R[2, 2] * sz
                if mx * nx + my * ny + mz * nz < 0.7:
                    continue
                out[CONSISTENT] += 1
                out[DISTANCE2] += r * r
                pair[0, 0], pair[0, 1] = grey_s[vs, us], grey_t[v, u]
                pair[1, 0] = np.sqrt(gradient_s[vs, us, 0] ** 2 + gradient_s[vs, us, 1] ** 2)
                pair[1, 1] = np.sqrt(gradient_t[v, u, 0] ** 2 + gradient_t[v, u, 1] ** 2)
                pair[2, 0], pair[2, 1] = chroma_s[vs, us, 0], chroma_t[v, u, 0]
                pair[3, 0], pair[3, 1] = chroma_s[vs, us, 1], chroma_t[v, u, 1]
                pair[4, 0], pair[4, 1] = tone_s[vs, us], tone_t[v, u]
                for k in range(5):
                    a, b, at = pair[k, 0], pair[k, 1], GREY + 6 * k
                    out[at] += 1
                    out[at + 1] += a
                    out[at + 2] += b
                    out[at + 3] += a * a
                    out[at + 4] += b * b
                    out[at + 5] += a * b
                continue
            if abs(Z - d) <= 2 * tau:
                continue
            edge = False
            for i in range(-1, 2):
                for j in range(-1, 2):
                    e = depth_t[v + i, u + j]
                    if e > 0 and abs(e - Z) < 2 * tau:
                        edge = True
            if edge:
                continue
            if d > Z:
                out[VIOLATED] += 1
            else:
                out[OCCLUDED] += 1
