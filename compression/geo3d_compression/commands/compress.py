"""The verb `compress`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    from geo3d_compression.codecs import Request
    from geo3d_compression.container import ContainerWriter


def compress(
    inputs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="INPUT…")],
    /,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="OUT.g3c")],
    profile: Literal["fast", "best"] = "fast",
    lossless: bool = False,
    quality: float | None = None,
    grid: float | None = None,
    bits: int | None = None,
    codec: str | None = None,
    duplicates: Literal["keep", "merge"] = "keep",
    keep_order: bool = False,
    geometry: Literal["auto", "exact", "lossy"] = "auto",
    group: int | None = None,
    near: int = 0,
    stereo: bool = False,
    threads: int = 2,
    json: bool = False,
) -> None:
    """Compress point clouds and other files into one .g3c file.

    The codec follows from what an input is. Integer coordinates, and floats that lie on a decimal grid, are kept
    exactly; other floats are rounded to a grid, by default 2^-16 of the longest side and at most 1 mm. Attributes are
    kept exactly, unless --quality asks for smaller colours. Of a dense cloud --quality makes the geometry smaller too:
    coarser cells are stored, and the decoder predicts the surface inside them (see --geometry).

    Examples:
      geo3d compress scan.ply -o scan.g3c --grid 0.002
      geo3d compress room.ply -o room.g3c --grid 0.005 --quality 75
      geo3d compress person.ply -o person.g3c --quality 50
      geo3d compress lidar.laz -o lidar.g3c --lossless --profile best
      geo3d compress voxels.npy -o voxels.g3c --grid 1
      geo3d compress ct.nii.gz -o ct.g3c --profile best
      geo3d compress walk.mp4 -o walk.g3c --quality 60
      geo3d compress left.png right.png --stereo -o pair.g3c
      geo3d compress notes.pdf cloud.ply -o both.g3c --codec file

    Args:
        inputs: files to put into the container.
        output: the .g3c file to write.
        profile: fast (speed first) or best (size first).
        lossless: keep the exact bits of float coordinates.
        quality: 0 to 100 for lossy colours of clouds (90 looks the same, 50 is small; palettes of 16 or fewer stay
            exact) and lossy dense geometry; 1 to 100 for pictures (AVIF), video and colour frames of folders (AV1).
        grid: cell in the coordinates' unit (metres); the error is at most half of it.
        bits: instead of --grid, the longest side gets 2^bits cells.
        codec: force a codec for all inputs.
        duplicates: keep several points of one cell, or merge them (mean colour, the first point's other attributes).
        keep_order: give the points back in the input's order.
        geometry: exact, every occupied cell of the grid; lossy, by --quality; auto is lossy where --quality is given
            and the cloud is dense, but exact where it has colours and --grid or --bits is given.
        group: slices of a volume, or frames of a depth sequence, a video or a folder, that are decodable without the
            others.
        near: of lossless pictures, by how much a sample may change (0: not at all).
        stereo: the two INPUTs are the left and the right view (pictures or videos) of one camera pair: the right one is
            predicted from the left.
        threads: tiles coded at the same time.
        json: print one JSON object.
    """
    import time

    from geo3d.errors import Geo3DError
    from geo3d_compression.codecs import CODECS, Request, codec_for
    from geo3d_compression.commands.measure import peak_mb, show, summarise, unique_names
    from geo3d_compression.container import ContainerWriter

    if not inputs:
        raise Geo3DError("nothing to compress: give at least one INPUT")
    if threads < 1:
        raise Geo3DError(f"--threads must be at least 1, got {threads}")
    request = Request(profile, lossless, quality, grid, bits, duplicates, keep_order, threads, group, geometry, near)
    names = [codec_for(path, codec) for path in inputs]
    if near and set(names) != {"image"}:
        raise Geo3DError(f"--near bounds the error of pictures, got {', '.join(sorted(set(names)))}")
    start = time.perf_counter()
    rows: list[dict[str, Any]] = []
    with ContainerWriter() as writer:
        if stereo:
            rows.append(_stereo(inputs, writer, request))
            inputs = ()
            names = []
        for path, name, item_name in zip(inputs, names, unique_names(inputs), strict=True):
            outcome = CODECS[name].compress(path, writer, item_name, request)
            rows.append({"name": item_name, "codec": name, CODECS[name].unit: outcome.count, **outcome.details})
        size = writer.write(output)
    seconds = time.perf_counter() - start
    result = summarise(rows, size)
    show({**result, "profile": profile, "seconds": seconds, "peak_mb": peak_mb()}, as_json=json)


def _stereo(inputs: tuple[Path, ...], writer: ContainerWriter, request: Request) -> dict[str, Any]:
    """Add the item of a stereo pair; what is worth reporting of it."""
    from geo3d.errors import Geo3DError
    from geo3d_compression.codecs import CODECS
    from geo3d_compression.video.stereo import compress_pair

    if len(inputs) != 2:
        raise Geo3DError(f"--stereo takes two INPUTs, the left and the right view, got {len(inputs)}")
    outcome = compress_pair(inputs[0], inputs[1], writer, "stereo", request)
    return {"name": "stereo", "codec": "stereo", CODECS["stereo"].unit: outcome.count, **outcome.details}
