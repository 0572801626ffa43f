"""Cutting at the near plane, so that what reaches behind the eye is drawn as far as it is in front."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


def clip_segments(segments: Float, near: float) -> tuple[Float, NDArray[np.int64]]:
    """Return the parts [M', 2, 3] of segments with z >= near, and the index [M'] of each part's segment."""
    kept = np.flatnonzero((segments[:, :, 2] >= near).any(axis=1) & np.isfinite(segments).all(axis=(1, 2)))
    s = segments[kept].copy()
    a, b = s[:, 0].copy(), s[:, 1].copy()
    for end, (p, q) in enumerate(((a, b), (b, a))):
        behind = p[:, 2] < near
        f = ((near - p[behind, 2]) / (q[behind, 2] - p[behind, 2]))[:, None]
        s[behind, end] = p[behind] + f * (q[behind] - p[behind])
        s[behind, end, 2] = near
    return s, kept


def clip_triangles(corners: Float, rgb: Float, near: float) -> tuple[Float, Float]:
    """Return the triangles [F', 3, 3] that cover the parts with z >= near, with interpolated corner colours."""
    in_front = corners[:, :, 2] >= near
    count = in_front.sum(axis=1)
    if (count == 3).all():
        return corners, rgb
    parts = [(corners[count == 3], rgb[count == 3])]
    for inside in (1, 2):
        chosen = np.flatnonzero(count == inside)
        if not len(chosen):
            continue
        # Turn the lone corner (in front, or behind) to the first place; winding stays.
        lone = np.argmax(in_front[chosen] == (inside == 1), axis=1)
        order = (lone[:, None] + np.arange(3)) % 3
        p = np.concatenate([corners[chosen], rgb[chosen]], axis=2)[np.arange(len(chosen))[:, None], order]
        ab, ac = _cut(p[:, 0], p[:, 1], near), _cut(p[:, 0], p[:, 2], near)
        if inside == 1:
            pieces = [np.stack([p[:, 0], ab, ac], axis=1)]
        else:
            pieces = [np.stack([ab, p[:, 1], p[:, 2]], axis=1), np.stack([ab, p[:, 2], ac], axis=1)]
        parts += [(x[:, :, :3], x[:, :, 3:]) for x in pieces]
    return (
        np.ascontiguousarray(np.concatenate([c for c, _ in parts])),
        np.ascontiguousarray(np.concatenate([c for _, c in parts])),
    )


def _cut(p: Float, q: Float, near: float) -> Float:
    f = ((near - p[:, 2]) / (q[:, 2] - p[:, 2]))[:, None]
    cut = p + f * (q - p)
    cut[:, 2] = near
    return cut
