# mypy: allow-untyped-defs, no-check-untyped-defs
"""The integers that networks of voxels compute with, and how their kernels share the work.

Activations are integers / 32 in [0, 255 / 32], weights integers / 256, so that sums are in 1 / 8192; they stay below
2^24 in magnitude, where float32 is exact in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit

ACTIVATION_SCALE = 32
WEIGHT_SCALE = 256
ACTIVATION_MAX = 255
EXACT_LIMIT = 1 << 24

# Logits leave in steps of 1/256 as the mixer wants them, clipped to its domain.
LOGIT_SHIFT = 5
LOGIT_LIMIT = 2815

BLOCK_NODES = 4096


@njit(cache=True, nogil=True, inline="always")
def to_activation(total):
    """A sum in 1 / 8192 as an activation: rounded, in [0, 255]."""
    x = np.floor((total + np.float32(128)) * np.float32(1 / 256))
    return min(max(x, np.float32(0)), np.float32(255))


def in_blocks(kernel: Callable[..., None], nodes: int, block: int, threads: int, *arguments: Any) -> None:
    """`kernel(first, last, *arguments)` on all nodes, block by block, on several threads when it pays."""
    if threads < 2 or nodes <= block:
        kernel(0, nodes, *arguments)
        return
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(kernel, a, min(nodes, a + block), *arguments) for a in range(0, nodes, block)]
        for job in jobs:
            job.result()
