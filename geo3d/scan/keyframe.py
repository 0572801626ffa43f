"""A frame that is kept in memory for others to be aligned to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.registration.dense import FrameMaps


@dataclass(frozen=True, eq=False)
class Keyframe:
    """index in the dataset; pose by odometry, in its submap's world; submap: unbroken piece of the walk."""

    index: int
    maps: FrameMaps
    T_world_camera: NDArray[np.float64]
    submap: int
