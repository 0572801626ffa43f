"""State of the coefficient model, and the two calls that code planes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.entropy.coder import check_decoder, finish, new_decoder, new_encoder
from geo3d_compression.entropy.models import APM_SIZE, WEIGHT_ONE, new_apm, new_counters
from geo3d_compression.jpeg import mixture, quick, step
from geo3d_compression.jpeg.blocks import code_planes
from geo3d_compression.jpeg.file import Plane

# Contexts of a coefficient without a prediction, in a model that knows predictions.
CONTEXTS = {"fast": mixture.FEW_CONTEXTS, "best": mixture.BASE_CONTEXTS}


# Of a large page.
_PAGE = 1 << 21


@dataclass(frozen=True, eq=False)
class ModelState:
    """Everything that adapts: counters; mixer weights of both layers and secondary estimators.  Changed in place.

    quick   whether it belongs to the small model that codes pictures in `fast`, which knows no predictions
    """

    counters: NDArray[np.uint32]
    weights: NDArray[np.int32]
    quick: bool = False

    def copy(self) -> ModelState:
        """A copy in one piece of memory, at a multiple of 2 MB: large pages, and few misses of their addresses."""
        size = self.counters.nbytes + self.weights.nbytes
        room = np.zeros(size + 2 * _PAGE, np.uint8)
        start = -room.ctypes.data % _PAGE
        counters = room[start : start + self.counters.nbytes].view(np.uint32)
        weights = room[start + counters.nbytes : start + size].view(np.int32)
        counters[:], weights[:] = self.counters, self.weights
        return ModelState(counters, weights, self.quick)


def fresh_state(small: bool = False) -> ModelState:
    """A model that has seen nothing; `small`: the quick one."""
    if small:
        weights = np.zeros((quick.ROWS, quick.LANES), np.int32)
        weights[: quick.FINAL, : quick.CONTEXTS] = WEIGHT_ONE // 3
        weights[quick.FINAL : quick.APM, :2] = WEIGHT_ONE // 2
        weights[quick.APM :].reshape(-1, quick.ESTIMATOR)[:, :APM_SIZE] = new_apm(1)
        return ModelState(new_counters(quick.CONTEXTS << quick.TABLE_BITS), weights.reshape(-1), True)
    weights = np.zeros((mixture.ROWS, mixture.INPUT_COUNT), np.int32)
    weights[: mixture.FINAL, mixture.STORED[2 : 2 + 2 * mixture.ALL_CONTEXTS : 2]] = WEIGHT_ONE // 5
    weights[mixture.FINAL : mixture.APM, :3] = WEIGHT_ONE // 3
    weights[mixture.APM :, :APM_SIZE] = new_apm(1)
    return ModelState(new_counters(mixture.ALL_CONTEXTS << mixture.TABLE_BITS), weights.reshape(-1))


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


_RATE, _LIMIT = 40, 250
_NO_VALUES = np.zeros((0, 0), np.int16)
_NO_MARKS = np.zeros((0, 2), np.int64)


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
    return _run(flat, planes, rows, state, profile, prediction, None, rate, limit, _NO_MARKS)


def decode_planes(
    data: bytes,
    flat: NDArray[np.int16],
    planes: Sequence[Plane],
    rows: Sequence[tuple[int, int]],
    state: ModelState,
    profile: str = "best",
    prediction: Prediction | None = None,
    marks: NDArray[np.int64] | None = None,
) -> None:
    """Fill `flat` (zeros) from a stream of `encode_planes`.  Raises `BitstreamError` on a truncated stream.

    marks   int64 [blocks, 2] to fill for `costs_of`
    """
    _run(flat, planes, rows, state, profile, prediction, data, _RATE, _LIMIT, _NO_MARKS if marks is None else marks)


def costs_of(marks: NDArray[np.int64], planes: Sequence[Plane]) -> list[NDArray[np.float64]]:
    """Bits that each block took, [rows, columns] a plane, of whole planes that were coded in one stream."""
    total = marks[:, 0] - np.log2(np.maximum(marks[:, 1], 1))
    # A decoder has read four bytes, and its range is 2^32, before the first block.
    bits = np.diff(total, prepend=0.0)
    result, at = [], 0
    for p in planes:
        rows, columns = p.coefs.shape[:2]
        result.append(bits[at : at + rows * columns].reshape(rows, columns))
        at += rows * columns
    return result


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
    marks: NDArray[np.int64],
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
    if state.quick:
        work, inputs = quick.scratch(rate, limit)
    else:
        work, inputs = mixture.scratch(CONTEXTS[profile], prediction is not None, rate, limit)
    model = step.Coder(coder, buffer, data is None, state.counters, state.weights, work, inputs)
    code_planes(model, flat, meta, tables, values, reliability, marks)
    if data is None:
        return finish(coder, buffer)
    check_decoder(coder, buffer, "JPEG coefficient stream")
    return b""
