# mypy: allow-untyped-defs, no-check-untyped-defs
"""One level's occupancy bits, coded octant by octant over all nodes, under online mixed contexts.

Stage s codes child `s` of every node of the level in Morton order (lockstep), so that a child sees the octants < s of
*all* 26 neighbouring nodes, those that come later in Morton order too, and the same octant of earlier nodes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import (
    apm_refine,
    apm_update,
    counter_input,
    counter_update,
    hash_index,
    mixer_dot,
    mixer_update,
    squash,
)
from geo3d_compression.entropy.tables import STRETCH_LIMIT
from geo3d_compression.octree.feedback import learn_from_error, told_by_errors
from geo3d_compression.octree.head import MAX_ACTIVATIONS, causal_logit, surprise_of
from geo3d_compression.octree.levels import CENTRE, CHILD_COLUMN, CHILD_OCTANT
from geo3d_compression.octree.rings import SLOPE_BITS

PLAIN_CONTEXTS = 10
CONTEXTS = 16
MAX_NETWORKS = 3
# The contexts, a constant, what each network believes and what its output layer, trained on here, believes, and what
# the errors around tell.
INPUTS = CONTEXTS + 2 + 2 * MAX_NETWORKS

# The output layer that learns has weights in 1/65536, up to one: sums with `MAX_ACTIVATIONS` bytes fit 32 bits.
ADAPTED_LIMIT = 65535

# Where the sensor stood: nowhere known; turning about z; looking along +x, -x, +y, -y, +z, -z.
NO_SENSOR, SPINNING, CAMERA_X, CAMERA_Y, CAMERA_Z = 0, 1, 2, 4, 6
SENSOR_MODES = 8

# Distance from the leaves, as far as the models tell levels apart.
SCALE_CLASSES = 16
_SETS_BY_UNKNOWN = 8 * 20
_SETS_BY_OWN = _SETS_BY_UNKNOWN + 16 * SCALE_CLASSES
WEIGHT_SETS = _SETS_BY_OWN + 256
_APMS_BY_FACES = 8 * 56
APM_CONTEXTS = _APMS_BY_FACES + 27 * SCALE_CLASSES


def _neighbour_order() -> NDArray[np.int64]:
    """The 26 offsets: 6 faces, 12 edges, 8 corners."""
    offsets = [(abs(k // 9 - 1) + abs(k // 3 % 3 - 1) + abs(k % 3 - 1), k) for k in range(27) if k != CENTRE]
    return np.array([k for _, k in sorted(offsets)], np.int64)


ORDER = _neighbour_order()
FACES = 0x3F


def _pop26() -> NDArray[np.uint8]:
    return np.array([bin(i).count("1") for i in range(8192)], np.uint8)


POP13 = _pop26()


@njit(cache=True, nogil=True, inline="always")
def _pop(mask):
    return np.int64(POP13[mask & 8191]) + np.int64(POP13[mask >> 13 & 8191])


@njit(cache=True, nogil=True)
def existence(neighbours):
    """Bit masks [n + 1] of which of the 26 neighbours are there."""
    n = neighbours.shape[0] - 1
    masks = np.zeros(n + 1, np.int64)
    for i in range(n):
        mask = 0
        for b in range(26):
            if neighbours[i, ORDER[b]] != n:
                mask |= 1 << b
        masks[i] = mask
    return masks


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
def _adapted_dot(adapted, s, activations, i, first, last):
    """What a network's learnt layer adds to its logit of node `i`, in 1/256; activations are in 1/32."""
    total = np.int32(0)
    for j in range(first, last):
        total += adapted[s, j] * np.int32(activations[i, j])
    return np.int64(total >> 13)


@njit(cache=True, nogil=True, inline="always")
def _adapted_update(adapted, s, activations, i, first, last, error):
    """Gradient step of 2^-8 on the coding cost.  `error` = bit * 65536 - p."""
    step = np.int32(error >> 4)
    for j in range(first, last):
        moved = adapted[s, j] + (step * np.int32(activations[i, j]) >> 9)
        adapted[s, j] = min(max(moved, -ADAPTED_LIMIT), ADAPTED_LIMIT)


@njit(cache=True, nogil=True)
def code_stage(
    state,
    buffer,
    encode,
    s,
    start,
    first,
    last,
    occupancy,
    known,
    neighbours,
    coords,
    exist,
    tables,
    table_bits,
    weights,
    apms,
    scale,
    sensor,
    ring_slopes,
    ring_heights,
    logits,
    activations,
    bounds,
    heads,
    earlier,
    surprise,
    errors,
    feedback,
    adapted,
    chosen,
    rate,
    budget,
):
    """Code octant `s` of nodes `first` .. `last` - 1 into `known` [n + 1]; returns how many are set, -1 above `budget`.

    Of nodes from `start` to the one coded octant `s` is read, of others only those before it: parts of a level with a
    `start` of their own can be coded at the same time.

    `sensor`: [mode, x, y, z, vx, vy in eighths of a leaf cell, log2 of leaf cells in a child];
    `logits` [K, n] of K networks; `activations` [n, A]: their hidden layers side by side, network k's from `bounds[k]`
    to `bounds[k + 1]`, from which `adapted` [8, A] learns what to add to its logit; `heads` of causal networks make
    both anew, from `earlier` nodes and their `surprise` [K, n + 1]; where earlier nodes are given, their `errors`
    [n + 1] count too (`feedback`); `chosen`: the contexts mixed.
    """
    n = neighbours.shape[0] - 1
    inputs = np.zeros(INPUTS, np.int64)
    slots = np.zeros(CONTEXTS, np.int64)
    keys = np.zeros(CONTEXTS, np.int64)
    active = chosen.size
    mode = sensor[0]
    fine = sensor[6]
    networks = logits.shape[0]
    watched = earlier.ends.size > 1
    believed = np.zeros(MAX_NETWORKS, np.int64)
    base = np.zeros(MAX_NETWORKS, np.int64)
    hidden = np.zeros(MAX_ACTIVATIONS, heads[0].sums.dtype)
    hidden_top = np.zeros(MAX_ACTIVATIONS, heads[0].sums.dtype)
    column = np.zeros(26, np.int64)
    child = np.zeros(26, np.int64)
    for b in range(26):
        column[b] = CHILD_COLUMN[s, ORDER[b]]
        child[b] = CHILD_OCTANT[s, ORDER[b]]
    children = 0
    for i in range(first, last):
        own = np.int64(known[i])
        if s == 7 and own == 0:
            known[i] = 128
            children += 1
            if children > budget:
                return -1
            continue
        occ = np.int64(0)
        unk = np.int64(0)
        same = np.int64(0)
        same_known = np.int64(0)
        ex = exist[i]
        # Without branches: absent nodes are node n, which is empty and not earlier than any.
        for b in range(26):
            j = neighbours[i, ORDER[b]]
            before = np.int64(start <= j < i)
            same_known |= before << b
            same |= (np.int64(known[j]) >> s & before) << b
            q = neighbours[i, column[b]]
            # Octants of this stage and later ones are unknown, wherever a node is.
            decided = np.int64(child[b] < s)
            occ |= (np.int64(known[q]) >> child[b] & decided) << b
            unk |= (np.int64(q != n) & (1 - decided)) << b
        n_occ = _pop(occ)
        n_unk = _pop(unk)
        n_ex = _pop(ex)
        f_occ = _pop(occ & FACES)
        f_unk = _pop(unk & FACES)
        faces = f_occ << 3 | f_unk
        cx = 2 * np.int64(coords[i, 0]) + (s >> 2)
        cy = 2 * np.int64(coords[i, 1]) + (s >> 1 & 1)
        cz = 2 * np.int64(coords[i, 2]) + (s & 1)
        keys[0] = (occ << 26 | unk) << 3 | s
        keys[1] = ((occ & 0x3FFFF) << 18 | (unk & 0x3FFFF)) << 3 | s
        keys[2] = (((occ & 63) << 6 | (unk & 63)) << 8 | own) << 3 | s
        keys[3] = ((same & 0x3FFFF) << 18 | (same_known & 0x3FFFF)) << 8 | own
        keys[4] = ((same & 63) << 6 | (same_known & 63)) << 14 | ((occ & 63) << 6 | (unk & 63)) << 3 | s
        keys[5] = (cx << 6 | faces) << 3 | s
        keys[6] = (cy << 6 | faces) << 3 | s
        keys[7] = (cz << 6 | faces) << 3 | s
        keys[8] = ((ex & 0x3FFFF) << 8 | own) << 3 | s
        keys[9] = ((same & FACES) << 26 | ex) << 3 | s
        if mode:
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
        for c in range(active):
            slots[c] = hash_index(keys[chosen[c]] * CONTEXTS + c, table_bits)
            inputs[c] = counter_input(tables[c, slots[c]])
        m = active
        inputs[m] = 256
        m += 1
        for k in range(networks):
            if heads[k].sums.shape[0]:
                base[k] = logits[k, i]
                of_k = surprise[k]
                logits[k, i] = causal_logit(
                    heads[k], s, known, of_k, earlier, start, i, i - first, activations, bounds[k], hidden, hidden_top
                )
            learnt = np.int64(logits[k, i]) + _adapted_dot(adapted, s, activations, i, bounds[k], bounds[k + 1])
            believed[k] = min(max(learnt, -STRETCH_LIMIT), STRETCH_LIMIT)
            inputs[m] = believed[k]
            inputs[m + 1] = logits[k, i]
            m += 2
        if watched:
            inputs[m] = told_by_errors(feedback, s, earlier, start, errors, i)
            m += 1
        row0 = min(n_unk, 19) * 8 + s
        row1 = _SETS_BY_UNKNOWN + min(n_occ, 15) * 16 + scale
        row2 = _SETS_BY_OWN + own
        x0 = mixer_dot(weights, row0, inputs, m)
        x1 = mixer_dot(weights, row1, inputs, m)
        x2 = mixer_dot(weights, row2, inputs, m)
        mixed = (x0 + x1 + x2) // 3
        a0 = (f_occ * 7 + f_unk) * 8 + s
        a1 = _APMS_BY_FACES + scale * 27 + n_ex
        p = (2 * squash(mixed) + apm_refine(apms, a0, mixed) + apm_refine(apms, a1, mixed) + 2) >> 2
        p = min(max(p, 3), 65533)
        bit = code_bit(state, buffer, p, np.int64(occupancy[i] >> s & 1), encode)
        if bit:
            known[i] |= 1 << s
            children += 1
            if children > budget:
                return -1
        for k in range(networks):
            error = (bit << 16) - squash(believed[k])
            _adapted_update(adapted, s, activations, i, bounds[k], bounds[k + 1], error)
            if heads[k].sums.shape[0]:
                surprise[k, i] = surprise_of(base[k], bit)
        if watched:
            learn_from_error(feedback, s, earlier, start, errors, i, (bit << 16) - p)
        for c in range(active):
            tables[c, slots[c]] = counter_update(tables[c, slots[c]], bit, 255)
        mixer_update(weights, row0, inputs, m, (bit << 16) - squash(x0), rate)
        mixer_update(weights, row1, inputs, m, (bit << 16) - squash(x1), rate)
        mixer_update(weights, row2, inputs, m, (bit << 16) - squash(x2), rate)
        apm_update(apms, a0, mixed, bit, 6)
        apm_update(apms, a1, mixed, bit, 6)
    return children
