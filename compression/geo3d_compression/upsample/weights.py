"""The up-sampling weights that ship with the package, named by content."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

_FILE = Path(__file__).parent / "weights" / "upsample.safetensors"


def load_weights() -> dict[str, NDArray[Any]]:
    """Integer tensors, read and hashed once a process."""
    return _load()[0]


def weights_id() -> bytes:
    """Content hash of the weights file (8 bytes)."""
    return _load()[1]


@cache
def _load() -> tuple[dict[str, NDArray[Any]], bytes]:
    import xxhash
    from safetensors.numpy import load

    data = _FILE.read_bytes()
    return load(data), xxhash.xxh3_64(data).digest()
