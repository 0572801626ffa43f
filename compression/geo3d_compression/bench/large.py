"""`python -m geo3d_compression.bench.large`: memory and time of `geo3d` on a cloud larger than memory.

Made for it: an airborne survey's worth of hills and walls, as densely sampled as its grid.  Compressed, a box of it
decompressed, and all of it; what comes back is compared with what went in, point by point.  Every call is a process
of its own; its tiles are coded by threads of it, so that its peak memory is that of all workers together.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from geo3d.bench.process import run_measured
from geo3d.bench.suite import Row
from geo3d.console import report
from geo3d.io.points.pieces import point_pieces

_PIECE = 2_000_000
# Edge in metres of the box that is decompressed alone, from a quarter of the survey's side on.
_BOX = 100.0


def main(
    points: int = 200_000_000,
    grid: float = 0.05,
    profile: str = "fast",
    threads: int = 1,
    folder: Path | None = None,
) -> None:
    """Print a line of JSON for each call: seconds, CPU seconds, peak memory (MB), and what was found wrong.

    Args:
        points: of the cloud; float32 in an .npy file of 12 bytes each.
        grid: cell in metres, about the distance of neighbours too.
        profile: fast or best.
        threads: tiles at the same time.
        folder: for the files, 48 bytes a point in all (default: a temporary one); files that are there are not made
            again.
    """
    with tempfile.TemporaryDirectory(prefix="geo3d-") as temporary:
        for row in rows(folder or Path(temporary), points, grid, profile, threads):
            report({"points": points, "threads": threads, **row}, as_json=True)


def rows(folder: Path, points: int, grid: float, profile: str, threads: int) -> Iterator[Row]:
    """Compress, decompress a box, decompress all."""
    source, packed = folder / "survey.npy", folder / "survey.g3c"
    side = grid * points**0.5
    if not source.exists():
        write_survey(source, points, side)
    common = ["--threads", str(threads)]
    if not packed.exists():
        words = ["compress", str(source), "-o", str(packed), "--grid", str(grid), "--profile", profile, *common]
        row = measured(words)
        size = packed.stat().st_size
        yield {"work": "compress", **row, "bytes": size, "bits_a_point": 8 * size / points}
    a, b = side / 4, min(side / 4 + _BOX, side)
    box = (a, a, -100.0, b, b, 100.0)
    part = folder / "box.npy"
    row = measured(["decompress", str(packed), "-o", str(part), *common, "--bbox", *map(str, box)])
    touched, tiles = tiles_in(packed, box)
    yield {
        "work": "decompress --bbox", **row, "tiles": tiles, "touched": touched,
        **compare(source, part, packed, np.array(box).reshape(2, 3)),
    }  # fmt: skip
    whole = folder / "back.npy"
    row = measured(["decompress", str(packed), "-o", str(whole), *common])
    yield {"work": "decompress", **row, **compare(source, whole, packed)}


def write_survey(path: Path, points: int, side: float) -> None:
    """An .npy file of float32 [N, 3]: hills on a square of this side, with a wall every 31 m; piece by piece."""
    partial = path.with_suffix(".part")
    cloud = np.lib.format.open_memmap(partial, "w+", np.float32, (points, 3))
    rng = np.random.default_rng(5)
    for start in range(0, points, _PIECE):
        n = min(_PIECE, points - start)
        xy = rng.random((n, 2), dtype=np.float32) * np.float32(side)
        z = 3 * np.sin(xy[:, 0] / 17) + 2 * np.cos(xy[:, 1] / 11)
        wall = xy[:, 0] % 31 < 0.4
        z[wall] += rng.random(int(wall.sum()), dtype=np.float32) * 6
        cloud[start : start + n, :2], cloud[start : start + n, 2] = xy, z
    cloud.flush()
    partial.rename(path)


def measured(words: list[str]) -> Row:
    """Run one call of the program in a process of its own."""
    run = run_measured([sys.executable, "-m", "geo3d.cli", *words])
    if run.code:
        raise SystemExit(f"geo3d {words[0]} failed with exit code {run.code}")
    return {"seconds": run.seconds, "cpu_s": run.cpu_seconds, "peak_mb": run.peak / 1e6}


def tiles_in(packed: Path, box: tuple[float, float, float, float, float, float]) -> tuple[int, int]:
    """Tiles of a file that a box touches, and all of them."""
    from geo3d_compression.cloud.decode import read_header, touches
    from geo3d_compression.container import Container

    with Container(packed) as container:
        header = read_header(container, 0)
        return sum(touches(header, tile, box) for tile in header.tiles), len(header.tiles)


def compare(source: Path, result: Path, packed: Path, box: NDArray[np.float64] | None = None) -> Row:
    """Points that came back, and whether they are the cells of the source's points as often as those have points.

    Order is not compared: sums of 64-bit hashes of cells are.  `box` [2, 3] keeps the points whose cell's middle,
    rounded as a decoder does, lies in it.
    """
    from geo3d_compression.cloud.decode import read_header
    from geo3d_compression.container import Container

    with Container(packed) as container:
        grid = read_header(container, 0).grid
    wanted, found = _digest(_cells(source, grid, box)), _digest(_cells(result, grid, box))
    return {"points_back": found[0], "missing": wanted[0] - found[0], "same_cells": wanted == found}


def _cells(path: Path, grid: Any, box: NDArray[np.float64] | None) -> Iterator[NDArray[np.int64]]:
    pieces = point_pieces(path)
    assert pieces is not None
    for piece in pieces:
        cells = grid.indices(piece.points)
        if box is not None:
            middles = grid.points(cells)
            cells = cells[((middles >= box[0]) & (middles <= box[1])).all(axis=1)]
        yield cells


def _digest(cells: Iterable[NDArray[np.int64]]) -> tuple[int, int]:
    """How many cells, and the sum of their hashes modulo 2^64: the same for any order."""
    count, total = 0, 0
    factors = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
    for indices in cells:
        h = (indices.astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
        h = (h ^ (h >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        count += len(h)
        total += int((h ^ (h >> np.uint64(31))).sum(dtype=np.uint64))
    return count, total % (1 << 64)


if __name__ == "__main__":
    tyro.cli(main)
