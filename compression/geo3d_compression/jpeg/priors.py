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
from geo3d_compression.jpeg import mixture, quick
from geo3d_compression.jpeg.model import CONTEXTS, ModelState, fresh_state
from geo3d_compression.volume.profiles import Profile

_FILE = Path(__file__).parent / "priors.xz"
_QUICK_FILE = Path(__file__).parent / "priors_fast.xz"
# How many bits a trained counter is believed to have seen; at most 30, so that a picture can still correct it.
_SEEN = np.array([0, 3, 8, 30])
_LOGIT_STEP = 32
_WEIGHT_STEP = 64


def _mixer(state: ModelState) -> int:
    """Weights of the first layer; behind them, second layer and secondary estimators are kept exactly."""
    return quick.FINAL * quick.LANES if state.quick else mixture.FINAL * mixture.INPUT_COUNT


def _layout(small: bool) -> tuple[int, list[int]]:
    """Inputs of a mixer, and where those are that are stored one after the other."""
    return (quick.LANES, quick.STORED) if small else (mixture.INPUT_COUNT, mixture.STORED)


def pack_state(state: ModelState) -> bytes:
    """A trained state as bytes: probabilities as logits in steps of 1/8, counts in four classes, weights / 64."""
    counts = (np.searchsorted(_SEEN, state.counters & 1023, side="right") - 1).astype(np.uint8)
    logits = STRETCH[(state.counters >> 16).astype(np.int64)].astype(np.int64)
    codes = ((logits + _LOGIT_STEP // 2) // _LOGIT_STEP + 128).astype(np.uint8)
    moved, mixer = state.weights - fresh_state(state.quick).weights, _mixer(state)
    width, stored = _layout(state.quick)
    first = moved[:mixer].reshape(-1, width)[:, stored].reshape(-1)
    out = io.BytesIO()
    np.savez(
        out,
        counts=counts,
        codes=np.where(counts > 0, codes, 128).astype(np.uint8),
        weights=((first + _WEIGHT_STEP // 2) // _WEIGHT_STEP).clip(-32768, 32767).astype("<i2"),
        rest=moved[mixer:].astype("<i4"),
    )
    return lzma.compress(out.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def unpack_state(data: bytes, small: bool = False) -> ModelState:
    """The state of `pack_state`'s bytes; `small`: of the quick model."""
    with np.load(io.BytesIO(lzma.decompress(data)), allow_pickle=False) as arrays:
        state = fresh_state(small)
        mixer = _mixer(state)
        logits = (arrays["codes"].astype(np.int64) - 128) * _LOGIT_STEP
        p = SQUASH[logits.clip(-STRETCH_LIMIT, STRETCH_LIMIT) + STRETCH_LIMIT].astype(np.uint32)
        counts = _SEEN[np.minimum(arrays["counts"], len(_SEEN) - 1)].astype(np.uint32)
        if len(counts) != len(state.counters) or len(arrays["weights"]) != mixer:
            raise FormatError("the priors of the JPEG model have another size; they belong to another version")
        state.counters[:] = (p << 16) | counts
        width, stored = _layout(small)
        first = arrays["weights"].astype(np.int32) * _WEIGHT_STEP
        state.weights[:mixer].reshape(-1, width)[:, stored] += first.reshape(-1, width)
        state.weights[mixer:] += arrays["rest"]
    return state


@cache
def priors_id() -> bytes:
    """Content hash of the installed priors; containers name it."""
    return xxhash.xxh3_64_digest(_FILE.read_bytes() + _QUICK_FILE.read_bytes())


@cache
def _loaded(small: bool) -> ModelState:
    return unpack_state((_QUICK_FILE if small else _FILE).read_bytes(), small)


def load_priors(profile: Profile | None = None) -> ModelState:
    """A fresh copy of the trained state; for a profile, what pictures without a prediction need."""
    state = _loaded(profile == "fast")
    if profile == "best":
        return ModelState(state.counters[: CONTEXTS[profile] << mixture.TABLE_BITS].copy(), state.weights.copy())
    return state.copy()
