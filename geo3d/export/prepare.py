"""A recorded frame as the folder of a recording can hold it."""

from __future__ import annotations

from geo3d.io.rgbd.recordings import RecordedFrame
from geo3d.io.rgbd.transforms_entries import is_rational
from geo3d.ops import register_depth, undistort
from geo3d.types import RGBDFrame


def prepared(recorded: RecordedFrame) -> RGBDFrame:
    """The frame with depth and colour of one camera, and without rational distortion."""
    frame, rig = recorded.frame, recorded.rig
    assert frame is not None
    if rig is not None:
        return register_depth(frame, rig.color, rig.camera, rig.T_color_depth)
    return undistort(frame) if is_rational(frame.camera) else frame
