"""A point cloud into the chunks of a container.

cloud -> grid indices -> tiles -> octree chunks, of all cells or of coarser ones (geometry)
                               -> counts, refinement, attributes    (channels along the coding order)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo3d.ops.morton import morton_decode, morton_encode
from geo3d.types import PointCloud
from geo3d_compression.attributes.channels import ChannelRange, encode_channels
from geo3d_compression.attributes.lossy import encode_colors, level_means, rgb_to_ycc, split_levels
from geo3d_compression.attributes.narrow.codec import encode_narrow
from geo3d_compression.attributes.order import CodingOrder, build_order
from geo3d_compression.attributes.surroundings import Surroundings, find_surroundings
from geo3d_compression.cloud.attributes import Attribute, of_cloud, ranges, refinement
from geo3d_compression.cloud.geometry import encode_geometry
from geo3d_compression.cloud.groups import groups_of, level_cuts
from geo3d_compression.cloud.header import CloudHeader, TileHeader, channel_groups
from geo3d_compression.cloud.metadata import pack_metadata
from geo3d_compression.cloud.options import CloudOptions
from geo3d_compression.cloud.order import encode_permutation
from geo3d_compression.cloud.prepare import prepare
from geo3d_compression.cloud.recolor import nearest, recolor
from geo3d_compression.cloud.surface import encode_surface
from geo3d_compression.cloud.tiles import Tile, split
from geo3d_compression.container import ChunkType, ContainerWriter
from geo3d_compression.container.fields import put_varint
from geo3d_compression.parallel import ordered_map
from geo3d_compression.upsample.lattice import UNIT
from geo3d_compression.upsample.weights import weights_id

Chunk = tuple[ChunkType, int, bytes]


@dataclass(frozen=True)
class CloudReport:
    """points put in, points that a decoder gives back, and the largest error of a coordinate along an axis.

    Of lossy geometry: edge of the coded cells in cells of the grid, and D1 PSNR in dB (see `CloudHeader.d1_psnr`).
    """

    input_points: int
    points: int
    error: float
    cell: float
    ratio: float = 1.0
    d1_psnr: float | None = None


def encode_cloud(
    cloud: PointCloud, writer: ContainerWriter, item: int, options: CloudOptions | None = None
) -> CloudReport:
    """Write a cloud as the chunks of `item` and say what became of it."""
    options = options or CloudOptions()
    ready = prepare(cloud, options)
    attributes = of_cloud(ready.cloud, options.profile, options.quality)
    if ready.deltas is not None:
        attributes.insert(0, refinement(ready.deltas))
    low, high = ready.indices.min(axis=0), ready.indices.max(axis=0)
    depth = max(int(b) - int(a) for a, b in zip(low, high, strict=True)).bit_length()

    # Scans of one sensor have it at zero; elsewhere the hint does no harm.
    sensor = ready.grid.position(np.zeros(3))
    jobs = (TileJob(t, ready.indices, ready.scale, sensor, attributes, options) for t in split(ready.indices))
    tiles = write_tiles(jobs, writer, item, options)
    header = CloudHeader(
        options.profile, len(cloud), depth, ready.grid, ready.error, options.keep_order,
        tuple(a.header for a in attributes), tuple(tiles.headers), ready.scale, *tiles.surface(ready.scale),
    )  # fmt: skip
    writer.add_chunk(item, ChunkType.HEADER, header.pack(), critical=True)
    if options.keep_order:
        writer.add_chunk(item, ChunkType.ORDER, encode_permutation(np.concatenate(tiles.orders)))
    if metadata := pack_metadata(cloud.metadata):
        writer.add_chunk(item, ChunkType.METADATA, metadata)
    return report_of(header)


def report_of(header: CloudHeader) -> CloudReport:
    """What a header says became of its cloud."""
    grid = header.grid
    return CloudReport(
        header.input_points, header.points, header.error, grid.step, header.scale / UNIT, header.d1_psnr
    )  # fmt: skip


# Of so many points or fewer, geometry and attributes are coded at the same time, which takes memory for both: larger
# clouds have tiles to code side by side.
_BESIDE_POINTS = 300_000


@dataclass(frozen=True, eq=False)
class TileJob:
    """A tile of `indices` [N, 3] with their attributes, and how it is to be coded; `sensor` in cells of the grid."""

    tile: Tile
    indices: NDArray[np.int64]
    scale: int
    sensor: NDArray[np.float64]
    attributes: Sequence[Attribute]
    options: CloudOptions


@dataclass(frozen=True, eq=False)
class WrittenTiles:
    """Headers of the tiles, with `keep_order` the points in them, and the sum of squared distances of lossy ones."""

    headers: list[TileHeader]
    orders: list[NDArray[np.int64]]
    squares: float

    def surface(self, scale: int) -> tuple[bytes, float]:
        """The weights that lossy geometry needs, and its mean squared distance, to twelve bits."""
        if scale == UNIT:
            return b"", 0.0
        mantissa, exponent = math.frexp(self.squares / sum(t.points for t in self.headers))
        return weights_id(), math.ldexp(round(mantissa * 4096), exponent - 12)


def write_tiles(jobs: Iterable[TileJob], writer: ContainerWriter, item: int, options: CloudOptions) -> WrittenTiles:
    """Code tiles side by side and write their chunks in order."""
    headers: list[TileHeader] = []
    orders: list[NDArray[np.int64]] = []
    squares = 0.0
    for part, (tile, header, chunks, error) in enumerate(ordered_map(_encode_tile, jobs, options.threads)):
        headers.append(header)
        squares += error * header.points
        if options.keep_order:
            orders.append(tile.order)
        for kind, index, payload in chunks:
            writer.add_chunk(item, kind, payload, part=part, index=index)
    return WrittenTiles(headers, orders, squares)


def _encode_tile(job: TileJob) -> tuple[Tile, TileHeader, list[Chunk], float]:
    tile, options = job.tile, job.options
    codes = morton_encode(job.indices[tile.order] - np.array(tile.origin))
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    voxels, counts = codes[starts], np.diff(np.append(starts, len(codes)))
    sensor = job.sensor - np.array(tile.origin, np.float64)
    values = [Attribute(a.header, a.values[tile.order]) for a in job.attributes]
    error, surface = 0.0, {}
    if job.scale > UNIT:
        coded = encode_surface(voxels, tile.depth, job.scale, options.profile, sensor, 1)
        values = [_resample(a, morton_decode(voxels), morton_decode(coded.codes)) for a in values]
        geometry, voxels, codes, error = coded.chunks, coded.codes, coded.codes, coded.error
        surface = {"cells": coded.cells, "density": coded.density}
        counts = np.ones(len(voxels), np.int64)
        carried, groups = _encode_carried(voxels, counts, tile, values)
    else:
        beside = options.threads > 1 and bool(values) and len(job.indices) <= _BESIDE_POINTS
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(encode_geometry, voxels, tile.depth, options.profile, sensor) if beside else None
            carried, groups = _encode_carried(voxels, counts, tile, values)
            geometry = coming.result() if coming else encode_geometry(voxels, tile.depth, options.profile, sensor)
    chunks: list[Chunk] = [(ChunkType.GEOMETRY, k, data) for k, data in enumerate(geometry)]
    header = TileHeader(tile.origin, tile.depth, len(voxels), len(codes), len(geometry), groups, **surface)
    return tile, header, chunks + carried, error


def _encode_carried(
    voxels: NDArray[np.int64], counts: NDArray[np.int64], tile: Tile, values: Sequence[Attribute]
) -> tuple[list[Chunk], int]:
    """Chunks of how many points the voxels hold and of what these carry, and the number of groups of levels."""
    chunks: list[Chunk] = []
    several = counts if counts.max(initial=1) > 1 else None
    if not values and several is None:
        return chunks, 1
    order = build_order(voxels, tile.depth)
    groups = groups_of(order)
    if several is not None:
        chunks += _encode_counts(order, several)
        order = build_order(voxels, tile.depth, several)
    around = None
    if any(a.header.model == "narrow" for a in values):
        around = find_surroundings(voxels, tile.depth, order, several)
    for k, attribute in enumerate(values):
        if attribute.header.step:
            chunks += _encode_lossy(voxels, tile, several, k, attribute, groups)
        else:
            chunks += _encode_attribute(order, around, several, k, attribute, groups)
    return chunks, groups


def _resample(attribute: Attribute, original: NDArray[np.int64], decoded: NDArray[np.int64]) -> Attribute:
    """An attribute on the decoded voxels: colours are blended, of the rest the nearest original's is taken."""
    if attribute.header.role == "color":
        return Attribute(attribute.header, recolor(original, attribute.values, decoded, 1))
    return Attribute(attribute.header, attribute.values[nearest(original, decoded, 1)])


def _encode_counts(order: CodingOrder, counts: NDArray[np.int64]) -> Iterator[Chunk]:
    values = np.zeros((len(counts), 1), np.int64)
    values[order.position, 0] = counts - 1
    top = int(counts.max()) - 1
    (data,) = encode_channels(order, values, [ChannelRange(0, top)], [len(counts)])
    head = bytearray()
    put_varint(head, top)
    yield ChunkType.COUNTS, 0, bytes(head) + data


def _encode_lossy(
    voxels: NDArray[np.int64], tile: Tile, counts: NDArray[np.int64] | None, number: int, attribute: Attribute,
    groups: int,
) -> Iterator[Chunk]:  # fmt: skip
    """Lossy colours: one mean a voxel, in Y Cb Cr."""
    colors = level_means(rgb_to_ycc(attribute.values.astype(np.uint8)), counts)
    streams = encode_colors(voxels, tile.depth, colors, attribute.header.step, split_levels(tile.depth, groups))
    for k, data in enumerate(streams):
        yield ChunkType.ATTRIBUTE, 2 * number + k, data


def _encode_attribute(
    order: CodingOrder, around: Surroundings | None, counts: NDArray[np.int64] | None, number: int,
    attribute: Attribute, groups: int,
) -> Iterator[Chunk]:  # fmt: skip
    values = np.zeros_like(attribute.values)
    values[order.of_points(counts)] = attribute.values
    spans = ranges(attribute.header)
    per_group: list[list[bytes]] = [[] for _ in range(groups)]
    cuts = level_cuts(order, groups)
    for part in channel_groups(values.shape[1]):
        if attribute.header.model == "narrow":
            assert around is not None
            joined = attribute.header.transform == "jpeg"
            streams = encode_narrow(around, values[:, part], spans[part], cuts, joined=joined)
        else:
            streams = encode_channels(order, values[:, part], spans[part], cuts)
        for k, data in enumerate(streams):
            per_group[k].append(data)
    for k, parts in enumerate(per_group):
        sizes = b"".join(len(p).to_bytes(4, "little") for p in parts[:-1])
        yield ChunkType.ATTRIBUTE, 2 * number + k, sizes + b"".join(parts)
