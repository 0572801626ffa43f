"""Registration of two clouds that are single views, through the cameras that took them.

cloud ─▶ find_viewpoint ─▶ draw_view ─▶ describe ─▶ the search and verdict of frames ─▶ result in the clouds' frames

What a camera saw through is empty, which a cloud alone does not tell; so a pose that slides along a wall, or one of
clouds that share nothing, is refused for what the other camera would have seen.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import RegistrationError
from geo3d.registration.degenerate import open_directions
from geo3d.registration.dense import FrameMaps, frame_maps
from geo3d.registration.frames.describe import VOXELS_PER_DEPTH, describe_frame
from geo3d.registration.frames.register_frames import register_descriptions
from geo3d.registration.frames.shelf import common_voxel
from geo3d.registration.result import RegistrationResult
from geo3d.registration.se3 import Transform, adjoint, inverse
from geo3d.registration.views.draw_view import draw_view
from geo3d.registration.views.viewpoint import Viewpoint, find_viewpoint
from geo3d.types import PointCloud, RGBDFrame

# Clouds of several views, and sensors that smear edges over the air, hide much of themselves from wherever they are
# looked at: beyond this it is not worth trying.
MOST_DOUBT = 0.5
# Below this it is a single view for certain, and what its camera refuses is refused.
CERTAIN = 0.2
# Median distances of what the sensors of rooms see, metres; the frames' verdict was trained on them.
RANGE = (0.2, 12.0)
UNITS = (1.0, 0.001)  # metres, millimetres


@dataclass(frozen=True, eq=False)
class View:
    """A single view: the frame its camera would have taken, in metres, and T_cloud_camera in the cloud's unit."""

    frame: RGBDFrame
    maps: FrameMaps
    T_cloud_camera: Transform
    viewpoint: Viewpoint


def register_views(
    source: PointCloud, target: PointCloud, *, init: NDArray[np.float64] | None = None
) -> tuple[RegistrationResult, bool] | None:
    """Find T_target_source of two clouds, each seen by one camera from an unknown place, or refuse.

    Returns the result and whether both are single views for certain; None if one of them cannot be.

    Parameters
    ----------
    source, target : finite clouds in one unit, metres or millimetres.
    init : [4, 4] guess that is tried beside others.
    """
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        eyes = list(pool.map(lambda c: find_viewpoint(c.points), (source, target)))
        unit = _unit(source, eyes[0]), _unit(target, eyes[1])
        doubt = max(e.doubt for e in eyes)
        if doubt > MOST_DOUBT or not unit[0] or unit[0] != unit[1]:
            return None
        metres = unit[0]
        try:
            views = list(pool.map(lambda c, e: single_view(c, e, metres), (source, target), eyes))
        except RegistrationError:
            return None
        voxel = common_voxel(views[0].maps, views[1].maps)
        # The trained descriptor wants to know what is up, which is lost.
        a, b = pool.map(lambda v: describe_frame(v.frame, voxel, learned=False, maps=v.maps), views)
    s, t = (_metric(v.T_cloud_camera, metres) for v in views)
    guess = None if init is None else inverse(t) @ _metric(init, metres) @ s
    found = register_descriptions(a, b, init=guess)
    T = t @ found.T_target_source @ inverse(s)
    T[:3, 3] /= metres
    result = replace(
        found,
        T_target_source=T,
        rmse=found.rmse / metres,
        information=_information(found.information, views[1].T_cloud_camera, metres),
        degenerate=_degenerate(found.information, t, voxel),
        seconds=time.perf_counter() - start,
    )
    return result, doubt < CERTAIN


def single_view(cloud: PointCloud, viewpoint: Viewpoint, metres: float = 1.0) -> View:
    """What a cloud looks like from its viewpoint; raises `RegistrationError` if that is too little."""
    frame, T = draw_view(cloud, viewpoint.eye, metres)
    return View(frame, frame_maps(frame), T, viewpoint)


def _unit(cloud: PointCloud, viewpoint: Viewpoint) -> float:
    """Metres in the cloud's unit, by how far off things usually are; 0: neither metres nor millimetres."""
    some = cloud.points[:: max(1, len(cloud) // 2000)].astype(np.float64)
    distance = float(np.median(np.linalg.norm(some - viewpoint.eye, axis=1)))
    return next((u for u in UNITS if RANGE[0] <= distance * u <= RANGE[1]), 0.0)


def _metric(T: Transform, metres: float) -> Transform:
    T = T.copy()
    T[:3, 3] *= metres
    return T


def _information(H: NDArray[np.float64], T_cloud_camera: Transform, metres: float) -> NDArray[np.float64]:
    """[6, 6] in the cloud's frame and unit, of one in the camera's and metres."""
    A = np.linalg.inv(adjoint(_metric(T_cloud_camera, metres)))
    D = np.diag([1, 1, 1, metres, metres, metres])
    return D @ A.T @ H @ A @ D


def _degenerate(H: NDArray[np.float64], T_cloud_camera: Transform, voxel: float) -> tuple[str, ...]:
    """Open directions at the camera's place, named by the cloud's axes."""
    turn = np.kron(np.eye(2), T_cloud_camera[:3, :3])
    D = np.diag([1.0] * 3 + [voxel * VOXELS_PER_DEPTH] * 3)
    values, vectors = np.linalg.eigh(D @ turn @ H @ turn.T @ D)
    return open_directions(values, vectors, 1e-4)
