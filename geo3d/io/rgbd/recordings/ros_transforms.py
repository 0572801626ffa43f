"""tf: where a frame of a robot was at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.io.trajectory import rotations_from

# A pose further from the nearest tf message than this is not made up.
LARGEST_GAP = 0.2


@dataclass
class TransformTree:
    """Edges child -> parent, each either fixed or sampled over time.

    Poses between samples are interpolated: position linearly, rotation on the sphere.
    """

    _fixed: dict[str, tuple[str, NDArray[np.float64]]] = field(default_factory=dict)
    _moving: dict[str, tuple[str, list[tuple[float, NDArray[np.float64]]]]] = field(default_factory=dict)

    def add(self, message: Any, fixed: bool) -> None:
        """Take the transforms of a tf2_msgs/TFMessage."""
        for stamped in message.transforms:
            parent, child = stamped.header.frame_id.lstrip("/"), stamped.child_frame_id.lstrip("/")
            t, q = stamped.transform.translation, stamped.transform.rotation
            row = np.array([t.x, t.y, t.z, q.x, q.y, q.z, q.w], dtype=np.float64)
            if not np.isfinite(row).all() or abs(np.linalg.norm(row[3:]) - 1) > 0.1 or parent == child:
                continue
            if fixed:
                self._fixed[child] = (parent, row)
            else:
                known = self._moving.setdefault(child, (parent, []))
                if known[0] == parent:
                    known[1].append((seconds(stamped.header.stamp), row))

    def pose(self, frame: str, time: float) -> NDArray[np.float64] | None:
        """[4, 4] of `frame` in the root of its tree; None if nothing in between moves or the time is not covered."""
        T_root_frame, moved, seen = np.eye(4), False, {frame.lstrip("/")}
        at = frame.lstrip("/")
        while at in self._moving or at in self._fixed:
            if at in self._moving:
                parent, samples = self._moving[at]
                row = _interpolated(samples, time)
                if row is None:
                    return None
                moved = True
            else:
                parent, row = self._fixed[at]
            T_root_frame = _matrix(row) @ T_root_frame
            if parent in seen:
                return None
            seen.add(parent)
            at = parent
        return T_root_frame if moved else None

    def between(self, target: str, source: str) -> NDArray[np.float64] | None:
        """T_target_source [4, 4] of two frames that are fixed to each other; None if they are not, or not known."""
        T_root_target, root = self._fixed_root(target)
        T_root_source, other = self._fixed_root(source)
        return np.linalg.inv(T_root_target) @ T_root_source if root == other else None

    def _fixed_root(self, frame: str) -> tuple[NDArray[np.float64], str]:
        """(pose in it, the furthest frame that this one is fixed to)."""
        T, at, seen = np.eye(4), frame.lstrip("/"), set[str]()
        while at in self._fixed and at not in seen:
            seen.add(at)
            parent, row = self._fixed[at]
            T, at = _matrix(row) @ T, parent
        return T, at

    def sort(self) -> None:
        """Put the samples in order of time; call once after the last `add`."""
        for _, samples in self._moving.values():
            samples.sort(key=lambda s: s[0])


def seconds(stamp: Any) -> float:
    """Seconds of a ROS time."""
    return float(stamp.sec) + float(getattr(stamp, "nanosec", getattr(stamp, "nsec", 0))) * 1e-9


def matrix_of(transform: Any) -> NDArray[np.float64]:
    """[4, 4] of a geometry_msgs/Transform."""
    t, q = transform.translation, transform.rotation
    return _matrix(np.array([t.x, t.y, t.z, q.x, q.y, q.z, q.w], dtype=np.float64))


def _matrix(row: NDArray[np.float64]) -> NDArray[np.float64]:
    T = np.eye(4)
    T[:3, :3] = rotations_from(row[None, 3:] / np.linalg.norm(row[3:]))[0]
    T[:3, 3] = row[:3]
    return T


def _interpolated(samples: list[tuple[float, NDArray[np.float64]]], time: float) -> NDArray[np.float64] | None:
    from bisect import bisect_left

    from scipy.spatial.transform import Rotation, Slerp

    i = bisect_left(samples, time, key=lambda s: s[0])
    around = samples[max(i - 1, 0) : i + 1]
    near = min(around, key=lambda s: abs(s[0] - time))
    if abs(near[0] - time) > LARGEST_GAP:
        return None
    if len(around) < 2 or around[1][0] <= around[0][0] or not around[0][0] <= time <= around[1][0]:
        return near[1]
    (t0, a), (t1, b) = around
    w = (time - t0) / (t1 - t0)
    q = Slerp([t0, t1], Rotation.from_quat([a[3:], b[3:]]))(time).as_quat()
    return np.concatenate([(1 - w) * a[:3] + w * b[:3], q])
