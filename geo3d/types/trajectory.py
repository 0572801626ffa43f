"""A sequence of camera poses and how far it is from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Camera-to-world poses with their times.

    timestamps      [N] float64 seconds, or frame numbers where a sensor gives no time
    T_world_camera  [N, 4, 4] float64, OpenCV axes, metres
    """

    timestamps: NDArray[np.float64]
    T_world_camera: NDArray[np.float64]

    def __post_init__(self) -> None:
        t = np.asarray(self.timestamps, dtype=np.float64)
        T = np.asarray(self.T_world_camera, dtype=np.float64)
        if T.ndim != 3 or T.shape[1:] != (4, 4) or t.shape != (len(T),):
            raise ShapeError(
                f"a trajectory is timestamps [N] and poses [N, 4, 4], got {list(t.shape)} and {list(T.shape)}"
            )
        object.__setattr__(self, "timestamps", t)
        object.__setattr__(self, "T_world_camera", T)

    def __len__(self) -> int:
        return len(self.timestamps)

    @property
    def positions(self) -> NDArray[np.float64]:
        """[N, 3] camera centres in the world frame, metres."""
        return self.T_world_camera[:, :3, 3]


def absolute_trajectory_error(
    estimate: Trajectory, truth: Trajectory, *, align: bool = True
) -> tuple[float, NDArray[np.float64]]:
    """ATE RMSE in metres and the [N] errors, poses paired by index.

    With `align` the estimate is first moved rigidly onto the truth (Umeyama 1991 without scale), as the TUM
    benchmark does (Sturm et al. 2012).
    """
    if len(estimate) != len(truth) or not len(estimate):
        raise ShapeError(f"trajectories must have the same length, got {len(estimate)} and {len(truth)}")
    p, q = estimate.positions, truth.positions
    if align:
        R, t = rigid_alignment(p, q)
        p = p @ R.T + t
    errors = np.linalg.norm(p - q, axis=1)
    return float(np.sqrt((errors**2).mean())), errors


def rigid_alignment(
    source: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least-squares (R, t) with R @ source + t = target (Kabsch 1976; Umeyama 1991, eq. 40-42)."""
    w = np.ones(len(source)) if weights is None else np.asarray(weights, dtype=np.float64)
    w = w / w.sum()
    mu_s, mu_t = w @ source, w @ target
    U, _, Vt = np.linalg.svd(((target - mu_t) * w[:, None]).T @ (source - mu_s))
    D = np.diag([1, 1, np.sign(np.linalg.det(U @ Vt)) or 1.0])
    R = U @ D @ Vt
    return R, mu_t - R @ mu_s
