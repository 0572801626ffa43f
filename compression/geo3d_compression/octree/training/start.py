"""Where a training goes on from: a checkpoint or a stored network, grown to the sizes of the new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.config import ConfigError
from geo3d_compression.octree.integers import ACTIVATION_SCALE, WEIGHT_SCALE
from geo3d_compression.octree.training.export import BIASES, ON_BITS, ON_SURPRISE
from geo3d_compression.training.loop import averaged_state


def start_from(network: Any, path: Path) -> None:
    """Copy the weights at `path` into `network`, an `nn.OctreeNetwork` of as many channels, units, refreshes or more.

    The function that the old weights compute stays as it is: what is added reaches the old outputs with weight zero,
    and new refreshes and residual convolutions begin as nothing.  Raises ConfigError when the old network is larger or
    refreshes where the new one does not.
    """
    import torch

    stored = _placed(float_weights(path), network.refreshes, path)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in stored:
                axes = _axes(name, tuple(parameter.shape), network.channels)
                old = torch.from_numpy(stored[name])
                old = old.reshape(_axes(name, tuple(old.shape), len(stored["bias2"])))
                target = parameter.view(axes)
                if any(a > b for a, b in zip(old.shape, axes, strict=True)):
                    raise ConfigError(
                        f"{path}: layer {name} is {list(old.shape)}, more than the {list(axes)} of the new"
                    )
                base = name.split(".")[0]
                if base == "out":
                    target[:, old.shape[1] :] = 0
                elif base not in BIASES and base not in ON_BITS:
                    inputs = 0 if base in ("up", "latent_in") else target.dim() - 2
                    added = target.narrow(inputs, old.shape[inputs], axes[inputs] - old.shape[inputs])
                    added[..., : old.shape[-1]] = 0
                target[tuple(slice(n) for n in old.shape)] = old
            else:
                parameter.zero_()


def stored_network(path: Path) -> Any:
    """The network at `path`, of its own sizes, that quantises and learns nothing more."""
    from geo3d_compression.octree.nn.network import OctreeNetwork

    stored = float_weights(path)
    hidden, head = stored["bias_in"].shape[1], stored["bias_middle"].shape[1]
    refreshes = tuple(len(stored[f"own_r.{r}"]) for r in range(sum(n.startswith("own_r.") for n in stored)))
    deep = sum(n.startswith("conv_d.") for n in stored)
    network = OctreeNetwork(len(stored["bias2"]), hidden, head, refreshes, deep, "near" in stored)
    start_from(network, path)
    network.quantise = True
    return network.requires_grad_(False).eval()


def _placed(
    stored: dict[str, NDArray[np.float32]], refreshes: tuple[int, ...], path: Path
) -> dict[str, NDArray[np.float32]]:
    """Layers of refreshes under the numbers that these have among `refreshes`."""
    there = {r: len(stored[f"own_r.{r}"]) for r in range(sum(n.startswith("own_r.") for n in stored))}
    if not set(there.values()) <= set(refreshes):
        raise ConfigError(f"{path} refreshes before stages {list(there.values())}, the new network {list(refreshes)}")
    out = {}
    for name, tensor in stored.items():
        base, _, number = name.partition(".")
        place = refreshes.index(there[int(number)]) if base.endswith("_r") else number
        out[f"{base}.{place}" if number else base] = tensor
    return out


def float_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Weights by name from a Lightning checkpoint (the averaged ones) or from a stored integer network."""
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return {name: _as_float(name, tensor) for name, tensor in load_file(path).items()}
    return {name: tensor.numpy() for name, tensor in averaged_state(path)[0].items()}


def _as_float(name: str, tensor: NDArray[np.integer]) -> NDArray[np.float32]:
    """Mirrors `export.integer_tensors`."""
    base = name.split(".")[0]
    scale = WEIGHT_SCALE * (ACTIVATION_SCALE if base in BIASES or base in ON_BITS else 1)
    if base == "latent_in":
        tensor = tensor.transpose(1, 0, 2).reshape(tensor.shape[1], -1)
    values = tensor / scale
    if base in ON_SURPRISE:
        values[:, -1] *= ACTIVATION_SCALE
    return np.ascontiguousarray(values, dtype=np.float32)


def _axes(name: str, shape: tuple[int, ...], channels: int) -> tuple[int, ...]:
    """The shape of a layer with the axes apart that its matrix joins: offsets and inputs, octants and outputs."""
    base = name.split(".")[0]
    if base in ("conv1", "conv2", "conv_d", "conv_r"):
        return (27, shape[0] // 27, shape[1])
    if base == "up":
        return (channels, 8, channels)
    if base == "latent_in":
        return (channels, 8, shape[1] // 8)
    return shape
