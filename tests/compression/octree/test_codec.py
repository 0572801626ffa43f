"""Octree codec through its seam: round trips, prefixes, hostile streams."""

import numpy as np
import pytest
from geo3d_compression import octree
from geo3d_compression.octree.codec import VERSION
from geo3d_compression.octree.level_coder import SPLIT_NODES
from geo3d_compression.octree.morton import morton_encode
from geo3d_compression.octree.varint import read_varint, write_varint
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo3d.errors import BitstreamError, ShapeError


def _sphere(depth: int) -> NDArray[np.int64]:
    """All voxels that a sphere's surface passes within 0.6 cells."""
    n = 2**depth
    grid = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3)
    radius = np.linalg.norm(grid - (n - 1) / 2, axis=1)
    return grid[np.abs(radius - 0.47 * n) < 0.6]


def _in_morton_order(voxels: NDArray[np.int64]) -> NDArray[np.int64]:
    return voxels[np.argsort(morton_encode(voxels))]


@pytest.mark.parametrize("profile", ["fast", "best"])
@given(seed=st.integers(0, 2**32), n=st.integers(0, 200), depth=st.integers(0, 21))
@settings(deadline=None, max_examples=40)
def test_round_trip(profile: octree.Profile, seed: int, n: int, depth: int) -> None:
    rng = np.random.default_rng(seed)
    voxels = np.unique(rng.integers(0, 2**depth, (n, 3)), axis=0)
    chunks = octree.encode(voxels, depth, profile)
    np.testing.assert_array_equal(octree.decode(chunks, depth), _in_morton_order(voxels))


@pytest.mark.parametrize("profile", ["fast", "best"])
def test_every_level_is_a_prefix(profile: octree.Profile) -> None:
    voxels = _sphere(7)
    chunks = octree.encode(voxels, 7, profile)
    assert len(chunks) > 1
    for level in range(8):
        expected = _in_morton_order(np.unique(voxels >> (7 - level), axis=0))
        np.testing.assert_array_equal(octree.decode(chunks, 7, level), expected)
    coarse = octree.decode(chunks[:1], 7, 4)
    np.testing.assert_array_equal(coarse, octree.decode(chunks, 7, 4))
    with pytest.raises(BitstreamError, match="needs more"):
        octree.decode(chunks[:1], 7, 7)


def _two_lanes() -> tuple[NDArray[np.int64], list[bytes]]:
    """A surface whose last level is coded in two lanes, and its chunks."""
    x, y = np.mgrid[:400, :400].reshape(2, -1)
    voxels = np.stack([x, y, 200 + (x * x + 3 * y * y) // 4096 + (x * 7 + y * 13) % 11 // 10], 1)
    assert len(np.unique(voxels >> 1, axis=0)) > SPLIT_NODES
    return voxels, octree.encode(voxels, 9, "fast")


def test_lanes_round_trip_and_refuse_damage() -> None:
    voxels, chunks = _two_lanes()
    np.testing.assert_array_equal(octree.decode(chunks, 9), _in_morton_order(voxels))
    assert octree.encode(voxels, 9, "fast") == chunks
    last = chunks[-1]
    # Levels (one byte), children (three bytes), then the bytes of the first lane.
    length, start = read_varint(last, 4)
    assert 0.3 < length / (len(last) - start) < 0.7
    too_long = last[:4] + write_varint(len(last)) + last[start:]
    with pytest.raises(BitstreamError, match="lanes of"):
        octree.decode([*chunks[:-1], too_long], 9)
    shorter = last[:4] + write_varint(length - 9) + last[start:]
    with pytest.raises(BitstreamError):
        octree.decode([*chunks[:-1], shorter], 9)


def test_order_of_points_does_not_matter() -> None:
    voxels = _sphere(5)
    shuffled = np.random.default_rng(1).permutation(voxels)
    assert octree.encode(voxels, 5, "best") == octree.encode(shuffled, 5, "best")


def test_smooth_surface_is_small() -> None:
    voxels = _sphere(7)
    size = sum(map(len, octree.encode(voxels, 7, "best")))
    assert size * 8 / len(voxels) < 0.8


@pytest.mark.parametrize(
    ("voxels", "match"),
    [
        (np.zeros((2, 3), np.int64), "unique"),
        (np.array([[0, 0, 8]]), "depth 3 allows"),
        (np.array([[0, -1, 0]]), "depth 3 allows"),
        (np.zeros((2, 2), np.int64), r"\[N, 3\]"),
        (np.zeros((2, 3)), "integers"),
    ],
)
def test_rejects_bad_voxels(voxels: NDArray[np.int64], match: str) -> None:
    with pytest.raises(ShapeError, match=match):
        octree.encode(voxels, 3, "best")


def test_rejects_bad_depth_profile_and_level() -> None:
    voxels = _sphere(3)
    with pytest.raises(ShapeError, match="between 0 and 21"):
        octree.encode(voxels, 22)
    with pytest.raises(ShapeError, match="fast, best"):
        octree.encode(voxels, 3, "better")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="level"):
        octree.decode(octree.encode(voxels, 3), 3, 4)
    with pytest.raises(BitstreamError, match="depth"):
        octree.decode(octree.encode(voxels, 3), 4)


@pytest.mark.parametrize("profile", ["fast", "best"])
def test_truncated_chunks_raise(profile: octree.Profile) -> None:
    chunks = octree.encode(_sphere(7), 7, profile)
    for k, chunk in enumerate(chunks):
        for cut in (0, 1, 2, 3, len(chunk) // 2, len(chunk) - 8):
            with pytest.raises(BitstreamError):
                octree.decode([*chunks[:k], chunk[:cut], *chunks[k + 1 :]], 7)
    with pytest.raises(BitstreamError):
        octree.decode([], 7)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_damaged_streams_raise_or_decode_to_the_declared_size(data: st.DataObject) -> None:
    voxels = _sphere(5)
    chunks = [bytearray(c) for c in octree.encode(voxels, 5, "fast")]
    for _ in range(data.draw(st.integers(1, 4))):
        chunk = chunks[data.draw(st.integers(0, len(chunks) - 1))]
        chunk[data.draw(st.integers(0, len(chunk) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = octree.decode([bytes(c) for c in chunks], 5)
    except BitstreamError:
        return
    assert len(np.unique(decoded, axis=0)) == len(decoded)


@given(st.lists(st.binary(max_size=80), max_size=4), st.integers(0, 21))
@settings(deadline=None, max_examples=100)
def test_noise_raises(chunks: list[bytes], depth: int) -> None:
    try:
        octree.decode(chunks, depth)
    except BitstreamError:
        return
    assert chunks[0][2] == depth


def test_declared_counts_bound_the_work() -> None:
    huge = bytes([VERSION, 1, 20, 0, 0]) + b"\xff" * 8 + b"\x7f" + b"\x01" + b"\xff\xff\xff\x7f"
    with pytest.raises(BitstreamError, match="more than its bytes"):
        octree.decode([huge], 20)
