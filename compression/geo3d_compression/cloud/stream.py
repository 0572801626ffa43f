"""Clouds that do not fit into memory, into the chunks of a container.

pass 1   bounds, and whether an exact grid holds all coordinates
pass 2   points in each of up to 128^3 cubes --> buckets: octree nodes with about a tile's worth of points
pass 3   indices and colours into one temporary file a bucket
then     bucket by bucket: tiles, as for clouds in memory
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import ShapeError
from geo3d.io.points.pieces import PointPieces
from geo3d.ops.morton import BITS, morton_decode, morton_encode
from geo3d.types import PointCloud
from geo3d_compression.cloud.attributes import of_cloud
from geo3d_compression.cloud.encode import CloudReport, TileJob, report_of, write_tiles
from geo3d_compression.cloud.grid import Grid, choose_between, exact_grid, holds, largest_error
from geo3d_compression.cloud.header import CloudHeader
from geo3d_compression.cloud.metadata import pack_metadata
from geo3d_compression.cloud.options import CloudOptions
from geo3d_compression.cloud.prepare import coded_scale, merge
from geo3d_compression.cloud.tiles import TILE_POINTS, split_cube
from geo3d_compression.container import ChunkType, ContainerWriter
from geo3d_compression.upsample.lattice import UNIT, widest

# Fewer points are coded from memory: the same tiles, without temporary files.
LEAST_POINTS = 6_000_000
_CUBE_BITS = 7


@dataclass(frozen=True)
class _Survey:
    """What pass 1 finds: corners [2, 3] of the box in the points' dtype, the exact grid, whether there are colours."""

    corners: NDArray[Any]
    exact: Grid | None
    colored: bool


def encode_pieces(pieces: PointPieces, writer: ContainerWriter, item: int, options: CloudOptions) -> CloudReport | None:
    """Write a cloud as the chunks of `item`; None where it must be coded from memory instead.

    That is: attributes other than colours, --keep-order, and coordinates that lie on no grid with --lossless.
    """
    survey = None if options.keep_order else _survey(pieces)
    if survey is None or (options.lossless and survey.exact is None):
        return None
    grid = choose_between(survey.corners, survey.exact, options.grid, options.bits)
    low, high = grid.indices(survey.corners)
    depth = max(int(b) - int(a) for a, b in zip(low, high, strict=True)).bit_length()
    if not _CUBE_BITS < depth <= BITS + _CUBE_BITS:
        return None
    with tempfile.TemporaryDirectory(prefix="geo3d-") as folder:
        buckets = _Buckets(Path(folder), pieces, grid, low, depth, survey.colored)
        scale = coded_scale(*buckets.load(int(np.argmax(buckets.sizes))), options)
        tiles = write_tiles(_jobs(buckets, grid, scale, options), writer, item, options)
        attributes = of_cloud(buckets.load(0)[0], options.quality)
    header = CloudHeader(
        options.profile, pieces.count, depth, grid, buckets.error + (widest(scale) - 1) * grid.step, False,
        tuple(a.header for a in attributes), tuple(tiles.headers), scale, *tiles.surface(scale),
    )  # fmt: skip
    writer.add_chunk(item, ChunkType.HEADER, header.pack(), critical=True)
    if metadata := pack_metadata(pieces.metadata):
        writer.add_chunk(item, ChunkType.METADATA, metadata)
    return report_of(header)


def _survey(pieces: Iterable[PointCloud]) -> _Survey | None:
    """Pass 1; None where there are attributes that the other passes do not carry."""
    corners: NDArray[Any] | None = None
    exact, colored = None, False
    for number, piece in enumerate(pieces):
        points = piece.points
        if piece.attributes or piece.normals is not None or points.dtype == np.uint64:
            return None
        if points.dtype.kind == "f" and not np.isfinite(points).all():
            raise ShapeError("the points have NaN or infinite coordinates; drop them first (`geo3d convert`)")
        box = np.stack([points.min(axis=0), points.max(axis=0)])
        if number == 0:
            corners, exact, colored = box, exact_grid(points), piece.colors is not None
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
    return _Survey(corners, exact, colored)


class _Buckets:
    """Points in temporary files, one an octree node; `error` is the grid's largest, `sizes` count the points."""

    def __init__(
        self, folder: Path, pieces: PointPieces, grid: Grid, low: NDArray[np.int64], depth: int, colored: bool
    ) -> None:
        self._folder, self._low, self._grid = folder, low, grid
        self._shift = depth - _CUBE_BITS
        counts = np.zeros(1 << 3 * _CUBE_BITS, np.int64)
        for piece in pieces:
            counts += np.bincount(self._cubes(grid.indices(piece.points)), minlength=len(counts))
        self._nodes = list(_nodes(counts, self._shift))
        self.sizes = np.array([int(counts[a:b].sum()) for a, b, _ in self._nodes])
        starts = np.array([a for a, _, _ in self._nodes])
        self._row = np.dtype([("index", "<i8", (3,)), *([("color", "u1", (3,))] if colored else [])])
        self.error = 0.0
        for piece in pieces:
            indices = grid.indices(piece.points)
            self.error = max(self.error, largest_error(grid, piece.points, indices))
            rows = np.zeros(len(indices), self._row)
            rows["index"] = indices
            if colored:
                rows["color"] = piece.colors
            bucket = np.searchsorted(starts, self._cubes(indices), "right") - 1
            order = np.argsort(bucket, kind="stable")
            bounds = np.searchsorted(bucket[order], np.arange(len(starts) + 1))
            for k in np.flatnonzero(np.diff(bounds)):
                with (folder / f"{k}").open("ab") as file:
                    file.write(rows[order[bounds[k] : bounds[k + 1]]].tobytes())

    def __len__(self) -> int:
        return len(self._nodes)

    def _cubes(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        return morton_encode((indices - self._low) >> self._shift)

    def load(self, number: int) -> tuple[PointCloud, NDArray[np.int64]]:
        """The cloud of a bucket and its indices [N, 3]."""
        rows = np.fromfile(self._folder / f"{number}", self._row)
        indices = np.ascontiguousarray(rows["index"])
        colors = np.ascontiguousarray(rows["color"]) if "color" in (self._row.names or ()) else None
        return PointCloud(self._grid.points(indices), colors), indices

    def cube(self, number: int) -> tuple[NDArray[np.int64], int]:
        """Corner and depth of a bucket's node."""
        first, _, depth = self._nodes[number]
        return self._low + (morton_decode(np.array([first]))[0] << self._shift), depth


def _nodes(counts: NDArray[np.int64], shift: int) -> Iterator[tuple[int, int, int]]:
    """The largest octree nodes of at most a tile's points, or single cubes: first and last cube, depth in voxels."""
    total = np.concatenate([[0], np.cumsum(counts)])
    stack = [(0, _CUBE_BITS)]
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


def _jobs(buckets: _Buckets, grid: Grid, scale: int, options: CloudOptions) -> Iterator[TileJob]:
    sensor = grid.position(np.zeros(3))
    for number in range(len(buckets)):
        cloud, indices = buckets.load(number)
        if options.duplicates == "merge" or scale > UNIT:
            cloud, indices = merge(cloud, indices)
        attributes = of_cloud(cloud, options.quality)
        corner, depth = buckets.cube(number)
        for tile in split_cube(indices, corner, depth):
            yield TileJob(tile, indices, scale, sensor, attributes, options)
