"""The RGB-D frame that a camera at a cloud's viewpoint would have taken."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo3d.registration.se3 import Transform
from geo3d.registration.views import _visibility
from geo3d.registration.views.viewpoint import look_at
from geo3d.types import PinholeCamera, PointCloud, RGBDFrame

WIDTHS = (320, 640)
MAX_POINTS = 400_000
MAX_RADIUS = 8.0  # pixels
STEPS = 50_000  # of depth, to the farthest point


def draw_view(cloud: PointCloud, eye: NDArray[np.float64], metres: float = 1.0) -> tuple[RGBDFrame, Transform]:
    """Draw a cloud as seen from `eye` [3].

    Parameters
    ----------
    metres : length of the cloud's unit.

    Returns
    -------
    The frame, in metres, and T_cloud_camera with its translation in the cloud's unit.
    """
    cloud = cloud[:: -(-len(cloud) // MAX_POINTS)]
    points = np.ascontiguousarray(cloud.points, np.float64)
    R = _upright(points, eye)
    seen = (points - eye) @ R.T
    front = seen[:, 2] > 0.05 * np.median(seen[:, 2])
    seen = seen[front]
    tangent = seen[:, :2] / seen[:, 2:]
    low, high = np.percentile(tangent, [0.2, 99.8], axis=0)
    spacing = _spacing(seen)
    # As fine as the cloud is, so that its colours keep their detail.
    fine = float((high - low).max() / np.median(spacing / seen[:, 2]))
    width = WIDTHS[1] if fine > 0.9 * WIDTHS[1] else WIDTHS[0]
    pixel = float((high - low).max()) / width
    w, h = (max(int(x), 16) for x in np.ceil((high - low) / pixel))
    uvz = np.concatenate([(tangent - low) / pixel - 0.5, seen[:, 2:]], axis=1)
    radius = np.clip(1.2 * spacing / seen[:, 2] / pixel, 0.75, MAX_RADIUS)
    colors = np.zeros((len(seen), 3)) if cloud.colors is None else cloud.colors[front].astype(np.float64)
    depth, color = _visibility.draw(uvz, colors, radius, h, w)
    scale = STEPS / max(float(depth.max()) * metres, 1e-9)
    camera = PinholeCamera(w, h, 1 / pixel, 1 / pixel, -low[0] / pixel - 0.5, -low[1] / pixel - 0.5)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R.T, eye
    picture = None if cloud.colors is None else np.rint(color).astype(np.uint8)
    return RGBDFrame(np.rint(depth * metres * scale).astype(np.uint16), camera, scale, picture), T


def _upright(points: NDArray[np.float64], eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3, 3] rows of a camera whose picture frames the cloud most tightly, turned about its axis."""
    some = np.ascontiguousarray(points[:: max(1, len(points) // 5000)])
    R = look_at(some, eye)
    seen = (some - eye) @ R.T
    seen = seen[seen[:, 2] > 0]
    tangent = seen[:, :2] / seen[:, 2:]
    best, area = R, np.inf
    for angle in np.deg2rad(np.arange(0, 90, 2)):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, s], [-s, c]])
        size = np.subtract(*np.percentile(tangent @ turn.T, [99.5, 0.5], axis=0))
        if size.prod() < area:
            # Wide rather than high, as pictures are.
            quarter = np.eye(2) if size[0] >= size[1] else np.array([[0.0, 1.0], [-1.0, 0.0]])
            area, best = float(size.prod()), np.concatenate([quarter @ turn @ R[:2], R[2:]])
    return best


def _spacing(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N] distance to the nearest other point, as it goes with depth: alike in the picture, in space, or between."""
    at = np.linspace(0, len(seen) - 1, min(len(seen), 1500)).astype(np.int64)
    nearest = cKDTree(seen).query(seen[at], k=2)[0][:, 1]
    z = seen[at, 2]
    edges = np.quantile(z, np.linspace(0, 1, 9))
    groups = [(z >= a) & (z <= b) for a, b in pairwise(edges)]
    return np.interp(seen[:, 2], [np.median(z[g]) for g in groups], [np.median(nearest[g]) for g in groups])
