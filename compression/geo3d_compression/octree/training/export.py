"""A trained network's integers, as the codec loads them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.octree.integers import ACTIVATION_SCALE, WEIGHT_SCALE
from geo3d_compression.octree.network import check_bounds

BIASES = (
    *("up_bias", "density", "bias2", "bias_d", "bias_r", "own_bias", "own_bias_r"),
    *("bias_in", "bias_middle", "bias_out"),
)
# How a partner's logits were mixed in: the coder learns that anew.
ONLY_TRAINED = ("mix",)
# Their inputs are bits, not activations, so they carry the activations' scale too.
ON_BITS = ("exist1", "exist2", "own", "own_r", "known_in", "near", "far")
# The last of their rows have an activation's scale again.
ON_SURPRISE = ("near", "far")


def integer_tensors(state: dict[str, Any]) -> dict[str, NDArray[np.int32]]:
    """Integer weights of an `OctreeNetwork.state_dict()`; raises when their sums could leave the exact range."""
    out = {}
    for name, tensor in state.items():
        if name in ONLY_TRAINED:
            continue
        value = tensor.detach().double().numpy()
        base = name.split(".")[0]
        if base in BIASES:
            integer = np.round(value * WEIGHT_SCALE * ACTIVATION_SCALE)
        else:
            integer = np.round(value * WEIGHT_SCALE) * (ACTIVATION_SCALE if base in ON_BITS else 1)
        if base in ON_SURPRISE:
            integer[:, -1] /= ACTIVATION_SCALE
        out[name] = integer.astype(np.int32)
    C = out["conv1"].shape[1]
    out["latent_in"] = np.ascontiguousarray(out["latent_in"].reshape(C, 8, -1).transpose(1, 0, 2))
    check_bounds(out)
    return out
