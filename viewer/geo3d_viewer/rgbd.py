"""RGB-D frames as layers: back-projected clouds and camera frusta."""

from __future__ import annotations

import numpy as np

from geo3d.types import RGBDFrame, Trajectory
from geo3d_viewer.frusta import trajectory_layers
from geo3d_viewer.scene import PointLayer, Scene


def frame_scene(frame: RGBDFrame) -> Scene:
    """One frame: its cloud (in the world frame where its pose is known) and its camera."""
    from geo3d.ops import depth_to_cloud

    T = np.eye(4) if frame.T_world_camera is None else frame.T_world_camera
    name = frame.name or "frame"
    pose = Trajectory(np.zeros(1), T[None])
    layers = [la for la in trajectory_layers(pose, frame.camera, prefix=name) if la.name.endswith("/cameras")]
    return Scene(
        (PointLayer(f"{name}/cloud", depth_to_cloud(frame, world=frame.T_world_camera is not None)), *layers),
        up=-T[:3, 1],
        forward=T[:3, 2],
    )
