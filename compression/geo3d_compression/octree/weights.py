"""Weights that ship with the package, found by profile and named by content."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The sets of networks of each profile; a stream says by number which set it was coded with.  See `choice`.
NETWORKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "fast": (("fast",), ("fast-dense",)),
    "best": (("best",), ("best", "best-dense", "best-causal")),
}
_ODDS = "surface"
_FOLDER = Path(__file__).parent / "weights"


def load_weights(profile: str, number: int = 0) -> list[dict[str, NDArray[Any]]]:
    """Integer tensors of the networks of a profile's set, read once a process."""
    return [_load(name) for name in NETWORKS[profile][number]]


def load_odds() -> NDArray[np.int32]:
    """How likely octants are by their distance from a surface [2, 2, classes, distances]; see `surface_contexts`."""
    return np.ascontiguousarray(_load(_ODDS)["odds"], np.int32)


@cache
def weights_id(profile: str) -> bytes:
    """Content hash of a profile's weights files, all of its networks (8 bytes); the odds go with the version."""
    import xxhash

    names = dict.fromkeys(name for networks in NETWORKS[profile] for name in networks)
    return xxhash.xxh3_64(b"".join(_read(name) for name in names)).digest()


def _read(name: str) -> bytes:
    return (_FOLDER / f"{name}.safetensors").read_bytes()


@cache
def _load(name: str) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load

    return load(_read(name))
