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
from geo3d_compression.volume.kernel import BRICK_BITS, MAX_BYTES, NOTHING_KNOWN, code_slice
from geo3d_compression.volume.model import NO_SPIKES, new_model
from geo3d_compression.volume.prior.state import Weights
from geo3d_compression.volume.prior.weights import prior_weights
from geo3d_compression.volume.profiles import Settings
from geo3d_compression.volume.values import Alphabet


def encode_group(
    slices: Iterable[NDArray[np.int64]],
    alphabet: Alphabet,
    settings: Settings,
    known: NDArray[np.int64] | None = None,
    spikes: NDArray[np.int64] = NO_SPIKES,
) -> bytes:
    """Code slices of ranks [H, W], which are taken one at a time.

    known : [S / 8, H / 8, W / 8] ranks of the bricks that the decoder knows without this stream, -1 for the others.
    """
    state, buffer = new_encoder(8)
    for index, ranks in enumerate(slices):
        if index == 0:
            height, width = ranks.shape
            model = new_model(height, width, settings, spikes, _prior(settings, known))
            worst = ranks.size * MAX_BYTES + 64
        used = max(int(state[POSITION]), 0)
        if len(buffer) - used < worst:
            # The worst case is far above what is used, and pages that nobody touches cost nothing.
            larger = np.zeros(2 * used + worst, np.uint8)
            larger[:used] = buffer[:used]
            buffer = larger
        code_slice(index, np.ascontiguousarray(ranks), _layer(known, index), alphabet, model, state, buffer, True)
    return finish(state, buffer)


def decode_group(
    data: bytes,
    shape: tuple[int, int, int],
    alphabet: Alphabet,
    settings: Settings,
    known: NDArray[np.int64] | None = None,
    spikes: NDArray[np.int64] = NO_SPIKES,
) -> Iterator[NDArray[np.int64]]:
    """Yield the slices of a stream by `encode_group`; `BitstreamError` when it does not end where it should."""
    count, height, width = shape
    model = new_model(height, width, settings, spikes, _prior(settings, known))
    state, buffer = new_decoder(data)
    for index in range(count):
        ranks = np.zeros((height, width), np.int64)
        code_slice(index, ranks, _layer(known, index), alphabet, model, state, buffer, False)
        if state[OVERRUN] > TAIL:
            break
        yield ranks
    check_decoder(state, buffer, "a group of slices")


def _prior(settings: Settings, known: NDArray[np.int64] | None) -> Weights | None:
    """The learned expert, for volumes that are coded whole: it knows nothing of distances in bricks."""
    return prior_weights() if settings.prior and known is None else None


def _layer(known: NDArray[np.int64] | None, index: int) -> NDArray[np.int64]:
    return NOTHING_KNOWN if known is None else known[index >> BRICK_BITS]
