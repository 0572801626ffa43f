"""Which way is up, from the cameras that saw the scene or from the geometry alone."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo3d_viewer.density import thinned
from geo3d_viewer.neighbours import nearest
from geo3d_viewer.scene import LineLayer, MeshLayer, Scene, layer_points

_NEAR_PLANE = np.cos(np.radians(6.0))
_NEAR_WALL = np.sin(np.radians(6.0))
_MOST_TILT = np.cos(np.radians(50.0))

# Up in the frames that files come in: z (maps, robots, lidar), y (modelling programs), -y (camera frames).
_CONVENTIONS = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
_HABIT = {"cloud": np.array([0.06, 0.05]), "mesh": np.array([0.05, 0.20])}


def up_from_cameras(T_world_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3] unit vector against gravity from the [N, 4, 4] poses of hand-held or driven cameras.

    People hold cameras level sideways but tilt them up and down: the right axes are all horizontal, so up is the
    direction least along any of them.  Where the camera never turned that leaves a choice, and the mean of
    the cameras' own up axes decides.
    """
    right, own_up = T_world_camera[:, :3, 0], -T_world_camera[:, :3, 1]
    mean_up = own_up.mean(axis=0)
    if np.linalg.norm(mean_up) < 1e-6:
        return np.array([0.0, 0.0, 1.0])
    mean_up /= np.linalg.norm(mean_up)
    A = right.T @ right / len(right) + 0.03 * (np.eye(3) - np.outer(mean_up, mean_up))
    up = np.linalg.eigh(A)[1][:, 0]
    return up * (1.0 if up @ mean_up >= 0 else -1.0)


def sample_surface(scene: Scene, most: int = 3000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places [M, 3] spread over the visible surfaces and unit normals (of either sign) [M, 3] there; M may be 0."""
    parts = [(np.zeros((0, 3)), np.zeros((0, 3)))]
    for layer in scene.visible_layers:
        if isinstance(layer, MeshLayer) and len(layer.mesh.faces):
            parts.append(_of_faces(layer.mesh.vertices, layer.mesh.faces, most))
        elif not isinstance(layer, LineLayer):
            parts.append(_of_points(thinned(layer_points(layer), 30_000), most))
    return np.concatenate([p for p, _ in parts]), np.concatenate([n for _, n in parts])


def _of_faces(
    vertices: NDArray[np.float64], faces: NDArray[np.int32], most: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    area = np.linalg.norm(cross, axis=1)
    if area.sum() == 0:
        return np.zeros((0, 3)), np.zeros((0, 3))
    # Evenly spaced in cumulated area: large faces are met more often, with no random numbers.
    at = np.searchsorted(np.cumsum(area), (np.arange(most) + 0.5) / most * area.sum())
    return (a + b + c)[at] / 3, cross[at] / area[at, None]


def _of_points(
    points: NDArray[np.float64], most: int, neighbours: int = 12
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(points) < neighbours:
        return np.zeros((0, 3)), np.zeros((0, 3))
    query = thinned(points, most)
    near = points[nearest(points, query, neighbours)]
    near = near - near.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", near, near))
    is_flat = (values[:, 0] < 0.08 * values[:, 1]) & (values[:, 1] > 0)
    return query[is_flat], vectors[is_flat, :, 0]


def _evidence(up: NDArray[np.float64], normals: NDArray[np.float64]) -> float:
    """The share of surface that is level or upright if `up` is up; floors and tables count double."""
    along = np.abs(normals @ up)
    return float((along > _NEAR_PLANE).mean() + 0.5 * (along < _NEAR_WALL).mean())


def refine_up(up: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn a rough up by at most 50 degrees to where floors are level and walls are upright, if there are any."""
    if len(normals) < 50:
        return up
    signed = normals * np.where(normals @ up < 0, -1.0, 1.0)[:, None]
    candidates = thinned(signed[signed @ up > _MOST_TILT], 200)
    if not len(candidates):
        return up
    scores = np.array([_evidence(c, normals) * (0.7 + 0.3 * (c @ up)) for c in candidates])
    best = candidates[np.argmax(scores)]
    if scores.max() < 1.15 * _evidence(up, normals) + 0.05:
        return up
    level = signed[signed @ best > _NEAR_PLANE].mean(axis=0)
    return level / np.linalg.norm(level)


def guess_up(
    places: NDArray[np.float64],  # [M, 3] on surfaces
    normals: NDArray[np.float64],  # [M, 3] there
    points: NDArray[np.float64],  # [N, 3] of the whole
    kind: Literal["cloud", "mesh"] = "cloud",
) -> NDArray[np.float64]:
    """Choose between z, y and -y, or a direction near the latter two, for geometry of unknown origin.

    A cloud from a single camera frame (it spreads from the origin along z like a picture's rays) has y down.  Else
    the axis wins near which most surface is level; where they are close, clouds have z up and meshes y up, as
    most scanners and most modelling programs have.  Of y and -y, scans in the frame of their first camera
    have the latter: that shows when far more level surface lies at the upper end than at the lower.
    """
    is_camera_frame = len(points) > 0 and points[:, 2].min() >= 0 and _is_fan(points)
    if is_camera_frame:
        return _CONVENTIONS[2]
    if len(normals) < 50:
        return _CONVENTIONS[0]
    # Maps have z along gravity; the frame of a hand-held camera is tilted.
    axes = [_CONVENTIONS[0], refine_up(_CONVENTIONS[1], normals) if kind == "cloud" else _CONVENTIONS[1]]
    scores = np.array([_evidence(axis, normals) for axis in axes]) + _HABIT[kind]
    best = int(np.argmax(scores))
    if best == 1 and kind == "cloud" and _stands_on_its_head(axes[1], places, normals):
        return -axes[1]
    return axes[best]


def _stands_on_its_head(up: NDArray[np.float64], places: NDArray[np.float64], normals: NDArray[np.float64]) -> bool:
    """True if the upper end holds twice as much level surface as the lower: a floor that is taken for a ceiling."""
    height = places @ up
    low, high = np.percentile(height, [1, 99])
    at = (height - low) / max(high - low, 1e-12)
    is_level = np.abs(normals @ up) > _NEAR_PLANE
    lower, upper = (is_level & (at < 0.25)).mean(), (is_level & (at > 0.75)).mean()
    return bool(upper > 0.03 and upper > 2 * lower)


def _is_fan(points: NDArray[np.float64]) -> bool:
    """True if the points spread from the origin along +z like the pixels of a camera."""
    z = points[:, 2]
    ahead = z > 0
    if ahead.mean() < 0.99 or np.median(np.abs(points[:, :2]).max(axis=1)) == 0:
        return False
    slope = points[ahead, :2] / z[ahead, None]
    low, high = np.percentile(slope, [0.5, 99.5], axis=0)
    # Both sides of the axis are seen, within the field of view of a pinhole camera, from nearer than its depth range.
    return bool((low < -0.1).all() and (high > 0.1).all() and (high - low < 3.5).all())


def scene_up(scene: Scene) -> NDArray[np.float64]:
    """The scene's up where it says, else a guess from its geometry."""
    if scene.up is not None:
        up = np.asarray(scene.up, dtype=np.float64)
        return up / np.linalg.norm(up)
    solid = [thinned(layer_points(la), 20_000) for la in scene.visible_layers if not isinstance(la, LineLayer)]
    if not solid:
        return _CONVENTIONS[0]
    is_mesh = all(isinstance(la, MeshLayer) for la in scene.visible_layers if not isinstance(la, LineLayer))
    return guess_up(*sample_surface(scene), np.concatenate(solid), "mesh" if is_mesh else "cloud")
