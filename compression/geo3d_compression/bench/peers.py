"""Other codecs on the same unique integer points: each gives its bytes, and its points back."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo3d.ops.morton import morton_decode, morton_encode

Points = NDArray[np.int32]


@dataclass(frozen=True)
class Peer:
    """A codec of others: the module it needs, and its two directions."""

    module: str
    encode: Callable[[Points], bytes]
    decode: Callable[[bytes], NDArray[Any]]


def _draco_encode(points: Points) -> bytes:
    import DracoPy

    # A quantisation range of 2^bits - 1 steps makes one step one voxel.
    bits = max(1, int(points.max()).bit_length())
    return bytes(
        DracoPy.encode(
            points.astype(np.float32), quantization_bits=bits, compression_level=10,
            quantization_range=float(2**bits - 1), quantization_origin=[0.0, 0.0, 0.0],
        )
    )  # fmt: skip


def _draco_decode(data: bytes) -> NDArray[Any]:
    import DracoPy

    return np.rint(np.asarray(DracoPy.decode(data).points)).astype(np.int64)


def _laz_encode(points: Points) -> bytes:
    import laspy

    header = laspy.LasHeader(point_format=0, version="1.2")
    header.scales, header.offsets = np.ones(3), np.zeros(3)
    las = laspy.LasData(header)
    las.X, las.Y, las.Z = points.T
    out = io.BytesIO()
    las.write(out, do_compress=True)
    return out.getvalue()


def _laz_decode(data: bytes) -> NDArray[Any]:
    import laspy

    las = laspy.read(io.BytesIO(data))
    return np.stack([las.X, las.Y, las.Z], axis=1)


def _zstd_encode(points: Points) -> bytes:
    import zstandard

    codes = np.sort(morton_encode(points))
    steps = np.diff(codes, prepend=0).astype("<i8")
    return zstandard.ZstdCompressor(level=19).compress(steps.view(np.uint8).reshape(-1, 8).T.tobytes())


def _zstd_decode(data: bytes) -> NDArray[Any]:
    import zstandard

    planes = np.frombuffer(zstandard.ZstdDecompressor().decompress(data), np.uint8).reshape(8, -1)
    return morton_decode(np.cumsum(np.ascontiguousarray(planes.T).view("<i8").reshape(-1)))


PEERS: dict[str, Peer] = {
    "Draco": Peer("DracoPy", _draco_encode, _draco_decode),
    "LAZ": Peer("laspy", _laz_encode, _laz_decode),
    "zstd-19": Peer("zstandard", _zstd_encode, _zstd_decode),
}


def installed() -> dict[str, Peer]:
    """The peers whose packages are here."""
    return {name: peer for name, peer in PEERS.items() if find_spec(peer.module) is not None}
