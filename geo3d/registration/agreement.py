"""Do two clouds agree at a pose?  Both ways, by distance, facing and colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.prepare import CloudPair, Prepared

# Distance in voxels, and cosine of the normals' angle, at which two points are on the same surface.
REACH = 1.2
FACING = 0.8


@dataclass(frozen=True, eq=False)
class Agreement:
    """Shares, residuals and conditioning at one pose.

    source, target  share of each cloud's points that lie on the other's surface with the same facing
    facing          of the points within reach, share whose normals agree (chance: 0.2)
    rmse            point-to-plane, clouds' unit, over agreeing points
    close           share of the agreeing source points nearer than a quarter of a voxel to the partner's plane
    color           correlation of brightness over agreeing points; 0 without colours
    information     [6, 6] of (omega, v) in the target's centred frame, unit residual deviation
    eigenvalues     [6] of the information a point with lengths in units of the extent, ascending
    eigenvectors    [6, 6] columns, in the same units
    center, size    [3] middle of the agreeing points, target's centred frame, and their deviation: those units
    """

    source: float
    target: float
    facing: float
    rmse: float
    close: float
    color: float
    information: NDArray[np.float64]
    eigenvalues: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]
    center: NDArray[np.float64]
    size: float

    @property
    def overlap(self) -> float:
        """The larger of the two shares: a small cloud may lie wholly on a large one."""
        return max(self.source, self.target)


def agreement(pair: CloudPair, T: NDArray[np.float64]) -> Agreement:
    """Compare the clouds of a pair at a pose between their centred frames."""
    moved = pair.source.points @ T[:3, :3].T + T[:3, 3]
    facing = pair.source.normals @ T[:3, :3].T
    forth, partner, near_s = _agreeing(moved, facing, pair.target, REACH * pair.voxel)
    back_points = (pair.target.points - T[:3, 3]) @ T[:3, :3]
    back, _, near_t = _agreeing(back_points, pair.target.normals @ T[:3, :3], pair.source, REACH * pair.voxel)
    p, q, n = moved[forth], pair.target.points[partner], pair.target.normals[partner]
    residual = ((p - q) * n).sum(axis=1)
    information, values, vectors, center, size = _conditioning(p, n)
    return Agreement(
        source=float(forth.mean()),
        target=float(back.mean()),
        facing=float((forth.sum() + back.sum()) / max(near_s + near_t, 1)),
        rmse=float(np.sqrt((residual**2).mean())) if len(p) else float("nan"),
        close=float((np.abs(residual) < 0.25 * pair.voxel).mean()) if len(p) else 0.0,
        color=_color(pair, forth, partner),
        information=information,
        eigenvalues=values,
        eigenvectors=vectors,
        center=center,
        size=size,
    )


def quick_overlap(pair: CloudPair, T: NDArray[np.float64], step: int) -> float:
    """Share of every step-th source point that lies on the target's surface, times the same the other way, rooted."""
    s, n = pair.source.points[::step], pair.source.normals[::step]
    forth, _, _ = _agreeing(s @ T[:3, :3].T + T[:3, 3], n @ T[:3, :3].T, pair.target, 1.5 * pair.voxel)
    t, m = pair.target.points[::step], pair.target.normals[::step]
    back, _, _ = _agreeing((t - T[:3, 3]) @ T[:3, :3], m @ T[:3, :3], pair.source, 1.5 * pair.voxel)
    return float(np.sqrt(forth.mean() * back.mean()))


def _agreeing(
    points: NDArray[np.float64], normals: NDArray[np.float64], other: Prepared, reach: float
) -> tuple[NDArray[np.bool_], NDArray[np.int64], int]:
    distance, index = other.tree.query(points, distance_upper_bound=reach)
    near = np.isfinite(distance)
    partner = index[near]
    same = np.abs((normals[near] * other.normals[partner]).sum(axis=1)) > FACING
    mask = near.copy()
    mask[near] = same
    return mask, partner[same], int(near.sum())


def _conditioning(
    p: NDArray[np.float64], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    if len(p) < 6:
        return np.zeros((6, 6)), np.zeros(6), np.eye(6), np.zeros(3), 1.0
    J = np.concatenate([np.cross(p, n), n], axis=1)
    center = p.mean(axis=0)
    scale = max(float(np.sqrt(((p - center) ** 2).sum(axis=1).mean())), 1e-12)
    local = np.concatenate([np.cross(p - center, n) / scale, n], axis=1)
    values, vectors = np.linalg.eigh(local.T @ local / len(p))
    return J.T @ J, np.maximum(values, 0), vectors, center, scale


def _color(pair: CloudPair, forth: NDArray[np.bool_], partner: NDArray[np.int64]) -> float:
    if pair.source.colors is None or pair.target.colors is None or len(partner) < 30:
        return 0.0
    a, b = pair.source.colors[forth].mean(axis=1), pair.target.colors[partner].mean(axis=1)
    if a.std() < 0.02 or b.std() < 0.02:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
