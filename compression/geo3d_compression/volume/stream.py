"""One group of slices as one stream: the model, the range coder, and a buffer that grows between slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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


def encode_group(slices: Iterable[NDArray[np.int64]], alphabet: Alphabet, settings: Settings) -> bytes:
    """Code slices of ranks [H, W], which are taken one at a time."""
    state, buffer = new_encoder(8)
    for index, ranks in enumerate(slices):
        if index == 0:
            model = new_model(ranks.shape[0], ranks.shape[1], settings)
            worst = ranks.size * MAX_BYTES + 64
        if len(buffer) - state[POSITION] < worst:
            buffer = np.concatenate([buffer, np.zeros(len(buffer) + worst, np.uint8)])
        code_slice(index, np.ascontiguousarray(ranks), alphabet, model, state, buffer, True)
    return finish(state, buffer)


def decode_group(
    data: bytes, shape: tuple[int, int, int], alphabet: Alphabet, settings: Settings
) -> Iterator[NDArray[np.int64]]:
    """Yield the slices of a stream by `encode_group`; `BitstreamError` when it does not end where it should."""
    count, height, width = shape
    model = new_model(height, width, settings)
    state, buffer = new_decoder(data)
    for index in range(count):
        ranks = np.zeros((height, width), np.int64)
        code_slice(index, ranks, alphabet, model, state, buffer, False)
        if state[OVERRUN] > TAIL:
            break
        yield ranks
    check_decoder(state, buffer, "a group of slices")
