"""The weights of the learned prior that ship with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from geo3d_compression.volume.prior.state import Weights, load_weights

_FILE = Path(__file__).parent / "weights" / "prior.safetensors"


@cache
def _load() -> tuple[Weights, bytes]:
    import xxhash
    from safetensors.numpy import load

    data = _FILE.read_bytes()
    return load_weights(load(data)), xxhash.xxh3_64(data).digest()


def prior_weights() -> Weights:
    """The weights, read and checked once a process."""
    return _load()[0]


def prior_id() -> bytes:
    """Content hash of the weights' file (8 bytes)."""
    return _load()[1]
