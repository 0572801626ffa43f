"""A trained prior's integers, as the codec loads them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.volume.prior.state import ACTIVATION_SCALE, WEIGHT_SCALE, check_bounds


def integer_tensors(state: dict[str, Any]) -> dict[str, NDArray[np.int32]]:
    """Integer weights of a `PriorNetwork.state_dict()`; raises when their sums could leave the exact range."""
    out = {}
    for name, tensor in state.items():
        unit = WEIGHT_SCALE * (ACTIVATION_SCALE if name.endswith("bias") else 1)
        # Halves up, as in training.
        integers = np.floor(tensor.detach().double().numpy() * unit + 0.5).astype(np.int32)
        # Convolutions: [out, in, 3, 3] -> [3, 3, in, out].
        out[name] = np.ascontiguousarray(integers.transpose(2, 3, 1, 0)) if integers.ndim == 4 else integers
    check_bounds(out)
    return out
