"""Geometric distortion as MPEG's pc_error measures it: point to point (D1) and point to plane (D2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NORMAL_NEIGHBOURS = 12


@dataclass(frozen=True)
class Distortion:
    """PSNR in dB of the larger of both directions' mean squared errors; peak^2 is 3 (2^bits - 1)^2 (N18665)."""

    d1: float
    d2: float


class Reference:
    """A cloud that decoded ones are compared with; its tree and normals are made once."""

    def __init__(self, points: NDArray[np.integer], bits: int) -> None:
        from scipy.spatial import cKDTree

        self.points = points.astype(np.float64)
        self.tree = cKDTree(self.points)
        self.normals = _normals(self.points, self.tree)
        self.peak = 3.0 * (2**bits - 1) ** 2

    def compare(self, decoded: NDArray[np.integer]) -> Distortion:
        """D1 and D2 of the decoded points [M, 3].

        D2 takes the reference's normals; a decoded point has the mean of those of the points that it is nearest to
        (of its own nearest, where it is nobody's).
        """
        from scipy.spatial import cKDTree

        b = np.unique(decoded, axis=0).astype(np.float64)
        gap_b, to_a = self.tree.query(b)
        gap_a, to_b = cKDTree(b).query(self.points)
        normals = np.stack([np.bincount(to_b, self.normals[:, k], len(b)) for k in range(3)], axis=1)
        hit = np.bincount(to_b, minlength=len(b))
        normals = np.where(hit[:, None] > 0, normals / np.maximum(hit, 1)[:, None], self.normals[to_a])
        plane_b = ((b - self.points[to_a]) * self.normals[to_a]).sum(axis=1)
        plane_a = ((self.points - b[to_b]) * normals[to_b]).sum(axis=1)
        d1 = max(float((gap_a**2).mean()), float((gap_b**2).mean()))
        d2 = max(float((plane_a**2).mean()), float((plane_b**2).mean()))
        return Distortion(self._psnr(d1), self._psnr(d2))

    def _psnr(self, error: float) -> float:
        return float(10 * np.log10(self.peak / max(error, 1e-12)))


def _normals(points: NDArray[np.float64], tree: object) -> NDArray[np.float64]:
    """Unit normals [N, 3] of planes through the nearest points, all on one side of the cloud's middle."""
    result = np.zeros_like(points)
    for start in range(0, len(points), 1 << 16):
        part = points[start : start + (1 << 16)]
        _, near = tree.query(part, min(_NORMAL_NEIGHBOURS, len(points)))  # type: ignore[attr-defined]
        group = points[near.reshape(len(part), -1)]
        group = group - group.mean(axis=1, keepdims=True)
        _, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", group, group))
        normal = vectors[:, :, 0]
        side = ((part - points.mean(axis=0)) * normal).sum(axis=1)
        result[start : start + len(part)] = np.where(side[:, None] < 0, -normal, normal)
    return result
