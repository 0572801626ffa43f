# mypy: allow-untyped-defs, no-check-untyped-defs
"""The contexts of a block of nodes, as far as the stage's own octants in it have no part in them.

They are found ahead of the coding, many nodes at a time, so that the waits for their counters, which lie all over the
tables, overlap.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.entropy.models import hash_index
from geo3d_compression.octree.levels import CENTRE, CHILD_COLUMN, CHILD_OCTANT
from geo3d_compression.octree.sensor_contexts import SCATTERED, sensor_contexts
from geo3d_compression.octree.surface import surface_contexts

PLAIN_CONTEXTS = 10
CONTEXTS = 16
# What the surface tells besides contexts.
SURFACE_INPUTS = 2
BLOCK = 64

# Columns of what is found ahead: masks of the 26 octants around the child that are occupied or not yet known; what
# `surface_contexts` returns and its inputs.
OCCUPIED, UNKNOWN, PASSING, TOLD = range(4)
AHEAD = TOLD + SURFACE_INPUTS


def _neighbour_order() -> NDArray[np.int64]:
    """The 26 offsets: 6 faces, 12 edges, 8 corners."""
    offsets = [(abs(k // 9 - 1) + abs(k // 3 % 3 - 1) + abs(k % 3 - 1), k) for k in range(27) if k != CENTRE]
    return np.array([k for _, k in sorted(offsets)], np.int64)


ORDER = _neighbour_order()
FACES = 0x3F


def _octants_around() -> tuple[NDArray[np.int8], NDArray[np.int32], NDArray[np.int32]]:
    """For child s: columns [8, 8] of the nodes that the 26 octants around it lie in; of each of these, by its known
    octants, those of the 26 that are occupied [8, 8, 256]; those of the 26 that are not known before stage s [8, 8]."""
    columns = np.zeros((8, 8), np.int8)
    occupied = np.zeros((8, 8, 256), np.int32)
    unknown = np.zeros((8, 8), np.int32)
    octants = np.arange(256)
    for s in range(8):
        columns[s] = np.unique(CHILD_COLUMN[s])
        for b in range(26):
            a = int(np.flatnonzero(columns[s] == CHILD_COLUMN[s, ORDER[b]])[0])
            child = int(CHILD_OCTANT[s, ORDER[b]])
            # Octants of this stage and later ones are unknown, wherever a node is.
            if child < s:
                occupied[s, a] |= ((octants >> child & 1) << b).astype(np.int32)
            else:
                unknown[s, a] |= 1 << b
    return columns, occupied, unknown


_COLUMNS, _OCCUPIED, _UNKNOWN = _octants_around()


def _pop13s() -> NDArray[np.uint8]:
    return np.array([bin(i).count("1") for i in range(8192)], np.uint8)


POP13 = _pop13s()


@njit(cache=True, nogil=True, inline="always")
def pop(mask):
    return np.int64(POP13[mask & 8191]) + np.int64(POP13[mask >> 13 & 8191])


@njit(cache=True, nogil=True)
def existence(neighbours):
    """Bit masks [n + 1] of which of the 26 neighbours are there."""
    n = neighbours.shape[0] - 1
    masks = np.zeros(n + 1, np.int32)
    for i in range(n):
        mask = 0
        for b in range(26):
            mask |= np.int64(neighbours[i, ORDER[b]] != n) << b
        masks[i] = mask
    return masks


@njit(cache=True, nogil=True)
def earlier_masks(neighbours, starts):
    """Bit masks [n + 1] of which of the 26 neighbours are earlier and of the same part; parts begin at `starts`, the
    last of which is n."""
    n = neighbours.shape[0] - 1
    masks = np.zeros(n + 1, np.int32)
    for part in range(starts.size - 1):
        for i in range(starts[part], starts[part + 1]):
            mask = 0
            for b in range(26):
                mask |= np.int64(starts[part] <= neighbours[i, ORDER[b]] < i) << b
            masks[i] = mask
    return masks


@njit(cache=True, nogil=True)
def look_ahead(
    s,
    first,
    last,
    known,
    neighbours,
    coords,
    exist,
    tables,
    table_bits,
    active,
    sensor,
    ring_slopes,
    ring_heights,
    fits,
    odds,
    found,
    slots,
):
    """Fill `found` [BLOCK, AHEAD] and `slots` [BLOCK, CONTEXTS] for octant `s` of nodes `first` .. `last` - 1.

    Arguments as of `stage.code_stage`; the first `active` contexts are made but 3, 4 and 9
    (`own_contexts`).
    """
    n = neighbours.shape[0] - 1
    mode = sensor[0]
    keys = np.zeros(CONTEXTS, np.int64)
    told = np.zeros(SURFACE_INPUTS, np.int64)
    touched = np.uint32(0)
    for i in range(first, last):
        own = np.int64(known[i])
        if s == 7 and own == 0:
            continue
        occ = np.int64(0)
        unk = np.int64(0)
        ex = np.int64(exist[i])
        # Without branches: absent nodes are node n, which is empty.
        for a in range(8):
            q = neighbours[i, _COLUMNS[s, a]]
            occ |= _OCCUPIED[s, a, known[q]]
            unk |= _UNKNOWN[s, a] * np.int64(q != n)
        n_occ = pop(occ)
        n_unk = pop(unk)
        n_ex = pop(ex)
        faces = pop(occ & FACES) << 3 | pop(unk & FACES)
        cx = 2 * np.int64(coords[i, 0]) + (s >> 2)
        cy = 2 * np.int64(coords[i, 1]) + (s >> 1 & 1)
        cz = 2 * np.int64(coords[i, 2]) + (s & 1)
        keys[0] = (occ << 26 | unk) << 3 | s
        keys[1] = ((occ & 0x3FFFF) << 18 | (unk & 0x3FFFF)) << 3 | s
        keys[2] = (((occ & 63) << 6 | (unk & 63)) << 8 | own) << 3 | s
        keys[5] = (cx << 6 | faces) << 3 | s
        keys[6] = (cy << 6 | faces) << 3 | s
        keys[7] = (cz << 6 | faces) << 3 | s
        keys[8] = ((ex & 0x3FFFF) << 8 | own) << 3 | s
        passing = np.int64(-1)
        if mode == SCATTERED:
            passing = surface_contexts(fits[i], odds, s, own, faces, n_occ, n_ex, keys, told)
        elif mode:
            sensor_contexts(sensor, ring_slopes, ring_heights, cx, cy, cz, s, own, faces, n_occ, n_unk, n_ex, keys)
        row = i - first
        for c in range(active):
            slot = hash_index(keys[c] * CONTEXTS + c, table_bits)
            slots[row, c] = slot
            # Read only to have it near when the node is coded.
            touched ^= tables[c, slot]
        found[row, OCCUPIED] = occ
        found[row, UNKNOWN] = unk
        found[row, PASSING] = passing
        for k in range(SURFACE_INPUTS):
            found[row, TOLD + k] = told[k]
    return touched


@njit(cache=True, nogil=True, inline="always")
def own_contexts(s, own, ex, known, neighbours, i, occ, unk, earlier, table_bits, slots):
    """Contexts 3, 4 and 9 of node `i`, which ask for octant `s` of the nodes around it that are `earlier`."""
    same = np.int64(0)
    for b in range(26):
        same |= (np.int64(known[neighbours[i, ORDER[b]]]) >> s & 1) << b
    same &= earlier
    third = ((same & 0x3FFFF) << 18 | (earlier & 0x3FFFF)) << 8 | own
    fourth = ((same & 63) << 6 | (earlier & 63)) << 14 | ((occ & 63) << 6 | (unk & 63)) << 3 | s
    slots[3] = hash_index(third * CONTEXTS + 3, table_bits)
    slots[4] = hash_index(fourth * CONTEXTS + 4, table_bits)
    slots[9] = hash_index((((same & FACES) << 26 | ex) << 3 | s) * CONTEXTS + 9, table_bits)
