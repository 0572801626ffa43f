"""Counters as vectors against the loop over them one by one."""

import numpy as np
import pytest
from geo3d_compression.entropy.models import counter_update
from geo3d_compression.entropy.registers import FACTS, PLACES, hear, teach
from geo3d_compression.entropy.tables import CONFIDENCE, STRETCH
from geo3d_compression.jpeg.quick import _STRETCH
from geo3d_compression.jpeg.work import WORK_SIZE
from numba import njit


@njit
def _quick(counters, work, slot, memory, bit, limit):
    hear(counters, work, slot, _STRETCH, FACTS, memory, 12, 1, 0, 0, 6, 1)
    teach(counters, work, slot, memory, 1, 0, 0, 6, np.int32(bit), np.int32(limit))


@njit
def _first(counters, work, slot, memory, bit, limit):
    hear(counters, work, slot, STRETCH, FACTS, memory, 16, 3, 0, 0, 8, 0)
    teach(counters, work, slot, memory, 3, 0, 0, 8, np.int32(bit), np.int32(limit))


@njit
def _last(counters, work, slot, memory, bit, limit):
    hear(counters, work, slot, STRETCH, FACTS, memory, 16, 3, 2, 14, 6, 0)
    teach(counters, work, slot, memory, 3, 2, 14, 6, np.int32(bit), np.int32(limit))


@pytest.mark.parametrize(
    ("kernel", "coarse", "blocks", "block", "first", "count", "bias"),
    [(_quick, True, 1, 0, 0, 6, 256), (_first, False, 3, 0, 0, 8, 0), (_last, False, 3, 2, 14, 6, 0)],
)
def test_same_as_the_loop(kernel, coarse, blocks, block, first, count, bias) -> None:
    rng = np.random.default_rng(7)
    edges = np.array([64 << 10, ((1 << 22) - 65) << 10, 1 << 31, (1 << 31) + 1023, (64 << 10) + 249], np.uint32)
    for trial in range(400):
        counters = (rng.integers(64, (1 << 22) - 64, 128) << 10 | rng.integers(0, 400, 128)).astype(np.uint32)
        counters[rng.integers(0, 128, 24)] = rng.choice(edges, 24)
        work = np.zeros(WORK_SIZE, np.int64)
        work[PLACES + first : PLACES + first + count] = 16 * rng.permutation(count)
        slot, bit, limit = int(rng.integers(0, 8)), trial & 1, (30, 250, 1000)[trial % 3]
        memory, expected = np.full((1, 32 * blocks), 9, np.int32), counters.copy()
        logits, others = [], []
        for i in range(count):
            at = work[PLACES + first + i] + slot
            value = int(counters[at])
            sure, p = int(CONFIDENCE[value & 1023]), value >> 16
            logits.append(int(STRETCH[p >> 4 << 4 | 8 if coarse else p]) * sure >> 8)
            others.append((p - 32768) * sure >> 14)
            expected[at] = counter_update(counters[at], bit, limit)
        kernel(counters, work, slot, memory, bit, limit)
        rest = [[bias, 0], [0, 0]] if count == 6 else [[], []]
        assert memory[0, 16 * block : 16 * block + 16].tolist() == [*logits, *rest[0], *others, *rest[1]]
        np.testing.assert_array_equal(counters, expected)
