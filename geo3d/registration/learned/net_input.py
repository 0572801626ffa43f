"""From a described frame or cloud to what the network takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from geo3d.nn.match_net import NetInput

MAX_POINTS = 800
NEIGHBOURS = 12
# Edge of a superpoint's cell, voxels.
SUPER_VOXEL = 4.0


def spread_indices(count: int, limit: int = MAX_POINTS) -> NDArray[np.int64]:
    """At most `limit` indices, the same for the same count, in no relation to the order of the points."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(count).choice(count, limit, replace=False))


def net_input(
    points: NDArray[np.float64],
    normals: NDArray[np.float64],
    shape: NDArray[np.float32],
    color: NDArray[np.float32],
    patches: NDArray[np.float32] | None,
    voxel: float,
    *,
    colored: bool,
) -> NetInput:
    """Tensors of N points with normals [N, 3], features [N, 66], [N, 12] and patches [N, 6, 16, 16] or None."""
    import torch

    from geo3d.nn.match_net import NetInput

    scaled = ((points - points.mean(axis=0)) / voxel).astype(np.float32)
    k = min(NEIGHBOURS, len(points) - 1)
    _, neighbours = cKDTree(scaled).query(scaled, k=k + 1)
    cut = patches is not None
    if patches is None:
        patches = np.zeros((len(points), 6, 16, 16), np.float32)
    _, parent = np.unique(np.floor(scaled / SUPER_VOXEL).astype(np.int64), axis=0, return_inverse=True)
    return NetInput(
        torch.from_numpy(scaled),
        torch.from_numpy(normals.astype(np.float32)),
        torch.from_numpy(np.ascontiguousarray(shape, np.float32)),
        torch.from_numpy(np.ascontiguousarray(color, np.float32)),
        torch.from_numpy(patches),
        torch.from_numpy(neighbours[:, 1:].astype(np.int64)),
        torch.from_numpy(parent.reshape(-1).astype(np.int64)),
        float(colored),
        float(cut),
    )
