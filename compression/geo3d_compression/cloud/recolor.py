"""Attributes of original voxels on the voxels that a lossy decoder makes of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearest(original: NDArray[np.int64], decoded: NDArray[np.int64], threads: int) -> NDArray[np.int64]:
    """[M]: for each decoded voxel [M, 3] the index of the nearest original one [N, 3]."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(original).query(decoded, workers=threads)[1], np.int64)


def recolor(
    original: NDArray[np.int64], values: NDArray[np.int64], decoded: NDArray[np.int64], threads: int
) -> NDArray[np.int64]:
    """[M, C]: the mean of a voxel's nearest original and of all originals that it is the nearest one to.

    As MPEG's recolouring, every original counts, and every decoded voxel has a value.
    """
    forward = values[nearest(original, decoded, threads)].astype(np.float64)
    back = nearest(decoded, original, threads)
    hits = np.bincount(back, minlength=len(decoded))
    sums = np.stack([np.bincount(back, values[:, c], len(decoded)) for c in range(values.shape[1])], axis=1)
    mean = sums / np.maximum(hits, 1)[:, None]
    return np.rint(np.where(hits[:, None] > 0, (forward + mean) / 2, forward)).astype(np.int64)
