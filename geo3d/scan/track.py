"""Stage 1: a pose for every frame, by odometry or as given by the folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress, say
from geo3d.errors import RegistrationError
from geo3d.io import RGBDDataset
from geo3d.registration.register import register_frames
from geo3d.scan.keyframe import Keyframe
from geo3d.scan.loader import ahead, load_frame, load_maps
from geo3d.scan.odometry import Odometry, Tracked
from geo3d.scan.walk import Walk

SAVE_EVERY = 100


def track_frames(dataset: RGBDDataset, walk: Walk, count: int, saved: Path) -> list[Keyframe]:
    """Extend the walk to `count` frames; return its keyframes with their pyramids.

    The walk is saved every so many frames and when interrupted.
    """
    odometry = Odometry(_reload(dataset, walk), walk.motion, partial(recover, dataset))
    rest = range(walk.done, count)
    try:
        for index, maps in zip(
            progress(rest, "tracking", len(rest)), ahead(rest, lambda i: load_maps(dataset, i)), strict=True
        ):
            if isinstance(maps, str):
                walk.problems[index] = maps
                say(f"skipped: {maps}")
            else:
                tracked = odometry.track(index, maps)
                if tracked is None:
                    walk.problems[index] = "no pose: it agrees with no keyframe"
                else:
                    walk.tracked.append(tracked)
            walk.done, walk.motion = index + 1, odometry.motion
            if walk.done % SAVE_EVERY == 0:
                walk.save(saved)
    finally:
        walk.save(saved)
    if not walk.tracked:
        raise RegistrationError(_nothing(dataset, walk))
    return odometry.keyframes


def recover(dataset: RGBDDataset, index: int, key: Keyframe) -> NDArray[np.float64] | None:
    """Pose of a frame in a keyframe's world by registration from scratch; None if it is refused.

    This is what slow sensors and quick turns need: views too far apart for any prediction.
    """
    frame, other = load_frame(dataset, index), load_frame(dataset, key.index)
    if isinstance(frame, str) or isinstance(other, str):
        return None
    result = register_frames(frame, other)
    return key.T_world_camera @ result.T_target_source if result.converged else None


def take_given_poses(dataset: RGBDDataset, walk: Walk, count: int) -> None:
    """Fill the walk from the folder's poses; frames without one are problems."""
    walk.optimized = {}
    for index in range(walk.done, count):
        T = dataset.T_world_camera[index]
        if T is None:
            walk.problems[index] = dataset.pose_errors.get(index, "the folder gives no pose for it")
        else:
            walk.tracked.append(Tracked(index, T, 0, 0, False))
            walk.optimized[index] = T
    walk.done = count
    if not walk.tracked:
        raise RegistrationError(f"{dataset.folder} gives no poses; scan it with --poses estimate")


def _reload(dataset: RGBDDataset, walk: Walk) -> list[Keyframe]:
    keyed = [t for t in walk.tracked if t.is_keyframe]
    keyframes = []
    for t, maps in zip(keyed, ahead([t.index for t in keyed], lambda i: load_maps(dataset, i)), strict=True):
        if isinstance(maps, str):
            raise RegistrationError(f"a keyframe of the interrupted scan cannot be read any more: {maps}")
        keyframes.append(Keyframe(t.index, maps, t.T_world_camera, t.submap))
    return keyframes


def _nothing(dataset: RGBDDataset, walk: Walk) -> str:
    first = next(iter(walk.problems.values()), "it is empty")
    return f"none of the {walk.done} frames of {dataset.folder} can be used; the first: {first}"
