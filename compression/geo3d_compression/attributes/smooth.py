# mypy: allow-untyped-defs, no-check-untyped-defs
"""What quantising took off lossy colours, estimated from the colours around: the decoder's post filter, in integers.

The correction of a voxel's colour is the sum, over its neighbours across faces, edges and corners, of their mean
f(difference to the neighbour), with a curve f for each of the three, for luma and chroma, and for voxels whose block
had coefficients in that channel or none: a bilateral filter (Tomasi and Manduchi 1998) whose range kernel is fitted.
Differences are in quantiser steps, which makes one set of curves serve all steps.  Chroma counts less across edges of
luma.
"""

from __future__ import annotations

import numpy as np
from geo3d_compression.attributes.raht import STEP_UNIT, UNIT, divide
from numba import njit
from numpy.typing import NDArray

# Curves are read in sixteenths of a step.
_KNOTS = (0, 0.06, 0.12, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4.5, 7)
_LAST = 7 * 16
_CURVE_UNIT = 4096
# f at the knots after 0, by least squares on the decoded clouds named in the benchmark: [luma, chroma][without
# coefficients, with][faces, edges, corners].
_CURVES = (
    (
        (
            (72, 113, 323, 766, 945, 1078, 920, 786, 678, 604, 604),
            (100, 161, 278, 312, 253, 169, -86, -108, -278, -261, -261),
            (59, 60, 41, -64, -146, -215, -298, -288, -327, -282, -249),
        ),
        (
            (122, 207, 411, 786, 764, 589, 288, 425, 363, 315, 273),
            (101, 91, 249, 285, 217, 3, -61, -28, -81, -188, -221),
            (53, 38, 3, -7, -105, -129, -171, -151, -178, -132, -173),
        ),
    ),
    (
        (
            (112, 236, 531, 1083, 1331, 1353, 1263, 1049, 1049, 1049, 0),
            (110, 206, 406, 573, 657, 528, 217, 15, 0, 0, 0),
            (57, 86, 144, 115, 7, -77, -280, -246, -227, -227, -227),
        ),
        (
            (276, 358, 738, 1144, 1201, 732, 0, 482, 612, 606, 0),
            (95, 231, 292, 490, 320, 72, -29, 0, 0, 0, 0),
            (-22, 4, 3, 55, -97, -191, -3, -78, 0, 0, 0),
        ),
    ),
)


def _table(curves: tuple[tuple[tuple[tuple[int, ...], ...], ...], ...]) -> NDArray[np.int64]:
    knots = np.rint(np.array(_KNOTS) * 64).astype(np.int64)
    x = np.arange(_LAST + 1) * 4
    after = np.minimum(np.searchsorted(knots, x, side="right"), len(knots) - 1)
    y = np.concatenate([np.zeros((2, 2, 3, 1), np.int64), np.array(curves, np.int64)], axis=3)
    a, b = knots[after - 1], knots[after]
    return (y[..., after - 1] * (b - x) + y[..., after] * (x - a)) // (b - a)


_TABLE = _table(_CURVES)
_GATE = 256 * 256 // (256 + np.arange(_LAST + 1) ** 2)
_KIND = np.array([abs(k // 9 - 1) + abs(k // 3 % 3 - 1) + abs(k % 3 - 1) for k in range(27)])


def smoothed(
    means: NDArray[np.int64], energy: NDArray[np.int64], neighbours: NDArray[np.int32], step: int
) -> NDArray[np.int64]:
    """Corrected colours [n + 1, 3] of voxels with `means` [n + 1, 3] in 1 / UNIT (Y, Cb, Cr; the last row is none).

    energy [n + 1, 3]: the sum of |q| in the block that each voxel came from; neighbours [n + 1, 27]; `step` in
    sixteenths.
    """
    result = means.copy()
    _smooth(means, energy, neighbours, np.int64(step), _TABLE, _GATE, _KIND, result)
    return result


@njit(cache=True, nogil=True)
def _smooth(means, energy, neighbours, step, table, gate, kind, result):
    n = means.shape[0] - 1
    top = table.shape[3] - 1
    cell = step * (UNIT // 256)
    sums, counts = np.zeros((3, 3), np.int64), np.zeros(3, np.int64)
    for i in range(n):
        sums[:] = 0
        counts[:] = 0
        for k in range(27):
            j = neighbours[i, k]
            if j in (n, i):
                continue
            t = kind[k] - 1
            counts[t] += 1
            pull = np.int64(256)
            for c in range(3):
                d = means[j, c] - means[i, c]
                x = min((abs(d) + (cell >> 1)) // cell, top)
                f = table[min(c, 1), int(energy[i, c] > 0), t, x] * pull
                sums[t, c] += f if d >= 0 else -f
                if c == 0:
                    pull = gate[x]
        for c in range(3):
            total = np.int64(0)
            for t in range(3):
                if counts[t]:
                    total += divide(sums[t, c], counts[t])
            result[i, c] += divide(total * step, 256 * _CURVE_UNIT * STEP_UNIT // UNIT)
