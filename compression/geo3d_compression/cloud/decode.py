"""Chunks of a container back to a point cloud: all of it, a coarser level, or a box.  Mirrors `encode`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, Geo3DError
from geo3d.ops.morton import morton_decode, morton_encode
from geo3d.types import PointCloud
from geo3d_compression.attributes.channels import ChannelRange, decode_channels
from geo3d_compression.attributes.lossy import decode_colors, split_levels, ycc_to_rgb
from geo3d_compression.attributes.narrow.codec import decode_narrow
from geo3d_compression.attributes.order import CodingOrder, build_order
from geo3d_compression.attributes.surroundings import Surroundings, find_surroundings
from geo3d_compression.cloud.attributes import ranges, restore, to_cloud
from geo3d_compression.cloud.geometry import decode_geometry
from geo3d_compression.cloud.groups import level_cuts
from geo3d_compression.cloud.header import RETIRED, AttributeHeader, CloudHeader, TileHeader, channel_groups
from geo3d_compression.cloud.metadata import unpack_metadata
from geo3d_compression.cloud.order import decode_permutation
from geo3d_compression.cloud.prepare import refine
from geo3d_compression.cloud.surface import decode_surface
from geo3d_compression.container import ChunkType, Container
from geo3d_compression.container.fields import Cursor
from geo3d_compression.parallel import ordered_map
from geo3d_compression.upsample.weights import weights_id

Box = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class CloudView:
    """What part of a cloud to decode.

    level    0 ... depth of the octree; depth (None) gives all points, each level less halves the resolution
    box      x, y, z of the lowest and of the highest corner, in the cloud's unit
    threads  tiles decoded at the same time
    salvage  leave out tiles that are damaged instead of failing; `losses` says which
    """

    level: int | None = None
    box: Box | None = None
    threads: int = 2
    salvage: bool = False
    losses: list[str] = field(default_factory=list)


def read_header(container: Container, item: int) -> CloudHeader:
    """The checked header of a cloud."""
    header = CloudHeader.unpack(container.need(item, ChunkType.HEADER))
    if header.lossy and header.model != weights_id():
        raise BitstreamError(
            f"'{container.items[item].name}' needs the up-sampling model {header.model.hex() or '(none)'}; "
            f"installed is {weights_id().hex()}: install the version that wrote it"
        )
    return header


def decode_cloud(container: Container, item: int, view: CloudView | None = None) -> PointCloud:
    """The cloud of one item, or the part of it that `view` asks for."""
    view = view or CloudView()
    header = read_header(container, item)
    level = header.depth if view.level is None else view.level
    if not 0 <= level <= header.depth:
        raise Geo3DError(f"--level must be 0 to {header.depth} for '{container.items[item].name}', got {level}")
    coarser = header.depth - level
    parts = list(decode_parts(container, item, view))
    if not parts:
        if view.losses:
            raise BitstreamError(f"nothing of '{container.items[item].name}' could be decoded: {view.losses[0]}")
        raise Geo3DError(f"no point of '{container.items[item].name}' lies in the box {view.box}")
    cloud = parts[0] if len(parts) == 1 else PointCloud.concatenate(parts)
    if header.ordered and not coarser and view.box is None and len(cloud) == header.points:
        cloud = cloud[decode_permutation(container.need(item, ChunkType.ORDER), header.points)]
    if view.box is not None:
        low, high = np.array(view.box[:3]), np.array(view.box[3:])
        cloud = cloud[((cloud.points >= low) & (cloud.points <= high)).all(axis=1)]
        if not len(cloud):
            raise Geo3DError(f"no point of '{container.items[item].name}' lies in the box {view.box}")
    return replace(cloud, metadata=read_metadata(container, item))


def read_metadata(container: Container, item: int) -> dict[str, Any]:
    """What the input's format said in its header."""
    chunk = container.find(item, ChunkType.METADATA)
    return unpack_metadata(container.read(chunk)) if chunk else {}


def decode_parts(container: Container, item: int, view: CloudView) -> Iterator[PointCloud]:
    """The tiles that a view touches, one after the other, points outside of its box included."""
    header = read_header(container, item)
    coarser = 0 if view.level is None else header.depth - view.level
    jobs = (
        _fetch(container, item, header, part, coarser, view)
        for part, tile in enumerate(header.tiles)
        if view.box is None or touches(header, tile, view.box)
    )
    for part in ordered_map(_decode_job, jobs, view.threads):
        if part is not None:
            yield part


@dataclass(frozen=True, eq=False)
class _Job:
    """The bytes of one tile, read in the calling thread."""

    header: CloudHeader
    tile: TileHeader
    coarser: int
    geometry: list[bytes]
    counts: bytes | None
    attributes: list[list[bytes]]
    view: CloudView
    error: BitstreamError | None = None

    @property
    def threads(self) -> int:
        """Within the tile: tiles share what there is."""
        return self.view.threads if len(self.header.tiles) == 1 else 1


def touches(header: CloudHeader, tile: TileHeader, box: Box) -> bool:
    """Whether a tile's cube and a box have a point in common."""
    corners = np.array([tile.origin, np.array(tile.origin) + (1 << tile.depth)])
    low, high = header.grid.centres(corners).astype(np.float64)
    return bool((low <= box[3:]).all() and (high >= box[:3]).all())


def _fetch(container: Container, item: int, header: CloudHeader, part: int, coarser: int, view: CloudView) -> _Job:
    tile = header.tiles[part]
    try:
        geometry = [container.need(item, ChunkType.GEOMETRY, part, k) for k in range(tile.geometry_chunks)]
        counts = None
        if tile.points > tile.voxels and not coarser:
            counts = container.need(item, ChunkType.COUNTS, part)
        groups = 1 if coarser >= 2 else tile.attribute_groups
        attributes = [
            [container.need(item, ChunkType.ATTRIBUTE, part, 2 * number + k) for k in range(groups)]
            for number, a in enumerate(header.attributes)
            if not (coarser and a.role == "refinement")
        ]
    except BitstreamError as error:
        if not view.salvage:
            raise
        return _Job(header, tile, coarser, [], None, [], view, error)
    return _Job(header, tile, coarser, geometry, counts, attributes, view)


def _decode_job(job: _Job) -> PointCloud | None:
    try:
        if job.error is not None:
            raise job.error
        return _decode_tile(job)
    except BitstreamError as error:
        if not job.view.salvage:
            raise
        job.view.losses.append(f"{job.tile.points} points at {job.tile.origin}: {error}")
        return None


def _decode_tile(job: _Job) -> PointCloud:
    header, tile = job.header, job.tile
    dropped = min(job.coarser, tile.depth)
    depth = tile.depth - dropped
    wanted = [a for a in header.attributes if not (job.coarser and a.role == "refinement")]
    # The transform of lossy colours weighs a node by its voxels, so that it needs all of them.
    finest = tile.depth if any(a.step for a in wanted) else depth
    all_codes = _decode_geometry(job, finest)
    codes = all_codes if finest == depth else np.unique(all_codes >> 3 * dropped)
    voxels = morton_decode(codes)
    counts = _decode_counts(job, codes) if job.counts is not None else None
    # The middle of the coarser cell, in cells of the grid.
    middle = ((1 << dropped) - 1) / 2
    indices = np.array(tile.origin) + ((voxels << dropped) if dropped else voxels)
    points = header.grid.centres(indices + middle) if dropped else header.grid.points(indices)
    if not wanted:
        return PointCloud(points if counts is None else np.repeat(points, counts, axis=0))
    order = build_order(codes, depth, counts)
    place = order.of_points(counts)
    around = None
    if any(a.model == "narrow" for a in wanted):
        around = find_surroundings(codes, depth, order, counts, dropped)
    integers = [
        _decode_lossy(all_codes, a, streams, tile, depth, counts)
        if a.step
        else _decode_attribute(order, around, a, streams, tile, dropped)[place]
        for a, streams in zip(wanted, job.attributes, strict=True)
    ]
    points = points if counts is None else np.repeat(points, counts, axis=0)
    if wanted[0].role == "refinement":
        points = refine(points, restore(wanted[0], integers[0]))
        wanted, integers = wanted[1:], integers[1:]
    return to_cloud(points, wanted, [restore(a, v) for a, v in zip(wanted, integers, strict=True)])


def _decode_geometry(job: _Job, level: int) -> NDArray[np.int64]:
    """Morton codes of a tile's nodes at a level."""
    tile = job.tile
    if job.header.lossy:
        voxels = decode_surface(
            job.geometry, tile.depth, job.header.scale, tile.cells, tile.density, tile.voxels, job.threads
        )  # fmt: skip
        return voxels if level == tile.depth else np.unique(voxels >> 3 * (tile.depth - level))
    voxels = decode_geometry(job.geometry, tile.depth, level)
    if len(voxels) == 0 or len(voxels) > tile.voxels or (level == tile.depth and len(voxels) != tile.voxels):
        raise BitstreamError(f"a tile of {tile.voxels} voxels decoded to {len(voxels)}")
    codes = morton_encode(voxels)
    if (codes[1:] <= codes[:-1]).any():
        raise BitstreamError("the decoded voxels are not in Morton order")
    return codes


def _decode_lossy(
    codes: NDArray[np.int64], header: AttributeHeader, streams: list[bytes], tile: TileHeader, level: int,
    counts: NDArray[np.int64] | None,
) -> NDArray[np.int64]:  # fmt: skip
    if header.model == RETIRED:
        raise BitstreamError(
            "this cloud's lossy colours are of cloud version 2, whose coding has changed: decompress it with the "
            "version that wrote it and compress it again"
        )
    cuts = split_levels(tile.depth, tile.attribute_groups)[: len(streams)]
    colors = ycc_to_rgb(decode_colors(codes, tile.depth, streams, header.step, cuts, level)).astype(np.int64)
    return colors if counts is None else np.repeat(colors, counts, axis=0)


def _decode_counts(job: _Job, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    assert job.counts is not None
    order = build_order(codes, job.tile.depth)
    cursor = Cursor(job.counts, "counts chunk")
    top = cursor.varint()
    if not 1 <= top < job.tile.points:
        raise BitstreamError(f"a voxel announces {top + 1} points, its tile {job.tile.points}")
    values = decode_channels(order, [cursor.take(cursor.left)], [ChannelRange(0, top)], [len(codes)], len(codes))
    counts = values[order.position, 0] + 1
    if counts.sum() != job.tile.points:
        raise BitstreamError(f"the voxels of a tile hold {counts.sum()} points instead of {job.tile.points}")
    return counts


def _decode_attribute(
    order: CodingOrder, around: Surroundings | None, header: AttributeHeader, streams: list[bytes], tile: TileHeader,
    dropped: int,
) -> NDArray[np.int64]:  # fmt: skip
    spans = ranges(header)
    parts = channel_groups(len(spans))
    split = [list(_split_streams(data, len(parts))) for data in streams]
    cuts = level_cuts(order, tile.attribute_groups, dropped)
    columns = []
    for k, part in enumerate(parts):
        data = [s[k] for s in split[: len(cuts)]]
        if header.model == "narrow":
            assert around is not None
            joined = header.transform == "jpeg"
            columns.append(decode_narrow(around, data, spans[part], cuts, tile.points, joined=joined))
        else:
            columns.append(decode_channels(order, data, spans[part], cuts, tile.points))
    return np.concatenate(columns, axis=1)


def _split_streams(data: bytes, count: int) -> Iterator[bytes]:
    sizes = [int.from_bytes(data[4 * k : 4 * k + 4], "little") for k in range(count - 1)]
    at = 4 * (count - 1)
    if sum(sizes) + at > len(data):
        raise BitstreamError("an attribute chunk is shorter than its parts")
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]
