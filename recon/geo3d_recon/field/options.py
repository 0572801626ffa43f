"""How a field is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldOptions:
    """minutes     of everything from the files to the field
    clock       they are read from, in seconds; `time.process_time` on a machine that is busy with other things
    rays        stop after so many instead: the result then depends on nothing but the data and the seed
    batch       rays a step
    latent      features a coarse corner beside its colour
    hidden      width of the network's layers
    corners     at most so many of the fine grid
    calibrate   find pose and focal length of the colour camera
    refine      correct the pose of each picture
    seed        of the random pixels
    """

    minutes: float = 5.0
    clock: Callable[[], float] = time.monotonic
    rays: int | None = None
    batch: int = 16384
    latent: int = 5
    hidden: int = 32
    corners: int = 3_000_000
    calibrate: bool = True
    refine: bool = True
    seed: int = 0
