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
from geo3d_compression.octree.sensor_contexts import SCATTERED, sensor_contexts
from geo3d_compression.octree.surface import surface_contexts

PLAIN_CONTEXTS = 10
CONTEXTS = 16
MAX_NETWORKS = 3
# The contexts, what the surface tells, a constant, what each network believes and what its output layer, trained on
# here, believes, and what the errors around tell.
SURFACE_INPUTS = 2
INPUTS = CONTEXTS + SURFACE_INPUTS + 2 + 2 * MAX_NETWORKS

# The output layer that learns has weights in 1/65536, up to one: sums with `MAX_ACTIVATIONS` bytes fit 32 bits.
ADAPTED_LIMIT = 65535

# Distance from the leaves, as far as the models tell levels apart.
SCALE_CLASSES = 16
_SETS_BY_UNKNOWN = 8 * 20
_SETS_BY_OWN = _SETS_BY_UNKNOWN + 16 * SCALE_CLASSES
WEIGHT_SETS = _SETS_BY_OWN + 256
# Nodes beside, of 26, from which on they say more than the surface on the whole.
_FEW_BESIDE = 3
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
    fits,
    odds,
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
    [n + 1] count too (`feedback`); `fits` [n + 1, 7] and `odds`: see `surface`; `chosen`: the contexts mixed.
    """
    n = neighbours.shape[0] - 1
    inputs = np.zeros(INPUTS, np.int64)
    slots = np.zeros(CONTEXTS, np.int64)
    keys = np.zeros(CONTEXTS, np.int64)
    active = chosen.size
    mode = sensor[0]
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
        m = active
        passing = np.int64(-1)
        if mode == SCATTERED:
            passing = surface_contexts(fits[i], odds, s, own, faces, n_occ, n_ex, keys, inputs, m)
            m += SURFACE_INPUTS
        elif mode:
            sensor_contexts(sensor, ring_slopes, ring_heights, cx, cy, cz, s, own, faces, n_occ, n_unk, n_ex, keys)
        for c in range(active):
            slots[c] = hash_index(keys[chosen[c]] * CONTEXTS + c, table_bits)
            inputs[c] = counter_input(tables[c, slots[c]])
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
        if passing >= 0 and n_ex < _FEW_BESIDE:
            row1 = _SETS_BY_UNKNOWN + passing
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
