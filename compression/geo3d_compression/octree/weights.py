"""Weights that ship with the package, found by profile and named by content."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

_FILES: dict[str, str | None] = {"fast": "fast.safetensors", "best": "best.safetensors"}
_FOLDER = Path(__file__).parent / "weights"


def load_weights(profile: str) -> dict[str, NDArray[Any]] | None:
    """Integer tensors of a profile, read and hashed once a process; None when the profile has no network."""
    name = _FILES[profile]
    return None if name is None else _load(name)[0]


def weights_id(profile: str) -> bytes:
    """Content hash of a profile's weights file (8 bytes); empty when it has none."""
    name = _FILES[profile]
    return b"" if name is None else _load(name)[1]


@cache
def _load(name: str) -> tuple[dict[str, NDArray[Any]], bytes]:
    import xxhash
    from safetensors.numpy import load

    data = (_FOLDER / name).read_bytes()
    return load(data), xxhash.xxh3_64(data).digest()
