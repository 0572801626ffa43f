"""What the coefficient model knows before it sees a picture: counters and weights trained on free photographs.

Stored as npz arrays (see `pack_state`); the card beside the file says what it was trained on.
"""

from __future__ import annotations

import io
import lzma
from functools import cache
from pathlib import Path

import numpy as np
import xxhash

from geo3d.errors import FormatError
from geo3d_compression.entropy.tables import SQUASH, STRETCH, STRETCH_LIMIT
from geo3d_compression.jpeg.model import CONTEXTS, ModelState, fresh_state
from geo3d_compression.jpeg.step import FINAL, INPUT_COUNT, TABLE_BITS
from geo3d_compression.volume.profiles import Profile

_FILE = Path(__file__).parent / "priors.xz"
# How many bits a trained counter is believed to have seen; at most 30, so that a picture can still correct it.
_SEEN = np.array([0, 3, 8, 30])
_LOGIT_STEP = 32
_WEIGHT_STEP = 64
# Weights of the first layer; behind them, second layer and secondary estimators are kept exactly.
_MIXER = FINAL * INPUT_COUNT


def pack_state(state: ModelState) -> bytes:
    """A trained state as bytes: probabilities as logits in steps of 1/8, counts in four classes, weights / 64."""
    counts = (np.searchsorted(_SEEN, state.counters & 1023, side="right") - 1).astype(np.uint8)
    logits = STRETCH[(state.counters >> 16).astype(np.int64)].astype(np.int64)
    codes = ((logits + _LOGIT_STEP // 2) // _LOGIT_STEP + 128).astype(np.uint8)
    moved = state.weights - fresh_state().weights
    out = io.BytesIO()
    np.savez(
        out,
        counts=counts,
        codes=np.where(counts > 0, codes, 128).astype(np.uint8),
        weights=((moved[:_MIXER] + _WEIGHT_STEP // 2) // _WEIGHT_STEP).clip(-32768, 32767).astype("<i2"),
        rest=moved[_MIXER:].astype("<i4"),
    )
    return lzma.compress(out.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def unpack_state(data: bytes) -> ModelState:
    """The state of `pack_state`'s bytes."""
    with np.load(io.BytesIO(lzma.decompress(data)), allow_pickle=False) as arrays:
        state = fresh_state()
        logits = (arrays["codes"].astype(np.int64) - 128) * _LOGIT_STEP
        p = SQUASH[logits.clip(-STRETCH_LIMIT, STRETCH_LIMIT) + STRETCH_LIMIT].astype(np.uint32)
        counts = _SEEN[np.minimum(arrays["counts"], len(_SEEN) - 1)].astype(np.uint32)
        if len(counts) != len(state.counters) or len(arrays["weights"]) != _MIXER:
            raise FormatError("the priors of the JPEG model have another size; they belong to another version")
        state.counters[:] = (p << 16) | counts
        state.weights[:_MIXER] += arrays["weights"].astype(np.int32) * _WEIGHT_STEP
        state.weights[_MIXER:] += arrays["rest"]
    return state


@cache
def priors_id() -> bytes:
    """Content hash of the installed priors; containers name it."""
    return xxhash.xxh3_64_digest(_FILE.read_bytes())


@cache
def _loaded() -> ModelState:
    return unpack_state(_FILE.read_bytes())


def load_priors(profile: Profile | None = None) -> ModelState:
    """A fresh copy of the trained state; for a profile, only what pictures without a prediction need of it."""
    state = _loaded()
    if profile is None:
        return state.copy()
    return ModelState(state.counters[: CONTEXTS[profile] << TABLE_BITS].copy(), state.weights.copy())
