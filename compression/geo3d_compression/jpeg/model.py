"""State of the coefficient model, and the two calls that code planes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import check_decoder, finish, new_decoder, new_encoder
from geo3d_compression.entropy.models import APM_SIZE, WEIGHT_ONE, new_apm, new_counters
from geo3d_compression.jpeg import step
from geo3d_compression.jpeg.blocks import code_planes
from geo3d_compression.jpeg.file import Plane

_PROFILES = {"fast": 6, "best": step.BASE_CONTEXTS}


@dataclass(frozen=True, eq=False)
class ModelState:
    """Everything that adapts: counters, mixer weights of both layers, secondary estimation.  Changed in place."""

    counters: NDArray[np.uint32]
    weights: NDArray[np.int32]
    final: NDArray[np.int32]
    apm: NDArray[np.int32]

    def copy(self) -> ModelState:
        return ModelState(self.counters.copy(), self.weights.copy(), self.final.copy(), self.apm.copy())


def fresh_state() -> ModelState:
    """A model that has seen nothing."""
    rows = step.ROWS_0 + step.ROWS_1 + step.ROWS_2
    weights = np.zeros((rows, step.INPUT_COUNT), np.int32)
    weights[:, 0 : 2 * step.ALL_CONTEXTS : 2] = WEIGHT_ONE // 5
    apm = new_apm(step.APM_ROWS)
    assert apm.shape[1] == APM_SIZE
    return ModelState(
        new_counters(step.ALL_CONTEXTS << step.TABLE_BITS),
        weights.reshape(-1),
        np.full(3 * step.FINAL_ROWS, WEIGHT_ONE // 3, np.int32),
        apm,
    )


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a warped earlier picture says about the coefficients.

    values        int16 [2, coefficients] in eighths of a quantisation step: the nearest reference, and a second one
    reliability   uint8 [blocks]: 0 = nothing known, 1 to 3 = partly to wholly seen
    """

    values: NDArray[np.int16]
    reliability: NDArray[np.uint8]


def quality_class(table: NDArray[np.int32]) -> int:
    """Octave of the low-frequency quantisation steps: 0 (finest) to 7."""
    low = int(table.reshape(8, 8)[:3, :3].sum())
    return int(np.clip(low.bit_length() - 3, 0, 7))


def _arrays(planes: Sequence[Plane], rows: Sequence[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    meta, first, block = [], 0, 0
    for plane, (start, end) in zip(planes, rows, strict=True):
        columns = plane.coefs.shape[1]
        meta.append([first, columns, start, end, plane.horizontal, plane.vertical, quality_class(plane.table), block])
        first += plane.coefs.size
        block += plane.coefs.shape[0] * columns
    return np.array(meta, np.int64), np.stack([p.table for p in planes]).astype(np.int64)


def _settings(profile: str, warped: bool, rate: int, limit: int) -> NDArray[np.int64]:
    work = np.zeros(step.WORK_SIZE, np.int64)
    work[step.BASE] = _PROFILES[profile]
    if warped:
        work[step.WARP_FIRST], work[step.WARP_END] = step.BASE_CONTEXTS, step.ALL_CONTEXTS
    work[step.RATE], work[step.LIMIT] = rate, limit
    return work


_RATE, _LIMIT = 40, 250
_NO_VALUES = np.zeros((0, 0), np.int16)


def encode_planes(
    flat: NDArray[np.int16],
    planes: Sequence[Plane],
    rows: Sequence[tuple[int, int]],
    state: ModelState,
    profile: str = "best",
    prediction: Prediction | None = None,
    rate: int = _RATE,
    limit: int = _LIMIT,
) -> bytes:
    """Code rows of blocks `rows[p]` of every plane.  `flat`: the coefficients of all planes, one after the other."""
    return _run(flat, planes, rows, state, profile, prediction, None, rate, limit)


def decode_planes(
    data: bytes,
    flat: NDArray[np.int16],
    planes: Sequence[Plane],
    rows: Sequence[tuple[int, int]],
    state: ModelState,
    profile: str = "best",
    prediction: Prediction | None = None,
) -> None:
    """Fill `flat` (zeros) from a stream of `encode_planes`.  Raises `BitstreamError` on a truncated stream."""
    _run(flat, planes, rows, state, profile, prediction, data, _RATE, _LIMIT)


def _run(
    flat: NDArray[np.int16],
    planes: Sequence[Plane],
    rows: Sequence[tuple[int, int]],
    state: ModelState,
    profile: str,
    prediction: Prediction | None,
    data: bytes | None,
    rate: int,
    limit: int,
) -> bytes:
    meta, tables = _arrays(planes, rows)
    blocks = flat.size // 64
    if prediction is None:
        values, reliability = _NO_VALUES, np.zeros(blocks, np.uint8)
    else:
        values, reliability = prediction.values, prediction.reliability
    if data is None:
        bits = 1024
        for first, columns, start, end in meta[:, :4].tolist():
            coded = flat[first + 64 * columns * start : first + 64 * columns * end]
            bits += 40 * int(np.count_nonzero(coded)) + 128 * (coded.size // 64)
        coder, buffer = new_encoder(bits)
    else:
        coder, buffer = new_decoder(data)
    work = _settings(profile, prediction is not None, rate, limit)
    code_planes(
        coder, buffer, data is None, flat, meta, tables, values, reliability,
        state.counters, state.weights, state.final, state.apm, work,
    )  # fmt: skip
    if data is None:
        return finish(coder, buffer)
    check_decoder(coder, buffer, "JPEG coefficient stream")
    return b""
