"""The verb `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import tyro


def export(
    layout: tyro.conf.Positional[Literal["nerfstudio", "rgbd"]],
    scan: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SCAN")],
    /,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")],
    frames: Path | None = None,
    points: int = 100_000,
    json: bool = False,
) -> None:
    """Write a scan in the layout of another tool.

    nerfstudio: transforms.json, images/, depth/ in millimetres, sparse_pc.ply. Frames without a pose, or that cannot
    be read, are left out and named on stderr and in export.json. Interrupted, the same command goes on.

    rgbd: unpack a recording (Record3D .r3d, Stray Scanner, Polycam or ARKitScenes folder, ROS 1 or 2 bag, RealSense
    .bag, Azure Kinect .mkv) into an RGB-D folder that every verb reads, with its poses, times and intrinsics.

    Examples:
      geo3d export nerfstudio out/box_desk -o ns/box_desk
      geo3d export nerfstudio samples/box_desk -o ns/box_desk
      geo3d export rgbd kitchen.r3d -o kitchen
      geo3d export rgbd kinect.mkv -o desk

    Args:
        layout: what to write.
        scan: output folder of `geo3d scan`, or an RGB-D folder with poses; for rgbd a recording.
        output: folder for the result.
        frames: the scanned RGB-D folder, if it is no longer where the scan's report says.
        points: at most so many points in sparse_pc.ply.
        json: print one JSON object.
    """
    from geo3d.errors import FormatError
    from geo3d.export import export_nerfstudio, open_scan

    if layout == "rgbd":
        from geo3d.export import prepared
        from geo3d.io import open_rgbd
        from geo3d.io.rgbd.recordings import unpack_recording

        left_out = unpack_recording(scan, output, prepared)
        numbers = {"output": str(output), "layout": layout, "frames": len(open_rgbd(output))}
        _report(numbers, left_out, json)
        return
    if points < 1:
        raise FormatError(f"--points must be at least 1, got {points}")
    result = export_nerfstudio(open_scan(scan, frames), output, points)
    numbers = {"output": str(output), "layout": layout, "frames": result.frames, "points": result.points}
    _report(numbers, result.left_out, json)


def _report(numbers: dict[str, Any], left_out: dict[str, str], json: bool) -> None:
    from geo3d.console import report, say

    for name, reason in left_out.items():
        say(f"frame {name} is left out: {reason}")
    report({**numbers, "left_out": left_out if json else len(left_out)}, as_json=json)
