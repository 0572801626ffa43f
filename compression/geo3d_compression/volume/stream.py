"""One group of slices as one stream: the model, the range coder, and a buffer that grows between slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import (
    OVERRUN,
    POSITION,
    TAIL,
    check_decoder,
    finish,
    new_decoder,
    new_encoder,
)
from geo3d_compression.volume.density import Alphabet
from geo3d_compression.volume.kernel import MAX_BYTES, code_slice, new_model
from geo3d_compression.volume.profiles import Settings


def encode_group(slices: NDArray[np.int64], alphabet: Alphabet, settings: Settings) -> bytes:
    """Code ranks [S, H, W]."""
    count, height, width = slices.shape
    model = new_model(height, width, settings)
    worst = height * width * MAX_BYTES + 64
    state, _ = new_encoder(8)
    buffer = np.zeros(worst, np.uint8)
    for index in range(count):
        if len(buffer) - state[POSITION] < worst:
            buffer = np.concatenate([buffer, np.zeros(len(buffer) + worst, np.uint8)])
        code_slice(index, slices[index], alphabet, model, state, buffer, True)
    return finish(state, buffer)


def decode_group(data: bytes, shape: tuple[int, int, int], alphabet: Alphabet, settings: Settings) -> NDArray[np.int64]:
    """Ranks [S, H, W] of a stream by `encode_group`; `BitstreamError` when it does not end where it should."""
    count, height, width = shape
    model = new_model(height, width, settings)
    state, buffer = new_decoder(data)
    slices = np.zeros(shape, np.int64)
    for index in range(count):
        code_slice(index, slices[index], alphabet, model, state, buffer, False)
        if state[OVERRUN] > TAIL:
            break
    check_decoder(state, buffer, "a group of slices")
    return slices
