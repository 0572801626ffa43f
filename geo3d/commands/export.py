"""The verb `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro


def export(
    layout: tyro.conf.Positional[Literal["nerfstudio"]],
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

    Examples:
      geo3d export nerfstudio out/box_desk -o ns/box_desk
      geo3d export nerfstudio samples/box_desk -o ns/box_desk

    Args:
        layout: what to write.
        scan: output folder of `geo3d scan`, or an RGB-D folder with poses.
        output: folder for the result.
        frames: the scanned RGB-D folder, if it is no longer where the scan's report says.
        points: at most so many points in sparse_pc.ply.
        json: print one JSON object.
    """
    from geo3d.console import report, say
    from geo3d.errors import FormatError
    from geo3d.export import export_nerfstudio, open_scan

    if points < 1:
        raise FormatError(f"--points must be at least 1, got {points}")
    result = export_nerfstudio(open_scan(scan, frames), output, points)
    for name, reason in result.left_out.items():
        say(f"frame {name} is left out: {reason}")
    numbers = {"output": str(output), "layout": layout, "frames": result.frames, "points": result.points}
    left = result.left_out if json else len(result.left_out)
    report({**numbers, "left_out": left}, as_json=json)
