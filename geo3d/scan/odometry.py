"""RGB-D odometry against recent keyframes.

A frame is aligned to several keyframes at once, not to its predecessor, so drift grows with keyframes, not frames.
Every pose is checked by looking through both cameras; one that fails is tried again from other starts, and is
otherwise lost.  Losing the track starts a new submap, which loop closure may join later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from geo3d.registration.dense import Alignment, FrameMaps, align
from geo3d.registration.dense.consistency import Consistency, consistency
from geo3d.registration.se3 import inverse
from geo3d.scan.keyframe import Keyframe

# How far a frame may move from the prediction per frame step, as a standard deviation: rad, m.  It only matters
# where the images leave a direction open.
MOTION_PRIOR = np.diag([1 / 0.05**2] * 3 + [1 / 0.05**2] * 3)
KEYFRAME_TURN = np.deg2rad(10)
KEYFRAME_MOVE = 0.08  # of the median depth
MAX_TARGETS = 3


@dataclass(frozen=True, eq=False)
class Tracked:
    """A frame's pose in its submap's world, the newest keyframe then, and whether it became a keyframe."""

    index: int
    T_world_camera: NDArray[np.float64]
    keyframe: int
    submap: int
    is_keyframe: bool


@dataclass(frozen=True, eq=False)
class Motion:
    """Last pose, last step of one frame, frames missed since, and the submap that is being tracked."""

    T_world_last: NDArray[np.float64] = field(default_factory=lambda: np.eye(4))
    step: NDArray[np.float64] = field(default_factory=lambda: np.eye(4))
    misses: int = 0
    submap: int = -1


# Registers a frame (by index) to a keyframe from scratch: its pose in the keyframe's world, or None.
Recovery = Callable[[int, Keyframe], NDArray[np.float64] | None]


class Odometry:
    """Tracks frames in order; `keyframes` grows on the way, `motion` says how it goes."""

    def __init__(
        self,
        keyframes: list[Keyframe] | None = None,
        motion: Motion | None = None,
        recover: Recovery | None = None,
    ) -> None:
        self.keyframes = keyframes or []
        self.motion = motion or Motion()
        self._recover = recover

    def track(self, index: int, maps: FrameMaps) -> Tracked | None:
        """Pose of the next frame, or None if no verified pose was found."""
        if not self.keyframes:
            return self._start_submap(index, maps)
        found = self._align(maps)
        if found is None and self._recover is not None:
            found = self._recover(index, self.keyframes[-1])
        misses = self.motion.misses
        if found is None:
            # One bad frame is left out; a second miss means that the camera is elsewhere.
            if misses:
                return self._start_submap(index, maps)
            self.motion = replace(self.motion, step=np.eye(4), misses=1)
            return None
        T = found
        step = _root(inverse(self.motion.T_world_last) @ T, 1 + misses)
        self.motion = replace(self.motion, T_world_last=T, step=step, misses=0)
        is_keyframe = self._far(self.keyframes[-1], maps, T)
        if is_keyframe:
            self.keyframes.append(Keyframe(index, maps, T, self.motion.submap))
        return Tracked(index, T, len(self.keyframes) - 1, self.motion.submap, is_keyframe)

    def _start_submap(self, index: int, maps: FrameMaps) -> Tracked:
        self.motion = Motion(submap=self.motion.submap + 1)
        self.keyframes.append(Keyframe(index, maps, np.eye(4), self.motion.submap))
        return Tracked(index, np.eye(4), len(self.keyframes) - 1, self.motion.submap, True)

    def _targets(self, maps: FrameMaps, T_world_frame: NDArray[np.float64]) -> list[Keyframe]:
        """The newest keyframe and the best overlapping of the recent ones."""
        recent = [k for k in self.keyframes[-10:-1] if k.submap == self.motion.submap]
        scored = [(_overlap(maps, k, T_world_frame), k) for k in recent]
        near = sorted((s for s in scored if s[0] > 0.45), key=lambda s: -s[0])
        return [self.keyframes[-1]] + [k for _, k in near[: MAX_TARGETS - 1]]

    def _align(self, maps: FrameMaps) -> NDArray[np.float64] | None:
        newest = self.keyframes[-1]
        misses = self.motion.misses
        last = self.motion.T_world_last
        for start in (last @ np.linalg.matrix_power(self.motion.step, 1 + misses), last):
            for levels in ((2, 1, 0), (2, 2, 1, 0)):
                targets = [(k.maps, inverse(k.T_world_camera)) for k in self._targets(maps, start)]
                prior = MOTION_PRIOR / (1 + misses) if levels[1] == 1 else None
                held = None if prior is None else (start, prior)
                alignment = align(maps, targets, start, levels=levels, prior=held, stride=2)
                T = alignment.T_target_source
                seen = consistency(maps, newest.maps, inverse(newest.T_world_camera) @ T, level=2)
                if trusted(alignment, seen):
                    return T
        return None

    def _far(self, key: Keyframe, maps: FrameMaps, T: NDArray[np.float64]) -> bool:
        D = inverse(key.T_world_camera) @ T
        depth = float(np.median(maps.levels[2].points[:, 2]))
        return bool(
            np.linalg.norm(Rotation.from_matrix(D[:3, :3]).as_rotvec()) > KEYFRAME_TURN
            or np.linalg.norm(D[:3, 3]) > KEYFRAME_MOVE * depth
            or _overlap(maps, key, T) < 0.7
        )


def trusted(alignment: Alignment, seen: Consistency) -> bool:
    """Is an odometry step right?  Limits are far from what right steps give (0.95, 0.97, 0.00)."""
    return alignment.matched > 0.6 and seen.consistent > 0.65 and seen.violation < 0.08 and seen.pairs > 150


def _overlap(maps: FrameMaps, key: Keyframe, T_world_frame: NDArray[np.float64]) -> float:
    return consistency(maps, key.maps, inverse(key.T_world_camera) @ T_world_frame, level=2, step=2).overlap


def _root(T: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """The motion of one of n equal frame steps."""
    step = np.eye(4)
    step[:3, :3] = Rotation.from_rotvec(Rotation.from_matrix(T[:3, :3]).as_rotvec() / n).as_matrix()
    step[:3, 3] = T[:3, 3] / n
    return step
