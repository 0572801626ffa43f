"""The verb `decompress`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import tyro

Box = tuple[float, float, float, float, float, float]


def decompress(
    input: tyro.conf.Positional[Path],
    /,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="PATH")],
    level: int | None = None,
    bbox: Annotated[Box | None, tyro.conf.arg(metavar="XMIN YMIN ZMIN XMAX YMAX ZMAX")] = None,
    item: str | None = None,
    salvage: Annotated[bool, tyro.conf.arg(aliases=["--keep-going"])] = False,
    threads: int = 2,
    json: bool = False,
) -> int:
    """Give back what a .g3c file holds, or a coarser level or a region of it.

    A container with one item is written to PATH, in the format that its suffix means; of one with several items PATH
    becomes a folder, unless --item picks one. --level L of a cloud with D levels gives cells 2^(D-L) times as large,
    with the attributes of one point of each cell. --bbox reads only the tiles that it touches.

    Examples:
      geo3d decompress scan.g3c -o scan.ply
      geo3d decompress scan.g3c -o preview.ply --level 7
      geo3d decompress city.g3c -o block.laz --bbox 100 200 0 150 250 80

    Args:
        input: the .g3c file.
        output: file to write, or a folder for several items.
        level: decode a cloud to this octree level only.
        bbox: decode only points in this box, in the cloud's unit; of a volume, its first and last voxel.
        item: name of the only item wanted.
        salvage: write what is intact of a damaged file; names what is missing and exits with 1.
        threads: tiles decoded at the same time.
        json: print one JSON object.
    """
    import time

    from geo3d.console import say
    from geo3d.errors import Geo3DError
    from geo3d_compression.codecs import View
    from geo3d_compression.commands.extract import extract, pick
    from geo3d_compression.commands.measure import peak_mb, show, summarise
    from geo3d_compression.container import Container

    if threads < 1:
        raise Geo3DError(f"--threads must be at least 1, got {threads}")
    view = View(level, bbox, salvage, threads)
    start = time.perf_counter()
    with Container(input, salvage=salvage) as container:
        items = pick(container, item)
        rows: list[dict[str, Any]] = extract(container, items, output, view)
        size = container.bytes
    seconds = time.perf_counter() - start
    result = summarise(rows, size)
    if level is not None or bbox is not None or item is not None:
        # The file's bytes hold more than what came out.
        result["bits_per_unit"] = None
    profile = next((r["profile"] for r in rows if "profile" in r), None)
    show({**result, "profile": profile, "seconds": seconds, "peak_mb": peak_mb()}, as_json=json)
    for loss in view.losses:
        say(f"lost: {loss}")
    return 1 if view.losses else 0
