# mypy: allow-untyped-defs, no-check-untyped-defs
"""Voxels of a surface from the cells of a coarser lattice: the learned decoder of lossy geometry.

cells --network--> logit of every voxel inside them --> the most probable ones, as many as were asked for
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d.ops.morton import morton_decode, morton_encode
from geo3d_compression.octree.integers import LOGIT_LIMIT
from geo3d_compression.upsample.classes import scale_class
from geo3d_compression.upsample.lattice import Ranges, phases, ranges, voxels_at
from geo3d_compression.upsample.network import IntegerUpsampler
from geo3d_compression.upsample.structure import structure
from geo3d_compression.upsample.weights import load_weights

# Voxels that may be judged at once: their logits are 256 MB.
MAX_JUDGED = 1 << 27
_BLOCK = 1 << 17


class Surface:
    """The voxels that cells may hold, each with its logit.

    codes   [n] sorted Morton codes of the cells, in a cube of 2^coarse_depth
    scale   edge of a cell in sixteenths of a voxel; `density` is the class of `classes.density_class`
    depth   the voxels lie inside a cube of 2^depth
    """

    def __init__(
        self,
        codes: NDArray[np.int64],
        coarse_depth: int,
        scale: int,
        density: int,
        depth: int,
        threads: int = 1,
        network: IntegerUpsampler | None = None,
    ) -> None:
        network = network or IntegerUpsampler(load_weights(), threads)
        cells = morton_decode(codes)
        self._ranges = ranges(cells, scale, depth)
        starts = self._ranges.starts
        if starts[-1] > MAX_JUDGED or (np.diff(starts) < 1).any():
            raise BitstreamError(
                f"{len(cells)} cells of {scale}/16 voxels hold {starts[-1]} voxels, at most {MAX_JUDGED} are possible"
            )
        kind = scale_class(scale)
        features = network.features(structure(codes, coarse_depth), kind, density)
        self._logits = np.zeros(starts[-1], np.int16)
        first = 0
        while first < len(cells):
            last = max(first + 1, int(np.searchsorted(starts, starts[first] + _BLOCK, "right")) - 1)
            part = Ranges(self._ranges.first[first:last], self._ranges.last[first:last], starts[first : last + 1])
            owner, place = phases(cells[first:last], part, scale)
            self._logits[starts[first] : starts[last]] = network.logits(features[first:last], owner, place, kind)
            first = last

    @property
    def judged(self) -> int:
        """How many voxels there are to choose from."""
        return len(self._logits)

    def voxels(self, count: int) -> NDArray[np.int64]:
        """Sorted Morton codes of `count` voxels: of every cell the most probable one, then the most probable of all."""
        first, last, starts = self._ranges
        if not len(first) <= count <= len(self._logits):
            raise BitstreamError(f"{len(first)} cells hold {len(first)} to {len(self._logits)} voxels, not {count}")
        chosen = _choose(starts, self._logits, count)
        return np.sort(morton_encode(voxels_at(first, last, starts, chosen, count)))


@njit(cache=True, nogil=True)
def _choose(starts, logits, count):
    chosen = np.zeros(logits.shape[0], np.bool_)
    histogram = np.zeros(2 * LOGIT_LIMIT + 1, np.int64)
    for k in range(starts.shape[0] - 1):
        best = starts[k]
        for i in range(starts[k], starts[k + 1]):
            histogram[logits[i] + LOGIT_LIMIT] += 1
            if logits[i] > logits[best]:
                best = i
        chosen[best] = True
        histogram[logits[best] + LOGIT_LIMIT] -= 1
    left = count - (starts.shape[0] - 1)
    # All above the threshold fit; of those at it, the first ones.
    threshold = 2 * LOGIT_LIMIT
    while threshold >= 0 and histogram[threshold] <= left:
        left -= histogram[threshold]
        threshold -= 1
    for i in range(logits.shape[0]):
        if chosen[i]:
            continue
        x = logits[i] + LOGIT_LIMIT
        if x > threshold:
            chosen[i] = True
        elif x == threshold and left > 0:
            chosen[i] = True
            left -= 1
    return chosen
