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
from geo3d_compression.octree.levels import CENTRE, CHILD_COLUMN, CHILD_OCTANT

CONTEXTS = 18
INPUTS = CONTEXTS + 2

# Distance from the leaves, as far as the models tell levels apart.
SCALE_CLASSES = 16
_SETS_BY_UNKNOWN = 8 * 20
WEIGHT_SETS = _SETS_BY_UNKNOWN + 16 * SCALE_CLASSES
_APMS_BY_FACES = 8 * 56
APM_CONTEXTS = _APMS_BY_FACES + 27 * SCALE_CLASSES


def _neighbour_order() -> NDArray[np.int64]:
    """The 26 offsets: 6 faces, 12 edges, 8 corners."""
    offsets = [(abs(k // 9 - 1) + abs(k // 3 % 3 - 1) + abs(k % 3 - 1), k) for k in range(27) if k != CENTRE]
    return np.array([k for _, k in sorted(offsets)], np.int64)


ORDER = _neighbour_order()
FACES, EDGES, CORNERS = 0x3F, 0x3FFC0, 0x3FC0000


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


@njit(cache=True, nogil=True)
def code_level(
    state,
    buffer,
    encode,
    occupancy,
    neighbours,
    coords,
    parent,
    octant,
    parent_occupancy,
    exist,
    tables,
    table_bits,
    weights,
    apms,
    scale_class,
    limit_nodes,
    logits,
    use_logits,
    rate,
):
    """Code `occupancy` [n + 1] of a level; returns its number of children, or -1 beyond `limit_nodes`."""
    n = neighbours.shape[0] - 1
    known = np.zeros(n + 1, np.uint8)
    inputs = np.zeros(INPUTS, np.int64)
    slots = np.zeros(CONTEXTS, np.int64)
    keys = np.zeros(CONTEXTS, np.int64)
    children = 0
    for s in range(8):
        for i in range(n):
            own = np.int64(known[i])
            if s == 7 and own == 0:
                bit = 1
                known[i] = 128
                children += 1
                if children > limit_nodes:
                    return -1
                continue
            occ = np.int64(0)
            unk = np.int64(0)
            same = np.int64(0)
            same_known = np.int64(0)
            ex = exist[i]
            for b in range(26):
                k = ORDER[b]
                if ex >> b & 1:
                    j = neighbours[i, k]
                    if j < i:
                        same_known |= 1 << b
                        same |= np.int64(known[j] >> s & 1) << b
                q = neighbours[i, CHILD_COLUMN[s, k]]
                if q != n:
                    oo = CHILD_OCTANT[s, k]
                    if oo < s:
                        occ |= np.int64(known[q] >> oo & 1) << b
                    else:
                        unk |= np.int64(1) << b
            pocc = np.int64(parent_occupancy[parent[i]])
            oct = np.int64(octant[i])
            n_occ = _pop(occ)
            n_unk = _pop(unk)
            n_ex = _pop(ex)
            f_occ = _pop(occ & FACES)
            f_unk = _pop(unk & FACES)
            e_occ = _pop(occ & EDGES)
            cx = 2 * np.int64(coords[i, 0]) + (s >> 2)
            cy = 2 * np.int64(coords[i, 1]) + (s >> 1 & 1)
            cz = 2 * np.int64(coords[i, 2]) + (s & 1)
            keys[0] = (occ << 26 | unk) << 3 | s
            keys[1] = ((occ & 0x3FFFF) << 18 | (unk & 0x3FFFF)) << 3 | s
            keys[2] = (((occ & 63) << 6 | (unk & 63)) << 8 | own) << 3 | s
            keys[3] = ((ex << 8) | own) << 3 | s
            keys[4] = ((((ex & 63) << 8 | own) << 8 | pocc) << 3 | oct) << 3 | s
            keys[5] = ((((n_occ << 5 | n_unk) << 5 | n_ex) << 3 | f_occ) << 3 | f_unk) << 3 | s
            keys[6] = ((same & 0x3FFFF) << 18 | (same_known & 0x3FFFF)) << 8 | own
            keys[7] = ((same & 63) << 6 | (same_known & 63)) << 14 | ((occ & 63) << 6 | (unk & 63)) << 3 | s
            keys[8] = (cz << 6 | f_occ << 3 | f_unk) << 3 | s
            keys[9] = (cx << 6 | f_occ << 3 | f_unk) << 3 | s
            keys[10] = (cy << 6 | f_occ << 3 | f_unk) << 3 | s
            keys[11] = ((ex & 0x3FFFF) << 8 | own) << 3 | s
            keys[12] = (((n_occ << 5 | n_unk) << 8 | own) << 4 | scale_class) << 3 | s
            keys[13] = (((_pop(ex & FACES) << 4 | _pop(ex & EDGES)) << 8 | own) << 6 | (occ & FACES)) << 3 | s
            keys[14] = ((occ & 0x3FFFF) << 6 | n_ex) << 3 | s
            keys[15] = (((e_occ << 5 | f_occ << 2) << 6 | n_ex) << 8 | own) << 3 | s
            keys[16] = ((same & FACES) << 26 | ex) << 3 | s
            keys[17] = ((((_pop(same) << 5) | _pop(same_known)) << 5 | n_occ) << 5 | n_unk) << 3 | s
            for c in range(CONTEXTS):
                slots[c] = hash_index(keys[c] * CONTEXTS + c, table_bits)
                inputs[c] = counter_input(tables[c, slots[c]])
            inputs[CONTEXTS] = 256
            m = CONTEXTS + 1
            if use_logits:
                inputs[m] = logits[s, i]
                m += 1
            row0 = min(n_unk, 19) * 8 + s
            row1 = _SETS_BY_UNKNOWN + min(n_occ, 15) * 16 + scale_class
            x0 = mixer_dot(weights, row0, inputs, m)
            x1 = mixer_dot(weights, row1, inputs, m)
            p0 = squash(x0)
            p1 = squash(x1)
            x = (x0 + x1) >> 1
            a0 = (f_occ * 7 + f_unk) * 8 + s
            a1 = _APMS_BY_FACES + scale_class * 27 + n_ex
            pm = squash(x)
            p = (2 * pm + apm_refine(apms, a0, x) + apm_refine(apms, a1, x) + 2) >> 2
            p = min(max(p, 3), 65533)
            bit = code_bit(state, buffer, p, np.int64(occupancy[i] >> s & 1), encode)
            if bit:
                known[i] |= 1 << s
                children += 1
                if children > limit_nodes:
                    return -1
            for c in range(CONTEXTS):
                tables[c, slots[c]] = counter_update(tables[c, slots[c]], bit, 255)
            mixer_update(weights, row0, inputs, m, (bit << 16) - p0, rate)
            mixer_update(weights, row1, inputs, m, (bit << 16) - p1, rate)
            apm_update(apms, a0, x, bit, 6)
            apm_update(apms, a1, x, bit, 6)
    if not encode:
        for i in range(n):
            occupancy[i] = known[i]
    return children
