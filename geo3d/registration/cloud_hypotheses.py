"""Poses that two clouds suggest: feature matches grown to consistent groups, thinned to distinct ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.agreement import quick_overlap
from geo3d.registration.fpfh import color_statistics, fpfh
from geo3d.registration.match import mutual_matches
from geo3d.registration.prepare import CloudPair, Prepared
from geo3d.registration.sc2 import sc2_poses
from geo3d.registration.se3 import angle, inverse

MAX_FEATURES = 5000


def cloud_hypotheses(pair: CloudPair, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """[H, 4, 4] poses between the centred clouds, from FPFH at two scales with and without colour; and [H] which of
    the kinds of features each comes from."""
    rng = np.random.default_rng(seed)
    pick_s, pick_t = _pick(pair.source, rng), _pick(pair.target, rng)
    s, t = (_Features(c, pair.voxel, at) for c, at in ((pair.source, pick_s), (pair.target, pick_t)))
    found, kinds = [np.zeros((0, 4, 4))], [0]
    for kind, (radii, colored) in enumerate((((5.0, 9.0), True), ((5.0, 9.0), False), ((3.5, 6.0), False))):
        if colored and (pair.source.colors is None or pair.target.colors is None):
            continue
        matches, score = mutual_matches(s.joined(radii, colored), t.joined(radii, colored), top=2)
        p, q = pair.source.points[pick_s[matches[:, 0]]], pair.target.points[pick_t[matches[:, 1]]]
        for tolerance in (1.0, 2.0):
            found.append(sc2_poses(p, q, tolerance * pair.voxel, score=score)[0])
            kinds += [kind] * len(found[-1])
    return np.concatenate(found), np.array(kinds[1:], np.int64)


class _Features:
    """Features of the points `at` of a cloud, each kind made once; radii in voxels."""

    def __init__(self, cloud: Prepared, voxel: float, at: NDArray[np.int64]) -> None:
        self._cloud, self._voxel, self._at = cloud, voxel, at
        self._shape: dict[float, NDArray[np.float32]] = {}

    def joined(self, radii: Sequence[float], colored: bool) -> NDArray[np.float32]:
        """[K, 33 R (+ 12)]."""
        cloud, voxel, at = self._cloud, self._voxel, self._at
        for r in radii:
            if r not in self._shape:
                self._shape[r] = fpfh(cloud.points, cloud.normals, r * voxel, at)
        parts = [self._shape[r] for r in radii]
        if colored and cloud.colors is not None:
            parts.append(color_statistics(cloud.points, cloud.colors, (2 * voxel, 5 * voxel), at))
        return np.concatenate(parts, axis=1)


def best_distinct(
    pair: CloudPair, poses: NDArray[np.float64], keep: int, apart: float = 4.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The `keep` best overlapping poses, none near (`apart` voxels, 15 degrees) a better one; and scores."""
    step = max(1, min(len(pair.source.points), len(pair.target.points)) // 400)
    scores = np.array([quick_overlap(pair, T, step) for T in poses])
    chosen: list[int] = []
    for k in np.argsort(-scores, kind="stable"):
        if len(chosen) == keep:
            break
        if all(not near(poses[k], poses[c], apart * pair.voxel) for c in chosen):
            chosen.append(int(k))
    return poses[chosen], scores[chosen]


def near(A: NDArray[np.float64], B: NDArray[np.float64], distance: float, turn: float = np.deg2rad(15)) -> bool:
    """Are two poses the same up to a distance and a turn [rad]?"""
    D = inverse(A) @ B
    return bool(np.linalg.norm(D[:3, 3]) < distance and angle(D) < turn)


def _pick(cloud: Prepared, rng: np.random.Generator) -> NDArray[np.int64]:
    n = len(cloud.points)
    return np.arange(n) if n <= MAX_FEATURES else np.sort(rng.choice(n, MAX_FEATURES, replace=False))
