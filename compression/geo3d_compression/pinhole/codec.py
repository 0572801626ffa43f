"""Voxels that are one depth frame, as the frame: planes of depth by pixel, and where each ray leaves its plane.

Chunk layout:

    chunk 0   tag, the fields below, which planes occur, the picture of planes, the voxels along the rays
    chunk k   octree chunks of the voxels that no pixel has, if there are any

The tag tells it from an octree's first chunk.  There are no coarser levels to be had from a part of the bytes: a
level is made from all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo3d.errors import BitstreamError
from geo3d.ops.morton import BITS, morton_decode, morton_encode
from geo3d_compression import octree
from geo3d_compression.container.fields import Cursor, SInt, UInt, pack, unpack
from geo3d_compression.depth.sequence import Steps, decode_frames, encode_frames
from geo3d_compression.entropy.coder import check_decoder, finish, new_decoder, new_encoder
from geo3d_compression.octree import Profile
from geo3d_compression.octree.camera import Camera
from geo3d_compression.pinhole.assign import Sight, candidates, picture
from geo3d_compression.pinhole.fit import fit_pinhole
from geo3d_compression.pinhole.rays import MOST_BITS, SLOPE_BITS, UNIT, Pinhole, code_places, new_places
from geo3d_compression.volume.alphabet import code_bitmap, decode_bitmap

# Octree chunks begin with their version, which stays below 128.
TAG = 0x81
# Frames have more voxels than this, and few of them on no ray.
_LEAST_VOXELS, _MOST_REST = 4096, 0.05
# What a decoder accepts: memory follows the voxels.
_MOST_PIXELS, _PIXELS_PER_VOXEL = 1 << 24, 64
_PIXELS_PER_BYTE = 24_000
_MOST_PLANES = 65535
_STEEPEST = 2 << SLOPE_BITS
_FARTHEST = 1 << 34

_FIELDS = (
    UInt("tag", TAG, low=TAG),
    UInt("depth", BITS),
    UInt("voxels", 1 << 24, low=1),
    UInt("axis", 2),
    UInt("backwards", 1),
    SInt("x", 1 << 34),
    SInt("y", 1 << 34),
    SInt("z", 1 << 34),
    UInt("fx", 1 << 30, low=1 << 16),
    UInt("fy", 1 << 30, low=1 << 16),
    SInt("cx", 1 << 40),
    SInt("cy", 1 << 40),
    UInt("width", 1 << 16, low=1),
    UInt("height", 1 << 16, low=1),
    UInt("first", 1 << BITS),
    UInt("planes", 1 << BITS, low=1),
    UInt("bitmap_bytes", 1 << 24),
    UInt("picture_bytes", 1 << 30),
    UInt("place_bytes", 1 << 30),
    UInt("rest", 1 << 24),
)


def encode(voxels: NDArray[np.int64], depth: int, profile: Profile, seen_from: Camera) -> list[bytes] | None:
    """Chunks of unique voxels [N, 3] in [0, 2^depth), or None where they show no pixel grid.

    `seen_from`: the camera, its place right to about three cells in depth, better across.
    """
    if len(voxels) < _LEAST_VOXELS:
        return None
    found = fit_pinhole(voxels, seen_from)
    if found is None or found.width * found.height > min(_MOST_PIXELS, _PIXELS_PER_VOXEL * len(voxels)):
        return None
    camera = found.camera
    if max(abs(p) for p in camera.place) > _FARTHEST:
        return None
    distances = camera.distances(voxels[:, camera.axis])
    first, second = camera.laterals
    seen = np.stack([voxels[:, first], voxels[:, second], distances], axis=1)
    sight = Sight(camera, found.width, found.height, seen)
    if distances.min() < UNIT or distances.max() > _FARTHEST or _steepest(camera, found.height, found.width):
        return None
    options = candidates(sight)
    shown, is_shown = picture(sight, options)
    rest = voxels[~is_shown]
    if len(rest) > _MOST_REST * len(voxels):
        return None
    planes, ranks = _planes(voxels[:, camera.axis], shown)
    if len(planes) > _MOST_PLANES:
        return None
    fields = {
        "tag": TAG, "depth": depth, "voxels": len(voxels), **vars(camera), "backwards": int(camera.backwards),
        "width": found.width, "height": found.height, "first": int(planes[0]),
        "planes": int(planes[-1] - planes[0]) + 1, "rest": len(rest),
    }  # fmt: skip
    streams = (
        code_bitmap(planes - planes[0], int(planes[-1] - planes[0]) + 1),
        encode_frames(ranks[None], _steps(planes), None, [None]),
        _encode_places(sight, shown, ranks, len(planes)),
    )
    for name, stream in zip(("bitmap_bytes", "picture_bytes", "place_bytes"), streams, strict=True):
        fields[name] = len(stream)
    chunks = [pack(_FIELDS, fields) + b"".join(streams)]
    if len(rest):
        chunks += octree.encode(rest, depth, profile)
    return chunks


def is_pinhole(chunks: Sequence[bytes]) -> bool:
    """Whether chunks are of `encode`."""
    return bool(chunks) and bytes(chunks[0][:2]) == _tag()


def decode(chunks: Sequence[bytes], depth: int, level: int | None = None) -> NDArray[np.int64]:
    """Voxels [M, 3] at `level` (default: `depth`, all of them) in Morton order, in cells of that level."""
    cursor = Cursor(chunks[0], "pinhole chunk")
    h = unpack(_FIELDS, cursor)
    if h["depth"] != depth:
        raise BitstreamError(f"a pinhole chunk has depth {h['depth']}, expected {depth}")
    bitmap, coded, places = (cursor.take(h[f"{name}_bytes"]) for name in ("bitmap", "picture", "place"))
    if cursor.left:
        raise BitstreamError(f"a pinhole chunk has {cursor.left} bytes after its streams")
    width, height = h["width"], h["height"]
    if width * height > min(_MOST_PIXELS, _PIXELS_PER_VOXEL * h["voxels"], (len(coded) + 8) * _PIXELS_PER_BYTE):
        raise BitstreamError(
            f"a picture of {width}x{height} pixels cannot come from {len(coded)} bytes or show {h['voxels']} voxels"
        )
    if h["planes"] > 8 * _PIXELS_PER_BYTE * (len(bitmap) + 8):
        raise BitstreamError(f"{h['planes']} planes cannot come from {len(bitmap)} bytes")
    names = ("axis", "x", "y", "z", "fx", "fy", "cx", "cy")
    camera = Pinhole(backwards=bool(h["backwards"]), **{name: h[name] for name in names})
    planes = decode_bitmap(bitmap, h["planes"]) + h["first"]
    distances = camera.distances(planes) if len(planes) else planes
    if (
        not 0 < len(planes) <= _MOST_PLANES
        or distances.min() < UNIT
        or distances.max() > _FARTHEST
        or _steepest(camera, height, width)
    ):
        raise BitstreamError("a pinhole chunk has no planes, planes behind its camera, too far, or rays too steep")
    ranks = decode_frames(coded, (1, height, width), _steps(planes), None, [None])[0]
    voxels = _decode_places(camera, ranks, planes, places)
    if h["rest"]:
        rest = octree.decode(chunks[1:], depth)
        if len(rest) != h["rest"]:
            raise BitstreamError(f"a pinhole chunk announces {h['rest']} further voxels, there are {len(rest)}")
        voxels = np.concatenate([voxels, rest])
    elif len(chunks) > 1:
        raise BitstreamError("a pinhole chunk is followed by chunks that it does not announce")
    if not len(voxels) or voxels.min() < 0 or voxels.max() >= 1 << depth:
        raise BitstreamError(f"the voxels of a pinhole chunk lie outside of a cube of 2^{depth}")
    codes = np.unique(morton_encode(voxels))
    if len(codes) != h["voxels"]:
        raise BitstreamError(f"a pinhole chunk announces {h['voxels']} voxels and decodes to {len(codes)}")
    if level is not None and level < depth:
        codes = np.unique(codes >> 3 * (depth - level))
    return morton_decode(codes)


def _tag() -> bytes:
    return pack(_FIELDS[:1], {"tag": TAG})


def _steepest(camera: Pinhole, height: int, width: int) -> bool:
    across, down = camera.slopes(height, width)
    return bool(max(np.abs(across).max(), np.abs(down).max()) > _STEEPEST)


def _steps(planes: NDArray[np.int64]) -> Steps:
    return Steps(np.arange(1, len(planes) + 1))


def _planes(along: NDArray[np.int64], shown: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The coordinates that occur, rising, and the picture [H, W] of their ranks from 1 on, 0 for none."""
    planes, rank = np.unique(along[shown[shown >= 0]], return_inverse=True)
    ranks = np.zeros(shown.shape, np.int64)
    ranks[shown >= 0] = rank.reshape(-1) + 1
    return planes, ranks


def _encode_places(sight: Sight, shown: NDArray[np.int64], ranks: NDArray[np.int64], planes: int) -> bytes:
    there = (shown >= 0)[..., None]
    seen = np.where(there, sight.voxels[shown], 0)
    depths, places = np.ascontiguousarray(seen[..., 2]), np.ascontiguousarray(seen[..., :2])
    state, buffer = new_encoder(int(there.sum()) * MOST_BITS)
    _code_places(sight.camera, planes, ranks, depths, places, state, buffer, True)
    return finish(state, buffer)


def _decode_places(
    camera: Pinhole, ranks: NDArray[np.int64], planes: NDArray[np.int64], data: bytes
) -> NDArray[np.int64]:
    """Voxels [P, 3] of all pixels that have depth."""
    along = np.concatenate([[0], planes])[ranks]
    depths = np.where(ranks > 0, camera.distances(along), 0)
    places = np.zeros((*ranks.shape, 2), np.int64)
    state, buffer = new_decoder(data)
    _code_places(camera, len(planes), ranks, depths, places, state, buffer, False)
    check_decoder(state, buffer, "the places of a pinhole chunk")
    voxels = np.zeros((int((ranks > 0).sum()), 3), np.int64)
    voxels[:, list(camera.laterals)] = places[ranks > 0]
    voxels[:, camera.axis] = along[ranks > 0]
    return voxels


def _code_places(
    camera: Pinhole,
    planes: int,
    ranks: NDArray[np.int64],
    depths: NDArray[np.int64],
    places: NDArray[np.int64],
    state: NDArray[np.int64],
    buffer: NDArray[np.uint8],
    encode: bool,
) -> None:
    across, down = camera.slopes(*depths.shape)
    x, y, _ = camera.place
    code_places(ranks, depths, places, across, down, x, y, *new_places(planes), state, buffer, encode)
