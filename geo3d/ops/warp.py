"""One frame seen from another: backward flow with visibility, and forward splatting with a z-buffer.

Depth and pose give each codec the motion that it would otherwise have to spend bits on.  Everything here is elementwise
double arithmetic in one fixed order, so numpy inputs give the same numbers whatever the BLAS and the thread count.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from geo3d.errors import ShapeError
from geo3d.ops._arrays import as_array, as_float, cast, check_last, is_tensor, namespace, to_numpy
from geo3d.ops.project import project
from geo3d.ops.unproject import unproject
from geo3d.types import PinholeCamera


class Flow(NamedTuple):
    """Where each target pixel's surface point falls in the source image.

    pixels  [H, W, 2] column and row in the source; meaningless where not valid
    depth   [H, W] the point's z in the source camera, metres
    valid   [H, W] bool: the target has depth there and the point falls inside the source image
    """

    pixels: Any
    depth: Any
    valid: Any


class Splat(NamedTuple):
    """A source frame painted into a target camera.

    values  [H, W, ...] the nearest source pixel's value, 0 where nothing landed
    depth   [H, W] its z in the target camera, metres, 0 where nothing landed
    index   [H, W] int64 flat index of that source pixel, −1 where nothing landed
    """

    values: Any
    depth: Any
    index: Any


def backward_flow(
    depth_target: Any, camera_target: PinholeCamera, camera_source: PinholeCamera, T_source_target: Any
) -> Flow:
    """Look up each target pixel in the source: unproject by the target's depth, move, project.

    depth_target     [H, W] metres, 0 = none; numpy or torch (differentiable)
    T_source_target  [4, 4]
    """
    points, measured = unproject(None, depth_target, camera_target)
    pixels, depth, inside = project(points, camera_source, T_source_target)
    return Flow(pixels, depth, measured & inside)


def visible(flow: Flow, depth_source: Any, tolerance: float = 0.02) -> Any:
    """[H, W] bool: the source sees the same surface there, rather than something in front of it.

    depth_source  [H', W'] metres, 0 = none
    tolerance     the source's depth may be nearer by this part of the depth before it counts as an occluder

    A pixel is visible if any of the four source pixels around it agrees within the tolerance, so that
    silhouettes do not flicker by rounding.
    """
    depth_source = as_float(as_array(depth_source, like=flow.depth))
    xp = namespace(flow.depth)
    h, w = depth_source.shape
    u0, v0 = cast(xp.floor(flow.pixels[..., 0]), xp.int64), cast(xp.floor(flow.pixels[..., 1]), xp.int64)
    seen = xp.zeros_like(flow.valid)
    for dv in (0, 1):
        for du in (0, 1):
            d = depth_source[xp.clip(v0 + dv, 0, h - 1), xp.clip(u0 + du, 0, w - 1)]
            seen |= (d > 0) & (xp.abs(d - flow.depth) <= tolerance * flow.depth)
    return seen & flow.valid


def sample_bilinear(image: Any, pixels: Any) -> tuple[Any, Any]:
    """Values of image [H, W] or [H, W, C] at pixels [..., 2], and a mask of pixels inside (edges are extended
    by half a pixel).  Differentiable for tensors, with respect to the image and the pixels.
    """
    image = as_float(as_array(image, like=pixels))
    pixels = as_float(check_last(as_array(pixels, like=image), 2, "pixels"))
    if image.ndim not in (2, 3):
        raise ShapeError(f"an image is [H, W] or [H, W, C], got {list(image.shape)}")
    xp = namespace(image, pixels)
    h, w = image.shape[:2]
    u, v = pixels[..., 0], pixels[..., 1]
    inside = (u >= -0.5) & (u < w - 0.5) & (v >= -0.5) & (v < h - 0.5)
    u, v = xp.clip(u, 0, w - 1), xp.clip(v, 0, h - 1)
    u, v = xp.where(inside, u, xp.zeros_like(u)), xp.where(inside, v, xp.zeros_like(v))
    u0, v0 = cast(xp.floor(u), xp.int64), cast(xp.floor(v), xp.int64)
    u1, v1 = xp.clip(u0 + 1, 0, w - 1), xp.clip(v0 + 1, 0, h - 1)
    a, b = u - cast(u0, u.dtype), v - cast(v0, v.dtype)
    if image.ndim == 3:
        a, b = a[..., None], b[..., None]
    top = image[v0, u0] * (1 - a) + image[v0, u1] * a
    bottom = image[v1, u0] * (1 - a) + image[v1, u1] * a
    return top * (1 - b) + bottom * b, inside


def warp(image_source: Any, flow: Flow, visibility: Any = None) -> tuple[Any, Any]:
    """The source image as the target camera sees it, and the mask of pixels that are known.

    image_source  [H', W'] or [H', W', C]
    visibility    [H, W] bool (see `visible`); default: all valid flow

    Unknown pixels are 0.
    """
    values, inside = sample_bilinear(image_source, flow.pixels)
    known = (flow.valid if visibility is None else visibility) & inside
    shape = known if values.ndim == 2 else known[..., None]
    return namespace(values).where(shape, values, namespace(values).zeros_like(values)), known


def splat(
    values: Any,
    depth_source: Any,
    camera_source: PinholeCamera,
    camera_target: PinholeCamera,
    T_target_source: Any,
) -> Splat:
    """Paint each source pixel at the target pixel it moves to; the nearest wins, ties go to the lower index.

    values        [H, W] or [H, W, C], any dtype; a float tensor's gradient flows to the winners
    depth_source  [H, W] metres, 0 = none
    """
    values = as_array(values, like=depth_source)
    points, measured = unproject(None, to_numpy(depth_source), camera_source)
    pixels, z, inside = project(points, camera_target, to_numpy(T_target_source))
    if tuple(values.shape[:2]) != tuple(z.shape):
        raise ShapeError(f"values are {list(values.shape)} but the depth is {list(z.shape)}")
    source = np.flatnonzero(measured & inside)
    uv = np.floor(pixels.reshape(-1, 2)[source] + 0.5).astype(np.int64)
    target = uv[:, 1] * camera_target.width + uv[:, 0]
    near = z.reshape(-1)[source].astype(np.float64)
    order = np.lexsort((source, near, target))
    target, first = np.unique(target[order], return_index=True)
    winners, near = source[order][first], near[order][first]

    size = camera_target.height * camera_target.width
    depth, index = np.zeros(size), np.full(size, -1, dtype=np.int64)
    depth[target], index[target] = near, winners
    shape = (camera_target.height, camera_target.width)
    painted = _paint(values, winners, target, size)
    like = values if is_tensor(values) else None
    return Splat(
        painted.reshape(*shape, *values.shape[2:]),
        as_array(depth.reshape(shape), like=like),
        as_array(index.reshape(shape), like=like),
    )


def _paint(values: Any, winners: Any, target: Any, size: int) -> Any:
    flat = values.reshape(-1, *values.shape[2:])
    xp = namespace(values)
    if not is_tensor(values):
        out = np.zeros((size, *flat.shape[1:]), dtype=flat.dtype)
        out[target] = flat[winners]
        return out
    out = xp.zeros((size, *flat.shape[1:]), dtype=flat.dtype, device=flat.device)
    return out.index_copy(0, as_array(target, like=values), flat[as_array(winners, like=values)])
