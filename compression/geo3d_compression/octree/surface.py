# mypy: allow-untyped-defs, no-check-untyped-defs
"""Where the surface that a sparse cloud was sampled from passes a node, as its level's nodes tell, in integers.

Points far apart on a fine grid have no neighbours in the cells around, but those at a distance lie on the same surface.
Per node, two heights of it over the node's centre, along the axis that it faces most:

    flat     z = a u + b v + c fitted to the nearest nodes (weighted least squares), at u = v = 0
    curved   each nearest node j predicts z_j - (grad_j + grad) . (u_j, v_j) / 2, grad being the flat fits' slopes there
             and here, which is exact where the surface is quadratic; the mean of these

with a class each of how far the nearest nodes are from it.  An octant's distance from a height says how likely it is
occupied: `weights/surface.safetensors` holds the odds, counted on sampled meshes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.tables import STRETCH
from geo3d_compression.octree.levels import Level
from geo3d_compression.octree.nearest import NEAREST, child_nearest, root_nearest

# Columns of a fit: the axis; the slopes along the other two in 1/1024; heights in 1/16 cells and their classes.
AXIS, SLOPE_U, SLOPE_V, CURVED, CURVED_CLASS, FLAT, FLAT_CLASS = range(7)
CLASSES = 16

# Distances of octants from a height, in 1/16 cells, as far as they are told apart.
REACH = 40

# A class ends where the mean distance of the nearest nodes, in 1/64 cells, exceeds its limit; class 0: no fit.
_LIMITS = np.array([4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 320, 640], np.int64)
_FEWEST = 6
_FEWEST_CURVED = 4
# Surfaces that turn further from the axis (1024: not at all) do not tell a height along it.
_STEEPEST = 300
# Nodes farther away, in cells, tell nothing at the scale of one.  They bound every sum below 2^62.
_FARTHEST = 1 << 12
_COARSE = 127
_HEIGHT_LIMIT = 1 << 20


class SurfaceFits:
    """Fits of one level after the other, from the root on."""

    def __init__(self) -> None:
        self._nearest = root_nearest()
        self._is_root = True

    def of(self, level: Level) -> NDArray[np.int32]:
        """Fits [n + 1, 7] of the level's nodes; the level below comes next."""
        if not self._is_root:
            self._nearest = child_nearest(self._nearest, level.parent, level.coords)
        self._is_root = False
        fits = np.zeros((level.size + 1, 7), np.int32)
        _fit_planes(self._nearest, level.coords, fits)
        _fit_curved(self._nearest, level.coords, fits)
        return fits


def no_fits() -> NDArray[np.int32]:
    """For clouds whose surfaces are not looked at."""
    return np.zeros((1, 7), np.int32)


@njit(cache=True, nogil=True, inline="always")
def _class(spread):
    """Class of a mean distance in 1/64 cells."""
    k = 1
    while k < CLASSES - 1 and spread > _LIMITS[k - 1]:
        k += 1
    return k


@njit(cache=True, nogil=True)
def _fit_planes(nearest, coords, fits):
    """The flat heights, and the curved ones as if there were no curvature."""
    n = nearest.shape[0] - 1
    d = np.zeros((NEAREST, 3), np.int64)
    error = np.zeros(NEAREST, np.int64)
    w = np.zeros(NEAREST, np.int64)
    for i in range(n):
        count = 0
        top = np.int64(1)
        while count < NEAREST and nearest[i, count] != n:
            for a in range(3):
                d[count, a] = np.int64(coords[nearest[i, count], a]) - coords[i, a]
                top = max(top, abs(d[count, a]))
            count += 1
        if count < _FEWEST or top > _FARTHEST:
            continue
        shift = 0
        while top >> shift > _COARSE:
            shift += 1
        middle = d[count // 2, 0] ** 2 + d[count // 2, 1] ** 2 + d[count // 2, 2] ** 2
        total = sx = sy = sz = xx = xy = xz = yy = yz = zz = np.int64(0)
        for k in range(count):
            w[k] = 8 * middle // (middle + d[k, 0] ** 2 + d[k, 1] ** 2 + d[k, 2] ** 2) + 1
            x, y, z = d[k, 0] >> shift, d[k, 1] >> shift, d[k, 2] >> shift
            total += w[k]
            sx += w[k] * x
            sy += w[k] * y
            sz += w[k] * z
            xx += w[k] * x * x
            xy += w[k] * x * y
            xz += w[k] * x * z
            yy += w[k] * y * y
            yz += w[k] * y * z
            zz += w[k] * z * z
        # Covariances below 2^25; of their matrix' cofactors the largest names the axis.
        xx = (total * xx - sx * sx) >> 4
        xy = (total * xy - sx * sy) >> 4
        xz = (total * xz - sx * sz) >> 4
        yy = (total * yy - sy * sy) >> 4
        yz = (total * yz - sy * sz) >> 4
        zz = (total * zz - sz * sz) >> 4
        cx, cy, cz = yy * zz - yz * yz, xx * zz - xz * xz, xx * yy - xy * xy
        if cx >= cy and cx >= cz:
            axis, u, v = 0, 1, 2
            det, p, q = cx, xy * zz - xz * yz, xz * yy - xy * yz
        elif cy >= cz:
            axis, u, v = 1, 0, 2
            det, p, q = cy, xy * zz - yz * xz, yz * xx - xy * xz
        else:
            axis, u, v = 2, 0, 1
            det, p, q = cz, xz * yy - yz * xy, yz * xx - xz * xy
        if det <= 0:
            continue
        low = 0
        while det >> low > 1 << 30:
            low += 1
        p = min(max(((p >> low) << 10) // (det >> low), -1024), 1024)
        q = min(max(((q >> low) << 10) // (det >> low), -1024), 1024)
        mean = np.int64(0)
        for k in range(count):
            error[k] = (d[k, axis] << 10) - p * d[k, u] - q * d[k, v]
            mean += w[k] * error[k]
        mean = mean // total
        spread = np.int64(0)
        for k in range(count):
            spread += w[k] * (abs(error[k] - mean) >> 4)
        fits[i, AXIS] = axis
        fits[i, SLOPE_U] = p
        fits[i, SLOPE_V] = q
        fits[i, FLAT] = fits[i, CURVED] = min(max(mean >> 6, -_HEIGHT_LIMIT), _HEIGHT_LIMIT)
        fits[i, FLAT_CLASS] = fits[i, CURVED_CLASS] = _class(spread // total)


@njit(cache=True, nogil=True)
def _fit_curved(nearest, coords, fits):
    """The curved heights, from flat fits: the trapezoid rule along the way from each nearest node."""
    n = nearest.shape[0] - 1
    error = np.zeros(NEAREST, np.int64)
    w = np.zeros(NEAREST, np.int64)
    normal = np.zeros(3, np.int64)
    d = np.zeros(3, np.int64)
    for i in range(n):
        if fits[i, FLAT_CLASS] == 0:
            continue
        axis = fits[i, AXIS]
        u = 1 if axis == 0 else 0
        v = 1 if axis == 2 else 2
        count = 0
        fourth = total = mean = np.int64(0)
        for k in range(NEAREST):
            j = nearest[i, k]
            if j == n:
                break
            for a in range(3):
                d[a] = np.int64(coords[j, a]) - coords[i, a]
            away = d[0] ** 2 + d[1] ** 2 + d[2] ** 2
            if k == 3:
                fourth = away
            if fits[j, FLAT_CLASS] == 0:
                continue
            other = fits[j, AXIS]
            normal[other] = 1024
            normal[1 if other == 0 else 0] = -fits[j, SLOPE_U]
            normal[1 if other == 2 else 2] = -fits[j, SLOPE_V]
            up = normal[axis]
            if abs(up) < _STEEPEST:
                continue
            p = (-normal[u] << 10) // up
            q = (-normal[v] << 10) // up
            error[count] = (d[axis] << 10) - ((p + fits[i, SLOPE_U]) * d[u] + (q + fits[i, SLOPE_V]) * d[v] >> 1)
            w[count] = 64 * fourth // (fourth + away) + 1 if k >= 3 else 32
            total += w[count]
            mean += w[count] * error[count]
            count += 1
        if count < _FEWEST_CURVED:
            continue
        mean = mean // total
        spread = np.int64(0)
        for k in range(count):
            spread += w[k] * (abs(error[k] - mean) >> 4)
        fits[i, CURVED] = min(max(mean >> 6, -_HEIGHT_LIMIT), _HEIGHT_LIMIT)
        fits[i, CURVED_CLASS] = _class(spread // total)


@njit(cache=True, nogil=True, inline="always")
def octant_height(fit, octant):
    """How far an octant's centre is above the plane through the node's centre that is as steep, in 1/16 cells."""
    x = 4 if octant >> 2 else -4
    y = 4 if octant >> 1 & 1 else -4
    z = 4 if octant & 1 else -4
    if fit[AXIS] == 0:
        return x - ((fit[SLOPE_U] * y + fit[SLOPE_V] * z) >> 10)
    if fit[AXIS] == 1:
        return y - ((fit[SLOPE_U] * x + fit[SLOPE_V] * z) >> 10)
    return z - ((fit[SLOPE_U] * x + fit[SLOPE_V] * y) >> 10)


@njit(cache=True, nogil=True, inline="always")
def _within(distance):
    return min(max(np.int64(distance), -REACH), REACH)


@njit(cache=True, nogil=True)
def surface_contexts(fit, odds, s, own, faces, n_occ, n_ex, keys, told):
    """Fill `keys[10]` to `keys[15]` and `told` [2], logits in 1/256, for octant `s` of a node with a `fit` [7]; returns
    which of 256 kinds of fit and distance it is, -1 without a fit.

    `odds` [2, 2, CLASSES, REACH + 1] by curved or flat, by whether the node has a child, by class and distance: of
    octants where there is none yet, against those of the octants to come; a probability * 2^16 where there is one.
    """
    others = np.int64(own != 0)
    if fit[FLAT_CLASS] == 0:
        for k in range(10, 16):
            keys[k] = (n_ex << 8 | own) << 3 | s
        told[0] = told[1] = 0
        return np.int64(-1)
    height = octant_height(fit, s)
    curved, flat = _within(height - fit[CURVED]), _within(height - fit[FLAT])
    klass, flat_klass = np.int64(fit[CURVED_CLASS]), np.int64(fit[FLAT_CLASS])
    of_curved = np.int64(odds[0, others, klass, abs(curved)])
    of_flat = np.int64(odds[1, others, flat_klass, abs(flat)])
    best = np.int64(31)
    rank = np.int64(0)
    all_curved, all_flat = of_curved, of_flat
    for o in range(s + 1, 8):
        h = octant_height(fit, o)
        c = abs(_within(h - fit[CURVED]))
        all_curved += odds[0, 0, klass, c]
        all_flat += odds[1, 0, flat_klass, abs(_within(h - fit[FLAT]))]
        rank += c < abs(curved)
        best = min(best, c)
    if others == 0:
        of_curved = (of_curved << 16) // (all_curved + 1)
        of_flat = (of_flat << 16) // (all_flat + 1)
    told[0] = STRETCH[min(of_curved, 65535)]
    told[1] = STRETCH[min(of_flat, 65535)]
    curved += REACH
    flat += REACH
    over = min(max(np.int64(fit[CURVED]), -24), 24) + 24
    steep = np.int64(fit[SLOPE_U] + 1024) >> 8 << 4 | np.int64(fit[SLOPE_V] + 1024) >> 8
    keys[10] = (curved << 4 | klass) << 4 | others << 3 | s
    keys[11] = ((curved << 4 | klass) << 8 | own) << 3 | s
    keys[12] = ((curved >> 1 << 4 | klass) << 5 | n_occ) << 5 | n_ex
    keys[13] = (((curved >> 1 << 5 | best) << 4 | klass) << 4 | others << 3 | rank) << 3 | s
    keys[14] = ((((curved >> 2 << 7 | flat >> 1) << 4 | klass) << 4 | flat_klass) << 1 | others) << 3 | s
    keys[15] = (((over >> 1 << 8 | steep) << 2 | fit[AXIS]) << 4 | klass) << 11 | own << 3 | s
    return klass << 4 | min(abs(curved - REACH) >> 1, 15)
