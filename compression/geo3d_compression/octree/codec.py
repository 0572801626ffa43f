"""Lossless voxel geometry as an octree, coarse to fine: the seam that the point-cloud codec calls.

Chunk layout (all numbers LEB128 unless said):

    chunk 0   version (u8), profile (u8), depth (u8), networks (u8), view (u8), number of leaves, sensor and its rings,
              then as the others
    chunk k   number of levels in the chunk, children of each level, bytes of every lane but the last, the lanes'
              range coder bytes

A chunk continues the adaptive state of the chunks before it, so that chunks are a prefix: the first ones alone give a
coarser cloud.  Coarse levels share the first chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo3d.errors import BitstreamError, ShapeError
from geo3d_compression.entropy.coder import check_decoder, finish, new_decoder, new_encoder
from geo3d_compression.octree.choice import choose_networks
from geo3d_compression.octree.level_coder import Coder, LevelCoder
from geo3d_compression.octree.levels import child_level, occupancy_of, root_level
from geo3d_compression.octree.morton import MAX_DEPTH, morton_decode, morton_encode
from geo3d_compression.octree.sensor import Sensor, find_sensor, read_sensor
from geo3d_compression.octree.turn import VIEWS, turn, turn_back, turn_sensor, view_of
from geo3d_compression.octree.varint import read_varint, write_varint
from geo3d_compression.octree.weights import NETWORKS, weights_id

Profile = Literal["fast", "best"]

VERSION = 14
# As the current one, but that its clouds are never `SCATTERED`.
_VERSION_13 = 13

# Levels up to this many nodes go into the first chunk.
_FIRST_CHUNK_NODES = 1 << 14

# No stream of ours packs more nodes into a byte: eight decisions of at least 2^-14.5 bits each.
_MAX_NODES_PER_BYTE = 1 << 15


def encode(
    voxels: NDArray[np.integer],
    depth: int,
    profile: Profile = "best",
    origin: ArrayLike | None = None,
    sensor: Sensor | None = None,
) -> list[bytes]:
    """Chunks, coarse first, of unique voxels [N, 3] with coordinates in [0, 2^depth).

    `origin` [3]: where the sensor stood, in cells (fractions and positions outside the grid allowed).  Scans of one
    spinning scanner or one camera frame shrink when it is given; it is only a hint and changes no voxel.
    `sensor`: what `find_sensor` makes of it, if that is known.
    """
    profile_id = _profile_id(profile)
    codes = _sorted_codes(voxels, depth)
    parents = count_parents(codes)
    if sensor is None:
        sensor = find_sensor(morton_decode(codes), parents, origin)
    networks = choose_networks(profile, len(codes), parents, sensor.mode)
    view = view_of(sensor)
    codes, sensor = turn(codes, depth, view), turn_sensor(sensor, depth, view)
    header = bytes([VERSION, profile_id, depth, networks, view]) + write_varint(len(codes)) + sensor.write()
    if len(codes) == 0 or depth == 0:
        return [header + write_varint(0)]
    occupancies = occupancy_of(codes, depth)
    counts = [len(o) - 1 for o in occupancies[1:]] + [len(codes)]
    coder = LevelCoder(depth, profile, sensor, networks)
    level = root_level()
    chunks = []
    for first, last in _groups(counts):
        lanes = coder.lanes(len(occupancies[first]) - 1)
        streams = [new_encoder(8 * sum(len(o) for o in occupancies[first:last])) for _ in range(lanes)]
        for index in range(first, last):
            occupancy = occupancies[index]
            coder.code(streams, level, index, occupancy, counts[index], True)
            if index + 1 < depth:
                level = child_level(level, occupancy)
        head = write_varint(last - first) + b"".join(write_varint(c) for c in counts[first:last])
        parts = [finish(*stream) for stream in streams]
        head += b"".join(write_varint(len(part)) for part in parts[:-1])
        chunks.append((header if first == 0 else b"") + head + b"".join(parts))
    return chunks


def decode(chunks: Sequence[bytes], depth: int, level: int | None = None) -> NDArray[np.int64]:
    """Voxels [M, 3] at `level` (default: `depth`, all of them) in Morton order, in cells of that level."""
    target = depth if level is None else level
    if not 0 <= target <= depth:
        raise ShapeError(f"level must be between 0 and the depth {depth}, got {target}")
    leaves, profile, networks, view, sensor, position = _read_header(chunks, depth)
    if leaves == 0:
        return np.zeros((0, 3), np.int64)
    coder = LevelCoder(depth, profile, sensor, networks)
    nodes = root_level()
    index = 0
    budget = sum(len(c) for c in chunks) * _MAX_NODES_PER_BYTE
    for chunk in chunks:
        if index >= target:
            break
        counts, position = _read_counts(chunk, position, nodes.size, depth - index, min(budget, leaves))
        streams = _read_streams(chunk, position, coder.lanes(nodes.size))
        position = 0
        for count in counts:
            if index >= target:
                break
            occupancy = np.zeros(nodes.size + 1, np.uint8)
            children = coder.code(streams, nodes, index, occupancy, count, False)
            if children != count:
                raise BitstreamError(f"octree level {index} declares {count} children and decodes to another number")
            nodes = child_level(nodes, occupancy)
            index += 1
        else:
            for stream in streams:
                check_decoder(*stream, f"octree chunk of level {index - 1}")
    if index < target:
        raise BitstreamError(f"the octree chunks end at level {index}; level {target} of {depth} needs more of them")
    if target == depth and nodes.size != leaves:
        raise BitstreamError(f"octree header declares {leaves} leaves, its levels hold {nodes.size}")
    return turn_back(nodes.coords[:-1].astype(np.int64), target, view)


def count_parents(codes: NDArray[np.int64]) -> int:
    """Nodes of the level above that sorted codes are in."""
    return 1 + int(np.count_nonzero(np.diff(codes >> 3)))


def model_id(profile: Profile) -> bytes:
    """Content hash of the weights that `profile` needs."""
    _profile_id(profile)
    return weights_id(profile)


def _profile_id(profile: str) -> int:
    names = get_args(Profile)
    if profile not in names:
        raise ShapeError(f"unknown octree profile {profile!r}; there are {', '.join(names)}")
    return names.index(profile)


def _sorted_codes(voxels: NDArray[np.integer], depth: int) -> NDArray[np.int64]:
    if not 0 <= depth <= MAX_DEPTH:
        raise ShapeError(f"octree depth must be between 0 and {MAX_DEPTH}, got {depth}: use a coarser grid or tiles")
    voxels = np.asarray(voxels)
    if voxels.ndim != 2 or voxels.shape[1] != 3 or voxels.dtype.kind not in "iu":
        raise ShapeError(f"voxels must be integers [N, 3], got {voxels.dtype} {list(voxels.shape)}")
    if len(voxels) and (voxels.min() < 0 or voxels.max() >= 1 << depth):
        raise ShapeError(f"voxels span [{voxels.min()}, {voxels.max()}], depth {depth} allows [0, {(1 << depth) - 1}]")
    codes = np.sort(morton_encode(voxels))
    if (codes[1:] == codes[:-1]).any():
        raise ShapeError("voxels must be unique; merge duplicates first (numpy.unique with axis=0)")
    return codes


def _groups(counts: list[int]) -> list[tuple[int, int]]:
    """Level ranges of the chunks: coarse levels together, then one level each."""
    first = 1
    while first < len(counts) and counts[first] <= _FIRST_CHUNK_NODES:
        first += 1
    return [(0, first)] + [(k, k + 1) for k in range(first, len(counts))]


def _read_header(chunks: Sequence[bytes], depth: int) -> tuple[int, Profile, int, int, Sensor, int]:
    if not chunks or len(chunks[0]) < 5:
        raise BitstreamError("octree stream has no header")
    version, profile, stored_depth, networks, view = chunks[0][:5]
    if version not in (VERSION, _VERSION_13):
        raise BitstreamError(
            f"octree stream version {version}; this program reads versions {_VERSION_13} and {VERSION}"
        )
    if profile >= len(get_args(Profile)):
        raise BitstreamError(f"octree stream has unknown profile {profile}")
    if stored_depth != depth or depth > MAX_DEPTH:
        raise BitstreamError(f"octree stream has depth {stored_depth}, expected {depth} (at most {MAX_DEPTH})")
    name = get_args(Profile)[profile]
    if networks >= len(NETWORKS[name]):
        raise BitstreamError(f"octree stream has networks {networks}; profile {name} has {len(NETWORKS[name])} sets")
    if view >= VIEWS:
        raise BitstreamError(f"octree stream has view {view}; there are {VIEWS}")
    leaves, position = read_varint(chunks[0], 5)
    if leaves > 8**depth or leaves > sum(len(c) for c in chunks) * _MAX_NODES_PER_BYTE:
        raise BitstreamError(f"octree header declares {leaves} leaves, more than its bytes can hold")
    if depth == 0 and leaves > 1:
        raise BitstreamError(f"octree of depth 0 declares {leaves} leaves")
    sensor, position = read_sensor(chunks[0], position, version != _VERSION_13)
    return leaves, name, networks, view, sensor, position


def _read_streams(chunk: bytes, position: int, lanes: int) -> list[Coder]:
    lengths = []
    for _ in range(lanes - 1):
        length, position = read_varint(chunk, position)
        lengths.append(length)
    if sum(lengths) > len(chunk) - position:
        raise BitstreamError(f"octree chunk declares lanes of {lengths} bytes, {len(chunk) - position} are left")
    ends = np.cumsum([position, *lengths]).tolist()
    return [new_decoder(chunk[a:b]) for a, b in zip(ends, [*ends[1:], len(chunk)], strict=True)]


def _read_counts(chunk: bytes, position: int, nodes: int, levels_left: int, limit: int) -> tuple[list[int], int]:
    levels, position = read_varint(chunk, position)
    if not 0 < levels <= levels_left:
        raise BitstreamError(f"octree chunk declares {levels} levels, between 1 and {levels_left} are left")
    counts = []
    for _ in range(levels):
        count, position = read_varint(chunk, position)
        if not nodes <= count <= min(8 * nodes, limit):
            raise BitstreamError(f"octree chunk declares {count} children of {nodes} nodes, at most {limit} in all")
        counts.append(count)
        nodes = count
    return counts, position
