"""RGB-D frames as layers: back-projected clouds and camera frusta."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import FormatError
from geo3d.types import RGBDFrame, Trajectory
from geo3d_viewer.frusta import trajectory_layers
from geo3d_viewer.scene import Layer, PointLayer, Scene
from geo3d_viewer.upright import refine_up, sample_surface, up_from_cameras

if TYPE_CHECKING:
    from geo3d.io import RGBDDataset

_MOST_FRAMES = 24
_MOST_POINTS = 2_000_000
_FLYING = 0.015  # of the depth: a pixel with fewer neighbours within it is no surface


def posed_up(T_world_camera: NDArray[np.float64], scene: Scene | None = None) -> NDArray[np.float64]:
    """[3] up of the world that cameras [N, 4, 4] moved in, turned to the scene's floor where it shows one."""
    up = up_from_cameras(T_world_camera)
    return up if scene is None else refine_up(up, sample_surface(scene)[1])


def frame_scene(frame: RGBDFrame) -> Scene:
    """One frame: its cloud (in the world frame where its pose is known) and its camera."""
    from geo3d.ops import depth_to_cloud, remove_flying_pixels

    T = np.eye(4) if frame.T_world_camera is None else frame.T_world_camera
    name = frame.name or "frame"
    pose = Trajectory(np.zeros(1), T[None])
    kept = remove_flying_pixels(frame, ratio=_FLYING)
    cloud = PointLayer(f"{name}/cloud", depth_to_cloud(kept, world=frame.T_world_camera is not None))
    cameras = [la for la in trajectory_layers(pose, frame.camera, prefix=name) if la.name.endswith("/cameras")]
    up = posed_up(T[None], Scene((cloud,)))
    return Scene((cloud, *cameras), up=up, forward=T[:3, 2], title=name)


def dataset_scene(dataset: RGBDDataset, most_frames: int = _MOST_FRAMES) -> Scene:
    """An RGB-D folder: clouds of evenly chosen frames with poses, one layer each, and the camera's way.

    Without poses the frames cannot be put together: then the first frame is shown.  Frames that cannot be read
    are passed over and named in the scene's notes.
    """
    from geo3d.ops import depth_to_cloud, remove_flying_pixels

    name = dataset.folder.resolve().name
    posed = [i for i, T in enumerate(dataset.T_world_camera) if T is not None]
    if not posed:
        return frame_scene(_first_readable(dataset))
    poses = np.stack([T for T in dataset.T_world_camera if T is not None])
    trajectory = Trajectory(dataset.timestamps[posed], poses)
    chosen = np.unique(np.linspace(0, len(posed) - 1, min(most_frames, len(posed))).round().astype(int))
    pixels = dataset.camera.width * dataset.camera.height * len(chosen)
    stride = max(1, int(np.ceil(np.sqrt(pixels / _MOST_POINTS))))
    layers: list[Layer] = []
    notes: list[str] = []
    for i in (posed[k] for k in chosen):
        try:
            cloud = depth_to_cloud(remove_flying_pixels(dataset.load(i), ratio=_FLYING), world=True, stride=stride)
        except FormatError as error:
            notes.append(f"{name}: {error}")
            continue
        layers.append(PointLayer(f"{name}/frames/{dataset.names[i]}", cloud))
    if not layers:
        raise FormatError(f"{dataset.folder}: no frame could be read; the first says: {notes[0]}")
    forward = poses[:, :3, 2].mean(axis=0)
    clouds = Scene(tuple(layers))
    cameras = trajectory_layers(trajectory, dataset.camera, prefix=f"{name}/camera")
    return Scene(
        (*layers, *cameras),
        up=posed_up(poses, clouds),
        forward=forward if np.linalg.norm(forward) > 0.5 else None,
        title=name,
        notes=tuple(notes),
    )


def _first_readable(dataset: RGBDDataset) -> RGBDFrame:
    reason: FormatError | None = None
    for i in range(len(dataset)):
        try:
            return dataset.load(i)
        except FormatError as error:
            reason = reason or error
    raise FormatError(f"{dataset.folder}: no frame could be read; the first says: {reason}")
