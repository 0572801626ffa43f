# mypy: allow-untyped-defs, no-check-untyped-defs
"""Contexts from where a sensor stood: what a scanner's rings and a camera's rays and planes of depth say of a child."""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.octree.rings import SLOPE_BITS

# Where the sensor stood: nowhere known; turning about z; nowhere known, and the cloud so sparse that the surface
# through its points is asked instead (`surface`); looking along +x, -x, +y, -y, +z, -z.
NO_SENSOR, SPINNING, SCATTERED, CAMERA_X, CAMERA_Y, CAMERA_Z = 0, 1, 2, 3, 5, 7
SENSOR_MODES = 9


@njit(cache=True, nogil=True, inline="always")
def _leading(value):
    """Quarter-octave class of a positive value, and the value cut to its three leading bits."""
    shift = 0
    while value >> shift >= 8:
        shift += 1
    top = value >> shift
    return shift * 8 + top, top << shift


@njit(cache=True, nogil=True, inline="always")
def _turns(x, y):
    """Azimuth in turns * 2^16.  Mirrors `scanner.turns`."""
    ax, ay = abs(x), abs(y)
    t = (min(ax, ay) << 16) // max(ax, ay, 1)
    angle = t * (8192 + (2847 * (65536 - t) >> 16)) >> 16
    if ay > ax:
        angle = 16384 - angle
    if x < 0:
        angle = 32768 - angle
    return -angle if y < 0 else angle


@njit(cache=True, nogil=True)
def _nearest_ring(slopes, heights, rho, z):
    """Index of the ring nearest to (rho, z), the height above it, and the distance to the next ring on that side."""
    first, last = 0, slopes.size - 1
    while first < last:
        middle = (first + last) >> 1
        if (slopes[middle] * rho >> SLOPE_BITS) + heights[middle] < z:
            first = middle + 1
        else:
            last = middle
    # Heights bend the order a little, so the neighbours are looked at too.
    best, above, below = first, np.int64(1) << 40, np.int64(1) << 40
    for i in range(max(first - 3, 0), min(first + 4, slopes.size)):
        away = z - (slopes[i] * rho >> SLOPE_BITS) - heights[i]
        if away >= 0 and away < below:
            below = away
            best = i if below <= above else best
        elif away < 0 and -away < above:
            above = -away
            best = i if above < below else best
    if below <= above:
        return best, below, above + below
    return best, -above, above + below


@njit(cache=True, nogil=True, inline="always")
def sensor_contexts(sensor, ring_slopes, ring_heights, cx, cy, cz, s, own, faces, n_occ, n_unk, n_ex, keys):
    """Fill `keys[10]` to `keys[15]` for octant `s` of a node, the child at (cx, cy, cz) in its cells.

    `sensor`: [mode, x, y, z, vx, vy in eighths of a leaf cell, log2 of leaf cells in a child].
    """
    mode, fine = sensor[0], sensor[6]
    # Eighths of a leaf cell from the sensor to the child's centre.
    x = ((2 * cx + 1) << (fine + 2)) - sensor[1]
    y = ((2 * cy + 1) << (fine + 2)) - sensor[2]
    z = ((2 * cz + 1) << (fine + 2)) - sensor[3]
    if mode == SPINNING:
        if sensor[4] or sensor[5]:
            azimuth = _turns(x, y)
            x -= sensor[4] * azimuth >> 16
            y -= sensor[5] * azimuth >> 16
        reach = np.int64(np.sqrt(np.float64(x * x + y * y))) + 1
        klass, reference = _leading(reach)
        v = z * reference // reach
        keys[13] = (klass << 5 | n_occ) << 11 | own << 3 | s
        keys[15] = (((klass << 24) + (v >> (fine + 4))) << 5 | n_ex) << 8 | own
        keys[12] = (((klass << 24) + (v >> (fine + 3))) << 8 | own) << 3 | s
        if ring_slopes.size:
            ring, offset, gap = _nearest_ring(ring_slopes, ring_heights, reach, z)
            eighths = min(max((offset >> fine) + 32, 0), 63)
            room = 0
            while room < 7 and gap >> (fine + 3 + room):
                room += 1
            beside = room << 6 | eighths
            keys[10] = (beside << 8 | own) << 3 | s
            keys[11] = ((beside << 6 | faces) << 5 | n_occ) << 3 | s
            keys[14] = ((beside << 5 | n_ex) << 5 | n_unk) << 3 | s
            keys[12] = (((ring << 6 | eighths) << 8) | own) << 3 | s
        else:
            keys[10] = ((klass << 24) + (v >> (fine + 2))) << 1
            keys[11] = (((klass >> 1) << 24) + (v >> (fine + 1))) << 1
            keys[14] = (((klass << 24) + (v >> (fine + 2))) << 6 | faces) << 1
    else:
        a, b, d = x, y, z
        if mode == CAMERA_X or mode == CAMERA_X + 1:
            a, d = z, x
        elif mode == CAMERA_Y or mode == CAMERA_Y + 1:
            b, d = z, y
        reach = max(abs(d), 1)
        klass, reference = _leading(reach)
        u = a * reference // reach
        v = b * reference // reach
        plane = d >> (fine + 3)
        keys[10] = (klass << 24) + (u >> (fine + 1))
        keys[11] = (klass << 24) + (v >> (fine + 1))
        keys[12] = (((klass << 24) + (u >> (fine + 1))) << 6 | faces) << 1
        keys[13] = (((klass << 24) + (v >> (fine + 1))) << 6 | faces) << 1
        keys[14] = (plane << 5 | n_occ) << 5 | n_unk
        keys[15] = (plane << 11 | own << 3 | s) << 1
