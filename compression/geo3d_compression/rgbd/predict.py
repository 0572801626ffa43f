# mypy: allow-untyped-defs, no-check-untyped-defs
"""From earlier coded frames to a `Prediction` of the next frame's coefficients: what encoder and decoder both do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo3d_compression.jpeg.file import JpegFile, Plane
from geo3d_compression.jpeg.model import Prediction
from geo3d_compression.rgbd.grid import grid_shape
from geo3d_compression.rgbd.motion import Motion
from geo3d_compression.rgbd.samples import forward, plane_samples
from geo3d_compression.rgbd.warp import flow, sample

CELL = 32


class Sampled(Protocol):
    """A plane, as far as warping knows it: its sampling factors."""

    @property
    def horizontal(self) -> int: ...

    @property
    def vertical(self) -> int: ...


@dataclass(frozen=True, eq=False)
class CodedFrame:
    """A frame that later frames may be predicted from.

    samples   one int16 array a plane
    z         [H, W] metres seen by the colour camera
    layout    width, height and sampling factors: only frames of one layout predict each other
    """

    samples: tuple[NDArray[np.int16], ...]
    z: NDArray[np.float64]
    layout: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Reference:
    """How one earlier frame predicts this one: everything that the stream stores of it.

    back     how many coded frames ago, 1 = the last one
    motion   T_there_here
    gain     of exposure in 1/1024; bias in sixteenths of a grey level
    share    weight among the references, 1 to 16
    grid     int16 shifts at the corners of cells of 32 pixels, 1/64 pixel
    """

    back: int
    motion: Motion
    gain: int
    bias: int
    share: int
    grid: NDArray[np.int16]


def layout_of(file: JpegFile) -> tuple[int, ...]:
    """What has to agree between a frame and its reference."""
    return (
        file.markers.width,
        file.markers.height,
        *(v for p in file.planes for v in (p.horizontal, p.vertical)),
    )


def coded_frame(file: JpegFile, z: NDArray[np.float64]) -> CodedFrame:
    """Decode a frame to samples."""
    return CodedFrame(tuple(plane_samples(p) for p in file.planes), z, layout_of(file))


def positions_of(
    z: NDArray[np.float64], there: CodedFrame, camera: Sequence[float], motion: Motion, grid: NDArray[np.int16] | None
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """`warp.flow` of a whole picture."""
    if grid is None:
        grid = np.zeros((*grid_shape(z.shape[0], z.shape[1], CELL), 2), np.int16)
    out, seen = np.zeros((*z.shape, 2), np.int32), np.zeros(z.shape, np.uint8)
    flow(z, there.z, np.array(camera, np.float64), motion.matrix(), grid, CELL, out, seen)
    return out, seen


def warp_plane(
    number: int, planes: Sequence[Sampled], there: CodedFrame, r: Reference, out: NDArray[np.int32],
    seen: NDArray[np.uint8], total: NDArray[np.int32], weight: NDArray[np.int32],
) -> None:  # fmt: skip
    """Add one plane of one reference to the weighted sum.  Exposure changes luma alone."""
    h_max, v_max = max(p.horizontal for p in planes), max(p.vertical for p in planes)
    gain, bias = (r.gain, r.bias) if number == 0 else (1024, 0)
    sample(
        there.samples[number], out, seen, h_max // planes[number].horizontal, v_max // planes[number].vertical,
        gain, bias, r.share, total, weight,
    )  # fmt: skip


def predict(
    planes: Sequence[Plane],
    z: NDArray[np.float64],
    camera: Sequence[float],
    references: Sequence[Reference],
    history: Sequence[CodedFrame],
) -> Prediction:
    """The prediction of a frame from its references; `history` holds the coded frames, the last one last."""
    size = sum(p.coefs.size for p in planes)
    values = np.zeros((2, size), np.int16)
    totals = [np.zeros((8 * p.coefs.shape[0], 8 * p.coefs.shape[1]), np.int32) for p in planes]
    weights = [np.zeros_like(t) for t in totals]
    visible = np.zeros(z.shape, np.uint8)
    for number, r in enumerate(references):
        there = history[-r.back]
        out, seen = positions_of(z, there, camera, r.motion, r.grid)
        visible |= seen
        for k in range(len(planes)):
            warp_plane(k, planes, there, r, out, seen, totals[k], weights[k])
        if number == 0:
            _transform(planes, totals, weights, values[1])
    if len(references) > 1:
        _transform(planes, totals, weights, values[0])
    else:
        values[0] = values[1]
    reliability = np.concatenate([_reliability(visible, p, planes) for p in planes])
    return Prediction(values, reliability)


def _transform(
    planes: Sequence[Plane],
    totals: Sequence[NDArray[np.int32]],
    weights: Sequence[NDArray[np.int32]],
    out: NDArray[np.int16],
) -> None:
    at = 0
    for p, total, weight in zip(planes, totals, weights, strict=True):
        forward(total // weight, p.table.astype(np.int64), out[at : at + p.coefs.size])
        at += p.coefs.size


def _reliability(visible: NDArray[np.uint8], plane: Plane, planes: Sequence[Plane]) -> NDArray[np.uint8]:
    h_max, v_max = max(p.horizontal for p in planes), max(p.vertical for p in planes)
    rows, columns = plane.coefs.shape[:2]
    out = np.zeros(rows * columns, np.uint8)
    _count_visible(visible, 8 * v_max // plane.vertical, 8 * h_max // plane.horizontal, columns, out)
    return out


@njit(cache=True, nogil=True)
def _count_visible(visible, height, width, columns, out):
    """0: under a quarter of the block is seen, 1: under three quarters, 2: not all, 3: all."""
    for b in range(out.size):
        y0, x0 = b // columns * height, b % columns * width
        count, area = 0, 0
        for y in range(y0, min(y0 + height, visible.shape[0])):
            for x in range(x0, min(x0 + width, visible.shape[1])):
                area += 1
                count += visible[y, x]
        if area == 0 or 4 * count < area:
            out[b] = 0
        elif 4 * count < 3 * area:
            out[b] = 1
        else:
            out[b] = 2 if count < area else 3
