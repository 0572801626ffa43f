"""Damaged and hostile clouds: an error, or less of the cloud and a word about it, never garbage, never a hang."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.cloud import CloudOptions, CloudView
from geo3d_compression.cloud.header import CloudHeader
from geo3d_compression.container import ChunkType, Container

from geo3d.errors import BitstreamError, FormatError, Geo3DError
from geo3d.types import PointCloud

sys.path.insert(0, str(Path(__file__).parent))
from clouds import chunks_of, pack, rebuild, rows, unpack, wavy_surface


def sample() -> PointCloud:
    surface = wavy_surface(3000, 6)
    rng = np.random.default_rng(0)
    points = np.concatenate([surface.points, surface.points[:50]])
    attributes = {"t": rng.normal(size=len(points)), "label": rng.integers(0, 5, len(points))}
    return PointCloud(points, rng.integers(0, 256, (len(points), 3)).astype(np.uint8), attributes=attributes)


CLOUD = sample()


def decode_or_error(data: bytes) -> PointCloud | None:
    try:
        return unpack(data)
    except Geo3DError:
        return None


@pytest.mark.parametrize(
    "options", [CloudOptions(), CloudOptions(profile="best"), CloudOptions(keep_order=True), CloudOptions(quality=60)]
)
def test_flipped_bits_behind_the_checksums_never_crash(options: CloudOptions) -> None:
    rng = np.random.default_rng(1)
    data, _ = pack(CLOUD, options)
    for key, payload in chunks_of(data).items():
        for _ in range(12 if key[0] == ChunkType.HEADER else 6):
            broken = bytearray(payload)
            broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
            back = decode_or_error(rebuild(data, {key: bytes(broken)}))
            assert back is None or len(back) <= 1 << 22


def test_truncated_and_missing_chunks_are_errors() -> None:
    data, _ = pack(CLOUD)
    for key, payload in chunks_of(data).items():
        with pytest.raises(BitstreamError):
            unpack(rebuild(data, {key: payload[: len(payload) // 3]}))
        with pytest.raises(BitstreamError):
            unpack(rebuild(data, {key: None}))


def test_swapped_chunks_are_errors_or_other_values() -> None:
    data, _ = pack(CLOUD)
    keys = [k for k in chunks_of(data) if k[0] != ChunkType.HEADER]
    chunks = chunks_of(data)
    for a, b in itertools.pairwise(keys):
        back = decode_or_error(rebuild(data, {a: chunks[b], b: chunks[a]}))
        assert back is None or not np.array_equal(rows(back), rows(CLOUD))


def test_headers_that_ask_for_too_much_are_refused_at_once() -> None:
    data, _ = pack(CLOUD)
    header = CloudHeader.unpack(chunks_of(data)[0, 0, 0])
    for field, value in {"voxels": 1 << 40, "points": 1 << 40, "depth": 22, "geometry_chunks": 1000}.items():
        changed = type(header.tiles[0])(**{**vars(header.tiles[0]), field: value})
        asking = CloudHeader(**{**vars(header), "tiles": (changed,)})
        with pytest.raises(ValueError, match="allowed are"):
            asking.pack()
    many = type(header.tiles[0])(**{**vars(header.tiles[0]), "voxels": 1 << 22, "points": 1 << 22})
    payload = CloudHeader(**{**vars(header), "tiles": (many,)}).pack()
    with pytest.raises(BitstreamError, match=r"decoded to|voxels"):
        unpack(rebuild(data, {(0, 0, 0): payload}))


def test_random_headers_end_in_an_error() -> None:
    rng = np.random.default_rng(2)
    for size in (0, 1, 10, 60, 300):
        for _ in range(40):
            with pytest.raises(BitstreamError):
                CloudHeader.unpack(rng.bytes(size))


def test_losing_one_chunk_loses_only_its_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo3d_compression.cloud.tiles.split.__defaults__", (800,))
    data, _ = pack(CLOUD)
    with Container(data) as container:
        header = CloudHeader.unpack(container.need(0, ChunkType.HEADER))
        chunk = container.find(0, ChunkType.GEOMETRY, 1, 0)
    assert chunk is not None
    assert len(header.tiles) > 3
    broken = bytearray(data)
    broken[chunk.offset + chunk.length // 2] ^= 255
    with pytest.raises(BitstreamError, match=r"checksum of the geometry chunk 1\.0 of 'cloud'"):
        unpack(bytes(broken))
    view = CloudView(salvage=True)
    kept = unpack(bytes(broken), view)
    assert len(view.losses) == 1
    assert "geometry chunk 1.0" in view.losses[0]
    assert len(kept) == len(CLOUD) - header.tiles[1].points
    assert set(rows(kept).tolist()) <= set(rows(CLOUD).tolist())


def test_every_truncation_of_the_file_is_an_error() -> None:
    data, _ = pack(wavy_surface(300, 5))
    for length in range(0, len(data), 7):
        with pytest.raises(FormatError):
            unpack(data[:length])
