"""Training pairs on disk, a file a room, in half precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.io.atomic import atomic_path
from geo3d.nn.match_net import NetInput
from geo3d.registration.training.match_data import MatchPair, room_pairs


def cached_pairs(folder: Path, room: int, count: int, images: Sequence[NDArray[np.uint8]] = ()) -> list[MatchPair]:
    """The pairs of a room (`room_pairs`), made at the first call and read from `folder` after that."""
    import torch

    path = folder / f"room_{room}_{count}.pt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        plain = [(_plain(p.a), _plain(p.b), torch.from_numpy(p.T_b_a)) for p in room_pairs(room, count, images)]
        with atomic_path(path) as temporary:
            torch.save(plain, temporary)
    return [MatchPair(_side(a), _side(b), T.numpy()) for a, b, T in torch.load(path, weights_only=True)]


def _plain(x: NetInput) -> dict[str, Any]:
    values = {f.name: getattr(x, f.name) for f in fields(x)}
    return {k: v.half() if k in ("patches", "shape", "color") else v for k, v in values.items()}


def _side(values: dict[str, Any]) -> NetInput:
    return NetInput(**{k: v.float() if k in ("patches", "shape", "color") else v for k, v in values.items()})
