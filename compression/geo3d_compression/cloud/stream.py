"""Clouds that do not fit into memory, into the chunks of a container.

pass 1   bounds, and whether an exact grid holds all coordinates
pass 2   points in each of up to 128^3 cubes --> buckets: octree nodes with about a tile's worth of points
pass 3   indices and attributes into one temporary file a bucket
then     bucket by bucket: tiles, as for clouds in memory

A cube that holds far more than a tile (a stray point makes the others' cubes large) goes through passes 2 and 3 again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.console import progress
from geo3d.errors import ShapeError
from geo3d.io.points.pieces import Pieces
from geo3d.ops.morton import BITS, morton_decode, morton_encode
from geo3d.types import PointCloud
from geo3d_compression.cloud.attributes import AttributeSurvey, Maps, of_cloud
from geo3d_compression.cloud.encode import CloudReport, TileJob, report_of, write_tiles
from geo3d_compression.cloud.grid import Grid, choose_between, exact_grid, holds, largest_error
from geo3d_compression.cloud.header import CloudHeader
from geo3d_compression.cloud.metadata import pack_metadata
from geo3d_compression.cloud.options import CloudOptions
from geo3d_compression.cloud.prepare import coded_scale, merge
from geo3d_compression.cloud.tiles import MAX_TILE_POINTS, TILE_POINTS, split_cube
from geo3d_compression.container import ChunkType, ContainerWriter
from geo3d_compression.upsample.lattice import UNIT, widest

# Fewer points are coded from memory: the same tiles, without temporary files.
LEAST_POINTS = 6_000_000
_CUBE_BITS = 7
# What is read at once of a file of rows: a tile's worth, so that one crowded cell makes the tiles of `tiles.split`.
_PIECE_ROWS = TILE_POINTS


@dataclass(frozen=True)
class _Survey:
    """What pass 1 finds: corners [2, 3] of the box in the points' dtype, the exact grid, attributes as integers."""

    corners: NDArray[Any]
    exact: Grid | None
    maps: Maps


def encode_pieces(pieces: Pieces, writer: ContainerWriter, item: int, options: CloudOptions) -> CloudReport | None:
    """Write a cloud as the chunks of `item`; None where it must be coded from memory instead.

    That is: --keep-order, and coordinates that lie on no grid with --lossless.
    """
    survey = None if options.keep_order else _survey(pieces)
    if survey is None or (options.lossless and survey.exact is None):
        return None
    grid = choose_between(survey.corners, survey.exact, options.grid, options.bits)
    low, high = grid.indices(survey.corners)
    depth = max(int(b) - int(a) for a, b in zip(low, high, strict=True)).bit_length()
    if depth > BITS + _CUBE_BITS:
        return None
    with tempfile.TemporaryDirectory(prefix="geo3d-") as folder:
        rows = _Rows(pieces, grid)
        buckets = split_rows(rows, low, depth, Path(folder))
        fullest = max(buckets, key=lambda b: b.points)
        scale = coded_scale(*_cloud(max((rows for rows, _, _ in _parts(fullest, False)), key=len), grid), options)
        tiles = write_tiles(_jobs(buckets, grid, scale, options, survey.maps), writer, item, options)
        attributes = of_cloud(_cloud(next(iter(buckets[0])), grid)[0], options.profile, options.quality, survey.maps)
    header = CloudHeader(
        options.profile, pieces.count, depth, grid, rows.error + (widest(scale) - 1) * grid.step, False,
        tuple(a.header for a in attributes), tuple(tiles.headers), scale, *tiles.surface(scale),
    )  # fmt: skip
    writer.add_chunk(item, ChunkType.HEADER, header.pack(), critical=True)
    if metadata := pack_metadata(pieces.metadata):
        writer.add_chunk(item, ChunkType.METADATA, metadata)
    return report_of(header)


def _survey(pieces: Iterable[PointCloud]) -> _Survey | None:
    """Pass 1; None where pieces differ in what they carry."""
    corners: NDArray[Any] | None = None
    exact, row, attributes = None, None, AttributeSurvey()
    for number, piece in enumerate(pieces):
        points = piece.points
        if points.dtype == np.uint64 or _row(piece) != (row := row or _row(piece)):
            return None
        if points.dtype.kind == "f" and not np.isfinite(points).all():
            raise ShapeError("the points have NaN or infinite coordinates; drop them first (`geo3d convert`)")
        attributes.add(piece)
        box = np.stack([points.min(axis=0), points.max(axis=0)])
        if number == 0:
            corners, exact = box, exact_grid(points)
            continue
        assert corners is not None
        corners = np.stack([np.minimum(corners[0], box[0]), np.maximum(corners[1], box[1])])
        if exact is not None and exact.divisor and not holds(exact, points):
            exact = None
    if corners is None:
        raise ShapeError("the cloud is empty: there is nothing to compress")
    if exact is not None and exact.divisor:
        side = float((corners[1].astype(np.float64) - corners[0].astype(np.float64)).max())
        exact = exact if side * exact.divisor < 1 << 24 else None
    return _Survey(corners, exact, attributes.maps())


class _Rows:
    """A cloud's points as rows of indices and attributes, anew at each iteration; `error` is the grid's largest yet."""

    def __init__(self, pieces: Pieces, grid: Grid) -> None:
        self._pieces, self._grid = pieces, grid
        self.error = 0.0

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for piece in self._pieces:
            rows = np.zeros(len(piece), _row(piece))
            rows["index"] = self._grid.indices(piece.points)
            self.error = max(self.error, largest_error(self._grid, piece.points, rows["index"]))
            for name, values in _columns(piece).items():
                rows[name] = values
            yield rows


def _columns(cloud: PointCloud) -> dict[str, NDArray[Any]]:
    """What the points carry, by the names of `_row`."""
    fixed = {"color": cloud.colors, "normal": cloud.normals}
    named = {f"attribute {name}": values for name, values in cloud.attributes.items()}
    return {name: values for name, values in (fixed | named).items() if values is not None}


def _row(cloud: PointCloud) -> np.dtype[Any]:
    columns = ((name, values.dtype, values.shape[1:]) for name, values in _columns(cloud).items())
    return np.dtype([("index", "<i8", (3,)), *columns])


@dataclass(frozen=True, eq=False)
class Bucket:
    """Points of the octree node of 2^depth cells at `corner` [3]: rows of a temporary file; iterating reads pieces."""

    path: Path
    row: np.dtype[Any]
    points: int
    corner: NDArray[np.int64]
    depth: int

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for first in range(0, self.points, _PIECE_ROWS):
            yield np.fromfile(self.path, self.row, _PIECE_ROWS, offset=first * self.row.itemsize)


def split_rows(source: Iterable[NDArray[Any]], corner: NDArray[np.int64], depth: int, folder: Path) -> list[Bucket]:
    """Passes 2 and 3: buckets in Morton order, from rows that lie in a cube of 2^depth cells at `corner`."""
    height = min(_CUBE_BITS, depth)
    shift = depth - height

    def cubes(rows: NDArray[Any]) -> NDArray[np.int64]:
        return morton_encode((rows["index"] - corner) >> shift)

    counts = np.zeros(1 << 3 * height, np.int64)
    for rows in source:
        counts += np.bincount(cubes(rows), minlength=len(counts))
    nodes = list(_nodes(counts, height, shift))
    starts = np.array([first for first, _, _ in nodes])
    row = np.dtype([])
    for rows in source:
        row = rows.dtype
        bucket = np.searchsorted(starts, cubes(rows), "right") - 1
        order = np.argsort(bucket, kind="stable")
        bounds = np.searchsorted(bucket[order], np.arange(len(starts) + 1))
        for k in np.flatnonzero(np.diff(bounds)):
            with (folder / f"{k}").open("ab") as file:
                file.write(rows[order[bounds[k] : bounds[k + 1]]].tobytes())
    corners = corner + (morton_decode(starts) << shift)
    return [
        Bucket(folder / f"{k}", row, int(counts[first:last].sum()), corners[k], bits)
        for k, (first, last, bits) in enumerate(nodes)
    ]


def _cloud(rows: NDArray[Any], grid: Grid) -> tuple[PointCloud, NDArray[np.int64]]:
    """Rows as a cloud and its indices [N, 3]."""
    columns = {name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names or ()}
    indices = columns.pop("index")
    colors, normals = columns.pop("color", None), columns.pop("normal", None)
    attributes = {name.removeprefix("attribute "): values for name, values in columns.items()}
    return PointCloud(grid.points(indices), colors, normals, attributes), indices


def _nodes(counts: NDArray[np.int64], height: int, shift: int) -> Iterator[tuple[int, int, int]]:
    """The largest octree nodes of at most a tile's points, or single cubes: first and last cube, depth in voxels."""
    total = np.concatenate([[0], np.cumsum(counts)])
    stack = [(0, height)]
    while stack:
        first, height = stack.pop()
        last = first + (1 << 3 * height)
        points = total[last] - total[first]
        if not points:
            continue
        if height and (points > TILE_POINTS or height + shift > BITS):
            stack += [(first + (k << 3 * (height - 1)), height - 1) for k in range(7, -1, -1)]
            continue
        yield first, last, height + shift


def _jobs(
    buckets: list[Bucket], grid: Grid, scale: int, options: CloudOptions, maps: Maps
) -> Iterator[TileJob]:  # fmt: skip
    sensor = grid.position(np.zeros(3))
    is_merged = options.duplicates == "merge" or scale > UNIT
    for bucket in progress(buckets, "cloud", len(buckets)):
        for rows, corner, depth in _parts(bucket, is_merged):
            cloud, indices = _cloud(rows, grid)
            del rows
            if is_merged:
                cloud, indices = merge(cloud, indices)
            attributes = of_cloud(cloud, options.profile, options.quality, maps)
            for tile in split_cube(indices, corner, depth):
                yield TileJob(tile, indices, scale, sensor, attributes, options)


def _parts(bucket: Bucket, is_merged: bool) -> Iterator[tuple[NDArray[Any], NDArray[np.int64], int]]:
    """Rows of a bucket, of at most `MAX_TILE_POINTS` points at a time, and the cube that they lie in."""
    if bucket.points <= MAX_TILE_POINTS:
        yield np.fromfile(bucket.path, bucket.row), bucket.corner, bucket.depth
    elif bucket.depth:
        with tempfile.TemporaryDirectory(dir=bucket.path.parent) as folder:
            for part in split_rows(bucket, bucket.corner, bucket.depth, Path(folder)):
                yield from _parts(part, is_merged)
    elif is_merged:
        # One cell: a mean of all its colours is asked for.
        yield np.fromfile(bucket.path, bucket.row), bucket.corner, 0
    else:
        for rows in bucket:
            yield rows, bucket.corner, 0
