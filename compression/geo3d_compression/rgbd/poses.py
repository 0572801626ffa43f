"""Poses for a folder that has none: the suite's own scan finds them (encoder only; what is used of them is stored)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.console import say
from geo3d.errors import Geo3DError

if TYPE_CHECKING:
    from geo3d.io.rgbd import RGBDDataset

# Fewer frames are aligned well enough from where the last one stood.
_FEWEST = 3


def needs_poses(data: RGBDDataset) -> bool:
    """Whether a data set has depth and colour, but not one pose."""
    seen = sum(1 for path in data.color_paths if path is not None)
    return seen >= _FEWEST and all(T is None for T in data.T_world_camera)


def found_poses(data: RGBDDataset) -> dict[int, NDArray[np.float64]]:
    """Camera-to-world poses [4, 4] by frame, of the frames that could be posed; none where a scan fails."""
    from geo3d.scan.options import ScanOptions
    from geo3d.scan.pipeline import find_poses
    from geo3d.scan.walk import Walk, fingerprint

    say(f"{data.folder} has no poses: finding them")
    options = ScanOptions()
    try:
        with tempfile.TemporaryDirectory() as folder:
            walk = Walk(fingerprint(data, options))
            return find_poses(data, walk, options, Path(folder) / "state.npz")
    except (Geo3DError, ArithmeticError, np.linalg.LinAlgError) as error:
        say(f"poses could not be found ({error}); frames are aligned one after the other instead")
        return {}
