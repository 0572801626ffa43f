"""Points to pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

from geo3d.ops._arrays import as_array, as_float, check_last, namespace, transform
from geo3d.ops.distortion import distort, radius_limit
from geo3d.types import PinholeCamera

NEAR = 1e-9  # metres; anything nearer is behind the camera


class Projection(NamedTuple):
    """Where points fall in an image.

    pixels  [..., 2] column u and row v; (0, 0) is the centre of the top left pixel; 0 where not `front`
    depth   [...] z in the camera frame, metres
    valid   [...] bool: in front of the camera, inside the lens's one-to-one field, inside the image
    """

    pixels: Any
    depth: Any
    valid: Any


def project(points: Any, camera: PinholeCamera, T_camera_points: Any = None) -> Projection:
    """Project points with Brown-Conrady distortion.

    points          [..., 3] in the camera frame (or in the frame that `T_camera_points` maps from), metres
    T_camera_points [4, 4], optional

    numpy in, numpy out; a tensor in, a tensor out, differentiable with respect to the points.
    """
    points = as_float(check_last(as_array(points), 3, "points"))
    xp = namespace(points)
    if T_camera_points is not None:
        points = transform(T_camera_points, points)
    z = points[..., 2]
    front = z > NEAR
    safe = xp.where(front, z, xp.ones_like(z))
    x, y = points[..., 0] / safe, points[..., 1] / safe
    limit = radius_limit(camera.distortion)
    inside = front & (x * x + y * y <= limit * limit)
    # Far outside the lens's field the polynomial overflows; such points are invalid anyway.
    x, y = xp.where(inside, x, xp.zeros_like(x)), xp.where(inside, y, xp.zeros_like(y))
    x, y = distort(x, y, camera.distortion)
    u, v = camera.fx * x + camera.cx, camera.fy * y + camera.cy
    image = (u >= -0.5) & (u < camera.width - 0.5) & (v >= -0.5) & (v < camera.height - 0.5)
    return Projection(xp.stack([u, v], -1), z, inside & image)
