# mypy: allow-untyped-defs, no-check-untyped-defs
"""One level's occupancy bits, coded octant by octant over all nodes, under online mixed contexts.

Stage s codes child `s` of every node of the level in Morton order (lockstep), so that a child sees the octants < s of
*all* 26 neighbouring nodes, those that come later in Morton order too, and the same octant of earlier nodes.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from geo3d_compression.entropy.coder import code_bit
from geo3d_compression.entropy.models import (
    apm_refine,
    apm_update,
    counter_input,
    counter_update,
    mixer_dot,
    mixer_update,
    squash,
)
from geo3d_compression.entropy.tables import STRETCH_LIMIT
from geo3d_compression.octree.contexts import (
    AHEAD,
    BLOCK,
    CONTEXTS,
    FACES,
    OCCUPIED,
    PASSING,
    SURFACE_INPUTS,
    TOLD,
    UNKNOWN,
    look_ahead,
    own_contexts,
    pop,
)
from geo3d_compression.octree.feedback import learn_from_error, told_by_errors
from geo3d_compression.octree.head import MAX_ACTIVATIONS, MAX_ROWS, causal_logit, surprise_of
from geo3d_compression.octree.sensor_contexts import SCATTERED

MAX_NETWORKS = 3
# The contexts, what the surface tells, a constant, what each network believes and what its output layer, trained on
# here, believes, and what the errors around tell.
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


@njit(cache=True, nogil=True, inline="always")
def _adapted_dot(adapted, activations):
    """What a network's learnt layer [A] adds to its logit, in 1/256; `activations` [A] are in 1/32."""
    total = np.int32(0)
    for j in range(adapted.shape[0]):
        total = np.int32(total + np.int32(adapted[j] * np.int32(activations[j])))
    return np.int64(total >> 13)


@njit(cache=True, nogil=True, inline="always")
def _adapted_update(adapted, activations, error):
    """Gradient step of 2^-8 on the coding cost.  `error` = bit * 65536 - p."""
    step = np.int32(error >> 4)
    for j in range(adapted.shape[0]):
        moved = np.int32(adapted[j] + (np.int32(step * np.int32(activations[j])) >> 9))
        adapted[j] = min(max(moved, np.int32(-ADAPTED_LIMIT)), np.int32(ADAPTED_LIMIT))


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
    before,
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
    active,
    rate,
    budget,
):
    """Code octant `s` of nodes `first` .. `last` - 1 into `known` [n + 1]; returns how many are set, -1 above `budget`.

    Of nodes from `start` to the one coded octant `s` is read, of others only those before it: parts of a level with a
    `start` of their own can be coded at the same time.

    `exist`, `before` [n + 1]: masks of which neighbours are there, and which are earlier and not before `start`;
    `sensor`: [mode, x, y, z, vx, vy in eighths of a leaf cell, log2 of leaf cells in a child];
    `logits` [K, n] of K networks; `activations` [n, A]: their hidden layers side by side, network k's from `bounds[k]`
    to `bounds[k + 1]`, from which `adapted` [8, A] learns what to add to its logit; `heads` of causal networks make
    both anew, from `earlier` nodes and their `surprise` [K, n + 1]; where earlier nodes are given, their `errors`
    [n + 1] count too (`feedback`); `fits` [n + 1, 7] and `odds`: see `surface`; `active` contexts are mixed.
    """
    inputs = np.zeros(INPUTS, np.int64)
    slots = np.zeros((BLOCK, CONTEXTS), np.int64)
    found = np.zeros((BLOCK, AHEAD), np.int64)
    told = SURFACE_INPUTS if sensor[0] == SCATTERED else 0
    networks = logits.shape[0]
    watched = earlier.ends.size > 1
    believed = np.zeros(MAX_NETWORKS, np.int64)
    base = np.zeros(MAX_NETWORKS, np.int64)
    hidden = np.zeros(MAX_ACTIVATIONS, heads[0].sums.dtype)
    hidden_top = np.zeros(MAX_ACTIVATIONS, heads[0].sums.dtype)
    rows = np.zeros(MAX_ROWS, np.int64)
    factors = np.zeros(MAX_ROWS, heads[0].sums.dtype)
    children = 0
    for i in range(first, last):
        row = (i - first) % BLOCK
        if row == 0:
            look_ahead(
                s,
                i,
                min(i + BLOCK, last),
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
            )
        own = np.int64(known[i])
        if s == 7 and own == 0:
            known[i] = 128
            children += 1
            if children > budget:
                return -1
            continue
        at = slots[row]
        occ, unk = found[row, OCCUPIED], found[row, UNKNOWN]
        own_contexts(s, own, np.int64(exist[i]), known, neighbours, i, occ, unk, np.int64(before[i]), table_bits, at)
        n_occ = pop(occ)
        n_unk = pop(unk)
        n_ex = pop(np.int64(exist[i]))
        for c in range(active):
            inputs[c] = counter_input(tables[c, at[c]])
        m = active
        for k in range(told):
            inputs[m] = found[row, TOLD + k]
            m += 1
        inputs[m] = 256
        m += 1
        for k in range(networks):
            if heads[k].sums.shape[0]:
                base[k] = logits[k, i]
                of_k = surprise[k]
                logits[k, i] = causal_logit(
                    heads[k],
                    s,
                    known,
                    of_k,
                    earlier,
                    start,
                    i,
                    i - first,
                    activations[i, bounds[k] :],
                    hidden,
                    hidden_top,
                    rows,
                    factors,
                )
            learnt = np.int64(logits[k, i]) + _adapted_dot(
                adapted[s, bounds[k] : bounds[k + 1]], activations[i, bounds[k] : bounds[k + 1]]
            )
            believed[k] = min(max(learnt, -STRETCH_LIMIT), STRETCH_LIMIT)
            inputs[m] = believed[k]
            inputs[m + 1] = logits[k, i]
            m += 2
        if watched:
            inputs[m] = told_by_errors(feedback, s, earlier, start, errors, i)
            m += 1
        row0 = min(n_unk, 19) * 8 + s
        row1 = _SETS_BY_UNKNOWN + min(n_occ, 15) * 16 + scale
        if found[row, PASSING] >= 0 and n_ex < _FEW_BESIDE:
            row1 = _SETS_BY_UNKNOWN + found[row, PASSING]
        row2 = _SETS_BY_OWN + own
        x0 = mixer_dot(weights, row0, inputs, m)
        x1 = mixer_dot(weights, row1, inputs, m)
        x2 = mixer_dot(weights, row2, inputs, m)
        mixed = (x0 + x1 + x2) // 3
        a0 = (pop(occ & FACES) * 7 + pop(unk & FACES)) * 8 + s
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
            _adapted_update(adapted[s, bounds[k] : bounds[k + 1]], activations[i, bounds[k] : bounds[k + 1]], error)
            if heads[k].sums.shape[0]:
                surprise[k, i] = surprise_of(base[k], bit)
        if watched:
            learn_from_error(feedback, s, earlier, start, errors, i, (bit << 16) - p)
        for c in range(active):
            tables[c, at[c]] = counter_update(tables[c, at[c]], bit, 255)
        mixer_update(weights, row0, inputs, m, (bit << 16) - squash(x0), rate)
        mixer_update(weights, row1, inputs, m, (bit << 16) - squash(x1), rate)
        mixer_update(weights, row2, inputs, m, (bit << 16) - squash(x2), rate)
        apm_update(apms, a0, mixed, bit, 6)
        apm_update(apms, a1, mixed, bit, 6)
    return children
