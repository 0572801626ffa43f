"""What the encoder decides for a frame: motion, exposure, grid and share of every reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geo3d_compression.rgbd.grid import find_grid
from geo3d_compression.rgbd.motion import Motion, from_matrix
from geo3d_compression.rgbd.predict import CodedFrame, Reference, Sampled, positions_of, warp_plane
from geo3d_compression.rgbd.refine import align, pyramid
from geo3d_compression.rgbd.views import choose_backs

_STIFFNESS = 5000.0


@dataclass(frozen=True, eq=False)
class SeenFrame:
    """An earlier frame with what the search needs of it beside the coded part.

    luma     pyramid of float32 grey levels
    T_start  pose of its colour camera, or None
    """

    coded: CodedFrame
    luma: list[NDArray[np.float32]]
    T_start: NDArray[np.float64] | None


def luma_pyramid(coded: CodedFrame) -> list[NDArray[np.float32]]:
    """Grey levels of the first plane."""
    width, height = coded.layout[:2]
    return pyramid((coded.samples[0][:height, :width] / 16 + 128).astype(np.float32))


def find_references(
    planes: Sequence[Sampled],
    here: SeenFrame,
    history: Sequence[SeenFrame],
    camera: tuple[float, float, float, float],
    count: int,
) -> list[Reference]:
    """References among at most `count` of the frames that see most of this one, the best one first."""
    found: list[tuple[float, Reference]] = []
    chain: NDArray[np.float64] | None = None
    posed = [(h.coded, h.T_start) for h in history]
    for back in choose_backs((here.coded, here.T_start), posed, camera, count):
        there = history[-back]
        start = np.eye(4) if chain is None else chain
        if here.T_start is not None and there.T_start is not None:
            start = np.linalg.inv(there.T_start) @ here.T_start
        found.append(_reference(here, there, back, camera, start))
        chain = np.vstack([found[-1][1].motion.matrix(), [0.0, 0.0, 0.0, 1.0]])
    if not found:
        return []
    found.sort(key=lambda pair: pair[0])
    return _shares(planes, here, [r for _, r in found], history, camera)


def _reference(
    here: SeenFrame,
    there: SeenFrame,
    back: int,
    camera: tuple[float, float, float, float],
    start: NDArray[np.float64],
) -> tuple[float, Reference]:
    fit = align(here.luma, there.luma, here.coded.z, camera, start)
    motion: Motion = from_matrix(fit.T_there_here)
    out, seen = positions_of(here.coded.z, there.coded, camera, motion, None)
    grid = find_grid(here.luma[0], there.luma[0], out, seen, 32, _STIFFNESS, fit.gain, fit.bias)
    gain = round(fit.gain * 1024)
    # Samples are level-shifted: gain * (s + 128) + bias - 128.
    bias = round((fit.gain * 128 + fit.bias - 128) * 16)
    return fit.error, Reference(back, motion, gain, bias, 1, grid)


def _shares(
    planes: Sequence[Sampled],
    here: SeenFrame,
    references: list[Reference],
    history: Sequence[SeenFrame],
    camera: tuple[float, float, float, float],
) -> list[Reference]:
    """Weights that minimise the squared error of the blend where all references see the surface."""
    if len(references) == 1:
        return [replace(references[0], share=16)]
    height, width = here.luma[0].shape
    errors, all_seen = [], np.ones((height, width), bool)
    for r in references:
        there = history[-r.back].coded
        out, seen = positions_of(here.coded.z, there, camera, r.motion, r.grid)
        total = np.zeros(here.coded.samples[0].shape, np.int32)
        weight = np.zeros_like(total)
        warp_plane(0, planes, there, r, out, seen, total, weight)
        errors.append((total // weight)[:height, :width] / 16 + 128 - here.luma[0])
        all_seen &= seen > 0
    E = np.stack([e[::2, ::2][all_seen[::2, ::2]] for e in errors]).clip(-30, 30)
    if E.shape[1] < 100:
        return [replace(r, share=16) for r in references]
    C = E @ E.T
    w = np.linalg.solve(C + 1e-3 * np.trace(C) * np.eye(len(C)) + 1e-9 * np.eye(len(C)), np.ones(len(C)))
    shares = np.rint(16 * w / np.abs(w).max()).clip(1, 16)
    order = np.argsort(-shares, kind="stable")
    return [replace(references[i], share=int(shares[i])) for i in order]
