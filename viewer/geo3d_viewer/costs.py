"""Where the bytes of a scan's colour frames go: predicted, actual and cost of a frame, and bytes over the walk.

The codecs are imported when they are asked: everything that is looked at comes by here, and they take seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import Geo3DError
from geo3d_viewer.legend import with_bars
from geo3d_viewer.palette import Legend, palette
from geo3d_viewer.panels import side_by_side

if TYPE_CHECKING:
    from geo3d_compression.rgbd.inspect import FrameCost

_BLOCK = 8


def parse_frame(text: str) -> tuple[Path, str] | None:
    """File and frame of `FILE.g3c@FRAME`; None for anything else."""
    file, _, frame = text.rpartition("@")
    return (Path(file), frame) if file.lower().endswith(".g3c") and frame and Path(file).is_file() else None


def walk_bytes(path: Path) -> dict[str, float]:
    """Bytes of each colour frame in a `.g3c` file, in order; empty where it holds no folder of frames."""
    from geo3d_compression.container import Container
    from geo3d_compression.rgbd.inspect import frame_bytes, rgbd_item

    with Container(path) as container:
        item = rgbd_item(container)
        return {} if item is None else frame_bytes(container, item)


def cost_of(path: Path, frame: str) -> FrameCost:
    """One frame of a `.g3c` file, by (a part of) its name."""
    from geo3d_compression.container import Container
    from geo3d_compression.rgbd.inspect import frame_cost, rgbd_item

    with Container(path) as container:
        item = rgbd_item(container)
        if item is None:
            raise Geo3DError(f"{path} holds no folder of frames, so that it has no frame '{frame}'")
        return frame_cost(container, item, frame)


def cost_picture(cost: FrameCost) -> NDArray[np.uint8]:
    """uint8 [H, W, 3]: the prediction, the frame, and the bits a pixel of every 8x8 block."""
    height, width = cost.actual.shape[:2]
    per_pixel = cost.bits / _BLOCK**2
    high = max(float(np.percentile(per_pixel, 99.5)), 1e-3)
    big = np.repeat(np.repeat(per_pixel, _BLOCK, 0), _BLOCK, 1)[:height, :width]
    heat = with_bars(palette(big / high), [Legend("bits per pixel", 0.0, high)])
    titles = [
        "predicted from earlier frames", f"{cost.name}, {width}x{height}",
        f"cost: {cost.bytes:,} bytes, {8 * cost.bytes / (height * width):.3f} bpp",
    ]  # fmt: skip
    return side_by_side([cost.predicted, cost.actual, heat], titles)
