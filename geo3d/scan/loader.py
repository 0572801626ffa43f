"""Frames in order, read and prepared one ahead in a second thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from geo3d.errors import Geo3DError
from geo3d.io import RGBDDataset
from geo3d.registration.dense import FrameMaps, frame_maps
from geo3d.types import RGBDFrame

T = TypeVar("T")


def ahead(items: Sequence[int], function: Callable[[int], T], depth: int = 2) -> Iterator[T]:
    """Yield function(item) in order, computed up to `depth` items ahead in one other thread."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(function, i) for i in items[:depth]]
        try:
            for k in range(len(items)):
                if k + depth < len(items):
                    waiting.append(pool.submit(function, items[k + depth]))
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


def load_frame(dataset: RGBDDataset, index: int) -> RGBDFrame | str:
    """The undistorted frame, or what is wrong with it."""
    from geo3d.ops import undistort

    try:
        frame = dataset.load(index)
        if frame.T_world_camera is not None and not np.isfinite(frame.T_world_camera).all():
            return "its pose is not finite"
        return undistort(frame) if frame.camera.distortion else frame
    except (Geo3DError, OSError) as error:
        return str(error)


def load_maps(dataset: RGBDDataset, index: int) -> FrameMaps | str:
    """The frame's pyramid, or what is wrong with the frame."""
    frame = load_frame(dataset, index)
    if isinstance(frame, str):
        return frame
    try:
        return frame_maps(frame)
    except Geo3DError as error:
        return str(error)
