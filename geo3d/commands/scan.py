"""The verb `scan`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro


def scan(
    folder: tyro.conf.Positional[Path],
    /,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    poses: Literal["estimate", "given"] = "estimate",
    voxel: float | None = None,
    max_depth: float | None = None,
    max_frames: int | None = None,
    pack: Literal["none", "stored", "fast", "best"] = "fast",
    fresh: bool = False,
    json: bool = False,
) -> None:
    """Turn an RGB-D folder into poses, a fused cloud, a mesh, one compressed file and a picture.

    Writes poses.txt (TUM), cloud.ply, mesh.ply, scan.g3c, snapshot.png and report.json into the output folder. Frames
    that cannot be used are named, never dropped silently. Interrupted with Ctrl-C, the same command goes on.

    Examples:
      geo3d scan samples/box_desk -o out/box_desk
      geo3d scan my_kinect_folder -o out/room --voxel 0.01
      geo3d scan my_arkit_folder -o out/flat --poses given --pack best

    Args:
        folder: RGB-D folder; the layout is detected.
        output: folder for the results.
        poses: estimate them from the images, or take the folder's.
        voxel: edge of a fused voxel in metres (default: from the scene's size).
        max_depth: depths beyond are not fused, metres (default: from the data).
        max_frames: stop after so many frames.
        pack: the posed frames' files in scan.g3c, always exactly: none of them, stored as they are, or coded fast or
            best (smaller, about four times slower).
        fresh: start again even if the output folder holds an unfinished scan of the same frames.
        json: print one JSON object.
    """
    from geo3d.console import report
    from geo3d.errors import FormatError
    from geo3d.io import open_rgbd
    from geo3d.scan.options import ProductOptions, ScanOptions
    from geo3d.scan.output import summary, write_products, write_report, write_scan
    from geo3d.scan.pipeline import STATE_FILE
    from geo3d.scan.pipeline import scan as run

    options = ScanOptions(poses, voxel, max_depth, max_frames)
    if output.exists() and not output.is_dir():
        raise FormatError(f"-o {output} is a file; give a folder")
    dataset = open_rgbd(folder)
    if fresh:
        (output / STATE_FILE).unlink(missing_ok=True)
    start = time.perf_counter()
    result = run(folder, output, options)
    write_scan(result, output)
    seconds = time.perf_counter() - start
    products = write_products(result, output, ProductOptions(pack))
    numbers = summary(dataset, result, products, seconds, poses)
    write_report(result, numbers, products, output)
    if json:
        report({**numbers, "output": output}, as_json=True)
    else:
        _print_table(numbers, output)


def _print_table(numbers: dict[str, Any], output: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    ate = numbers["ate_rmse_m"]
    packed = numbers["g3c_bytes"]
    frames = f"{numbers['posed']} of {numbers['frames']} posed"
    if numbers["lost"] or numbers["skipped"]:
        frames += f" ({numbers['lost']} lost, {numbers['skipped']} skipped: see report.json)"
    rows = {
        "frames": frames,
        "ATE against the given poses": "–" if ate is None else f"{ate * 100:.2f} cm RMSE",
        "points": f"{numbers['points']:,}",
        "faces": f"{numbers['faces']:,}",
        "files → scan.g3c": f"{numbers['raw_bytes']:,} → " + ("–" if packed is None else f"{packed:,}") + " bytes",
        "time": f"{numbers['seconds']:.1f} s ({numbers['frames_per_second']:.1f} frames/s)",
        "peak memory": f"{numbers['peak_mb']:.0f} MB",
    }
    table = Table(title=f"scan in {output}", show_header=False)
    for name, value in rows.items():
        table.add_row(name, value)
    Console(width=None if sys.stdout.isatty() else 100).print(table)
