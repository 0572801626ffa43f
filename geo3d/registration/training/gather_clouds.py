"""Evidence for right and wrong poses of plain clouds: frames of known pose, thinned, turned at random."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from geo3d.errors import RegistrationError
from geo3d.registration.cloud_search import EVIDENCE, search_clouds
from geo3d.registration.prepare import prepare_pair, thin
from geo3d.registration.register import as_cloud
from geo3d.registration.training.gather import label_pose
from geo3d.registration.training.pairs import FramePair
from geo3d.types import PointCloud, RGBDFrame

# Each pair is looked at in one of these ways in turn: with colour or not; grid, as a share of the extent (0: none).
KINDS = ((True, 0.0), (False, 0.0), (True, 0.006), (False, 0.012))


@dataclass(frozen=True, eq=False)
class CloudEvidence:
    """full [M, len(EVIDENCE)], full_label [M] (1 right, 0 wrong, -1 between), full_pair [M] the pair's number;
    full_pose [M, 4, 4]; overlap, voxel [P] of the pairs."""

    full: NDArray[np.float64]
    full_label: NDArray[np.int64]
    full_pair: NDArray[np.int64]
    full_pose: NDArray[np.float64]
    overlap: NDArray[np.float64]
    voxel: NDArray[np.float64]


def gather_clouds(pairs: Iterable[FramePair], seed: int) -> CloudEvidence:
    """Search every pair as registration does, and label all refined poses by the truth."""
    rng = np.random.default_rng(seed)
    rows, labels, owner, poses = [], [], [], []
    overlaps: list[float] = []
    voxels: list[float] = []
    for number, p in enumerate(pairs):
        colored, grid = KINDS[number % len(KINDS)]
        turn = np.eye(4)
        turn[:3, :3] = Rotation.random(random_state=rng.integers(2**31)).as_matrix()
        source, target = (plain_cloud(f, colored, grid) for f in (p.source, p.target))
        try:
            pair = prepare_pair(source.transformed(turn), target)
        except RegistrationError:
            continue
        truth = pair.centered(p.T_target_source @ np.linalg.inv(turn))
        found = search_clouds(pair, [pair.centered(np.eye(4))], seed)
        for one, x in zip(found.refined, found.evidence, strict=True):
            rows.append(x)
            labels.append(label_pose(one.T, truth, p.overlap, 5, 0.10, 2.5))
            owner.append(len(voxels))
            poses.append(one.T)
        overlaps.append(p.overlap)
        voxels.append(pair.voxel)
    columns = np.array(rows).reshape(-1, len(EVIDENCE)), labels, owner, poses, overlaps, voxels
    return CloudEvidence(*map(np.array, columns))


def plain_cloud(frame: RGBDFrame, colored: bool, grid: float) -> PointCloud:
    """A frame's points without normals or order, on a grid of a share of their extent (0: as measured)."""
    cloud = as_cloud(frame)
    if grid > 0:
        cloud = thin(cloud, grid * float(np.linalg.norm(np.subtract(*cloud.bounds))))
    return PointCloud(cloud.points, cloud.colors if colored else None)
