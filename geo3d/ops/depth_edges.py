"""Where a depth image jumps, and the mixed pixels that hang between surfaces there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from geo3d.errors import ShapeError
from geo3d.ops._arrays import as_array, as_float, namespace
from geo3d.types import RGBDFrame

_RING = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


def _shifted(x: Any, dy: int, dx: int) -> Any:
    """x[v + dy, u + dx] at [v, u], 0 outside the image."""
    xp = namespace(x)
    h, w = x.shape
    out = xp.zeros_like(x)
    out[max(0, -dy) : h - max(0, dy), max(0, -dx) : w - max(0, dx)] = x[
        max(0, dy) : h + min(0, dy), max(0, dx) : w + min(0, dx)
    ]
    return out


def _checked(depth: Any) -> Any:
    depth = as_float(as_array(depth))
    if depth.ndim != 2:
        raise ShapeError(f"depth must be [H, W], got {list(depth.shape)}")
    xp = namespace(depth)
    return xp.where(xp.isfinite(depth) & (depth > 0), depth, xp.zeros_like(depth))


def depth_edges(depth: Any, ratio: float = 0.05) -> Any:
    """[H, W] bool: pixels whose depth differs from a measured 4-neighbour's by more than `ratio` of the nearer.

    depth  [H, W] metres, 0 = none; numpy or torch
    """
    depth = _checked(depth)
    xp = namespace(depth)
    edges = xp.zeros_like(depth) > 0
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        other = _shifted(depth, dy, dx)
        both = (depth > 0) & (other > 0)
        edges |= both & (xp.abs(other - depth) > ratio * xp.minimum(depth, other))
    return edges


def flying_pixels(depth: Any, ratio: float = 0.03, support: int = 3) -> Any:
    """[H, W] bool: measured pixels that too few of their 8 neighbours agree with.

    A sensor averages over a pixel, so at a silhouette it reports a depth between the two surfaces.  Such a pixel has
    at most the pixels along the silhouette beside it (two), while the corner of a real surface has three.

    depth    [H, W] metres, 0 = none; numpy or torch
    ratio    a neighbour agrees if it is within this part of the depth
    support  fewer agreeing neighbours than this make a flying pixel
    """
    depth = _checked(depth)
    xp = namespace(depth)
    agree = xp.zeros_like(depth)
    for dy, dx in _RING:
        other = _shifted(depth, dy, dx)
        agree = agree + ((other > 0) & (xp.abs(other - depth) <= ratio * depth))
    return (depth > 0) & (agree < support)


def remove_flying_pixels(frame: RGBDFrame, ratio: float = 0.03, support: int = 3) -> RGBDFrame:
    """The frame with its flying pixels set to 0 (see `flying_pixels`)."""
    depth = frame.depth.copy()
    depth[flying_pixels(frame.depth.astype(np.float64) / frame.depth_scale, ratio, support)] = 0
    return replace(frame, depth=depth)
