"""The descriptor that comes with the package: one trained linear map of shape, colour and an upright patch.

Trained in closed form (`geo3d.registration.training.match_start`), applied with numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.io.atomic import atomic_path
from geo3d.registration import _match
from geo3d.registration.dense.maps import Level
from geo3d.registration.learned.patches import cut_patches

WEIGHTS = "descriptor.safetensors"
# Sharpness of the similarities' softmax; what the training of the network starts from.
SHARPNESS = 20.0
# Points a block: the raw features of all at once would take tens of megabytes.
BLOCK = 500


@dataclass(frozen=True, eq=False)
class LinearDescriptor:
    """unit(W x + bias) of x = 66 shape features, 12 of colour, 6 x 16 x 16 of the patch."""

    W: NDArray[np.float32]
    bias: NDArray[np.float32]


@cache
def load_descriptor() -> LinearDescriptor:
    """The trained descriptor that comes with the package."""
    return descriptor_from_bytes(files("geo3d.registration.learned").joinpath(WEIGHTS).read_bytes())


def descriptor_from_bytes(data: bytes) -> LinearDescriptor:
    """Inverse of `save_descriptor`, on what it wrote."""
    from safetensors.numpy import load

    weights = load(data)
    return LinearDescriptor(weights["W"].astype(np.float32), weights["bias"].astype(np.float32))


def save_descriptor(path: Path, W: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    """Write weights [64, D] and bias [64] as safetensors, the weights in half precision."""
    from safetensors.numpy import save_file

    # safetensors writes an array's memory as it lies, transposed or not.
    weights: dict[str, NDArray[Any]] = {
        "W": np.ascontiguousarray(W, np.float16),
        "bias": np.ascontiguousarray(bias, np.float32),
    }
    with atomic_path(path) as temporary:
        save_file(weights, temporary)


def describe_points(
    level: Level,
    points: NDArray[np.float64],
    normals: NDArray[np.float64],
    shape: NDArray[np.float32],
    color: NDArray[np.float32],
    voxel: float,
    descriptor: LinearDescriptor | None = None,
) -> NDArray[np.float32]:
    """[N, 64] unit descriptors of points in the camera's frame.

    Parameters
    ----------
    level : of the frame's pyramid that patches are cut from.
    shape, color : [N, 66], [N, 12] as in `FrameDescription`.
    descriptor : None: the one that comes with the package.
    """
    d = descriptor or load_descriptor()
    result = np.zeros((len(points), len(d.W)), np.float32)
    for start in range(0, len(points), BLOCK):
        at = slice(start, start + BLOCK)
        patches = cut_patches(level, points[at], normals[at], voxel)
        x = np.concatenate([shape[at], color[at], patches.reshape(len(patches), -1)], axis=1)
        result[at] = x @ d.W.T + d.bias
    return result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-9)


def soft_matches(a: NDArray[np.float32], b: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """[M, 2] best of each row and of each column, and their confidence: the log of a dual softmax, halved.

    Parameters
    ----------
    a, b : [N, D], [M, D] unit descriptors.
    """
    if not len(a) or not len(b):
        return np.zeros((0, 2), np.int64), np.zeros(0)
    similarity = SHARPNESS * (a @ b.T)
    forth, back, rows, columns = _match.dual_softmax(similarity, SHARPNESS)
    ends = [np.stack([np.arange(len(a)), forth], 1), np.stack([back, np.arange(len(b))], 1)]
    pairs = np.unique(np.concatenate(ends), axis=0)
    i, j = pairs.T
    return pairs, (similarity[i, j] - (rows[i] + columns[j]) / 2).astype(np.float64)
