"""What every training task of integer networks ends with: weights, and a card that says where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.io.atomic import write_bytes, write_text


def write_weights(out: Path, name: str, tensors: dict[str, NDArray[np.int32]], steps: int, settings: Any) -> None:
    """Write `NAME.safetensors` and `NAME.json` to `out`: file, content hash (xxh3-64), bytes, steps and settings."""
    import xxhash
    from safetensors.numpy import save

    data = save({name: _smallest(tensor) for name, tensor in tensors.items()})
    write_bytes(out / f"{name}.safetensors", data)
    card = {
        "file": f"{name}.safetensors",
        "hash": xxhash.xxh3_64(data).hexdigest(),
        "bytes": len(data),
        "steps": steps,
        "settings": settings,
    }
    write_text(out / f"{name}.json", json.dumps(card, indent=1) + "\n")


def _smallest(tensor: NDArray[np.int32]) -> NDArray[np.int16] | NDArray[np.int32]:
    """In 16 bits where they hold every value, which halves the files."""
    fits = np.iinfo(np.int16)
    return tensor.astype(np.int16) if np.all((tensor >= fits.min) & (tensor <= fits.max)) else tensor
