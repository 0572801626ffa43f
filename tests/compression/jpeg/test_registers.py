"""Six counters as vectors against the loop over them one by one."""

import numpy as np
from geo3d_compression.entropy.models import counter_update
from geo3d_compression.entropy.tables import CONFIDENCE, STRETCH
from geo3d_compression.jpeg.quick import _STRETCH
from geo3d_compression.jpeg.registers import FACTS, MEMORY, SIX, hear, teach
from geo3d_compression.jpeg.work import PLACES, WORK_SIZE
from numba import njit


@njit
def _both(counters, work, slot, memory, bit, limit):
    hear(counters, work, slot, _STRETCH, FACTS, memory)
    teach(counters, work, slot, memory, np.int32(bit), np.int32(limit))


def test_same_as_the_loop() -> None:
    rng = np.random.default_rng(7)
    edges = np.array([64 << 10, ((1 << 22) - 65) << 10, 1 << 31, (1 << 31) + 1023, (64 << 10) + 249], np.uint32)
    for trial in range(400):
        counters = (rng.integers(64, (1 << 22) - 64, 96) << 10 | rng.integers(0, 400, 96)).astype(np.uint32)
        counters[rng.integers(0, 96, 24)] = rng.choice(edges, 24)
        work = np.zeros(WORK_SIZE, np.int64)
        work[PLACES : PLACES + SIX] = 16 * rng.permutation(SIX)
        slot, bit, limit = int(rng.integers(0, 8)), trial & 1, (30, 250, 1000)[trial % 3]
        memory, expected = np.full((1, MEMORY), 9, np.int32), counters.copy()
        logits, others = [], []
        for i in range(SIX):
            at = work[PLACES + i] + slot
            value = int(counters[at])
            sure, p = int(CONFIDENCE[value & 1023]), value >> 16
            logits.append(int(STRETCH[p >> 4 << 4 | 8]) * sure >> 8)
            others.append((p - 32768) * sure >> 14)
            expected[at] = counter_update(counters[at], bit, limit)
        _both(counters, work, slot, memory, bit, limit)
        assert memory[0, :16].tolist() == [*logits, 256, 0, *others, 0, 0]
        np.testing.assert_array_equal(counters, expected)
