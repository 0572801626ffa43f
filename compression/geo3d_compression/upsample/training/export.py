"""A trained network's integers, as the codec loads them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.integers import ACTIVATION_SCALE, WEIGHT_SCALE
from geo3d_compression.upsample.network import check_bounds

# What multiplies activations; everything else is added to sums.
_MATRICES = (
    "parent_conv1", "parent_conv2", "conv1", "conv2", "conv3", "down", "cell_in", "middle", "out",
)  # fmt: skip


def integer_tensors(state: dict[str, Any]) -> dict[str, NDArray[np.int32]]:
    """Integer weights of an `UpsampleNetwork.state_dict()`; raises when their sums could leave the exact range."""
    out = {}
    for name, tensor in state.items():
        unit = WEIGHT_SCALE if name in _MATRICES else WEIGHT_SCALE * ACTIVATION_SCALE
        # Halves up, as in training.
        out[name] = np.floor(tensor.detach().double().numpy() * unit + 0.5).astype(np.int32)
    check_bounds(out)
    return out
