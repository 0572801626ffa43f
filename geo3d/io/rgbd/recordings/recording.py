"""A recording: frames that come one after the other, each whole or with the reason why it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geo3d.types import PinholeCamera, RGBDFrame

MILLIMETRES = 1000.0


@dataclass(frozen=True, eq=False)
class Rig:
    """The colour picture of another camera than the depth's, and how the two stand.

    color          [H, W, 3] uint8 RGB
    camera         its intrinsics
    T_color_depth  [4, 4] from the depth camera to it, metres
    """

    color: NDArray[np.uint8]
    camera: PinholeCamera
    T_color_depth: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RecordedFrame:
    """One frame, or what is wrong with it.

    name     unique in the recording
    frame    with depth in millimetres; None if it is unusable, then `problem` says why
    problem  "" if the frame is whole
    jpeg     the colour picture's file as recorded, if it was one
    rig      where depth and colour are not registered: `frame` then has no colour
    """

    name: str
    frame: RGBDFrame | None
    problem: str = ""
    jpeg: bytes | None = None
    rig: Rig | None = None


class RecordingFormat(Protocol):
    """A kind of recording.

    name       for people
    looks_for  what the file or folder must be, in words
    """

    @property
    def name(self) -> str: ...

    @property
    def looks_for(self) -> str: ...

    def detect(self, path: Path) -> bool:
        """Tell from file names alone whether `path` is such a recording."""
        ...

    def frames(self, path: Path) -> Iterator[RecordedFrame]:
        """Yield the frames in order of time.  `FormatError` if the recording as a whole cannot be read."""
        ...


def millimetres(metres: NDArray[np.float32], confidence: NDArray[np.uint8] | None = None) -> NDArray[np.uint16]:
    """[H, W] uint16 depth in millimetres; 0 where it is not finite, not positive, too far, or of confidence 0."""
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.rint(metres.astype(np.float64) * MILLIMETRES)
        good = (steps > 0) & (steps < 65536)
    if confidence is not None:
        good &= confidence > 0
    return np.where(good, steps, 0).astype(np.uint16)
