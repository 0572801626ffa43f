"""Photographs as planes: the volume codec's mixture, with the channels coded before as the slices behind.

Green first, because it tells most about the others; red and blue then see whole neighbourhoods of it, not only what
came before in reading order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.volume.neighbours import causal_ball
from geo3d_compression.volume.profiles import Profile, Settings
from geo3d_compression.volume.stream import decode_group, encode_group
from geo3d_compression.volume.values import dense_alphabet

# Discs in this channel and the two before.  Small ones with short memories follow edges.
_LARGE = causal_ball(13, 9, 9)
_MIDDLE = causal_ball(9, 4, 1)
_SMALL = causal_ball(5, 2, 2)
_LEAST = causal_ball(5, 1, 1)
_NEAREST = causal_ball(2, 1, 1)
SETTINGS: dict[Profile, Settings] = {
    "fast": Settings(0, (_MIDDLE, causal_ball(5, 1, 0)), (0.9995, 0.995), False),
    "best": Settings(1, (_LARGE, _LARGE, _SMALL, _LEAST, _NEAREST), (0.9998, 0.998, 0.995, 0.985, 0.95), True),
}


def encode_planes(samples: NDArray[np.int32], highest: int, profile: Profile) -> bytes:
    """The stream of [H, W, C] samples from 0 to `highest`."""
    slices = (np.ascontiguousarray(samples[:, :, c]).astype(np.int64) for c in range(samples.shape[2]))
    return encode_group(slices, dense_alphabet(0, highest), SETTINGS[profile])


def decode_planes(data: bytes, out: NDArray[np.int32], highest: int, profile: Profile) -> None:
    """Fill `out` [H, W, C].  Raises `BitstreamError` on a truncated stream."""
    height, width, channels = out.shape
    shape: tuple[Any, ...] = (channels, height, width)
    for c, ranks in enumerate(decode_group(data, shape, dense_alphabet(0, highest), SETTINGS[profile])):
        out[:, :, c] = ranks
