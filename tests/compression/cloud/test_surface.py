"""Lossy geometry: what a quality means, what it costs, and that the report is the truth."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from geo3d_compression.cloud import CloudOptions, CloudView
from geo3d_compression.cloud.decode import read_header
from geo3d_compression.cloud.surface import is_dense, scale_of_quality
from geo3d_compression.container import Container
from geo3d_compression.upsample.lattice import MAX_SCALE, UNIT
from scipy.spatial import cKDTree

from geo3d.errors import BitstreamError, Geo3DError
from geo3d.types import PointCloud

sys.path.insert(0, str(Path(__file__).parent))
from clouds import chunks_of, pack, rebuild, unpack, wavy_surface

SURFACE = wavy_surface(60000, 7)
BARE = PointCloud(SURFACE.points)


def squared(a: PointCloud, b: PointCloud) -> float:
    return max(float((cKDTree(x.points).query(y.points)[0] ** 2).mean()) for x, y in ((a, b), (b, a)))


def test_quality_runs_from_one_voxel_to_ten() -> None:
    assert scale_of_quality(100) == UNIT
    assert scale_of_quality(70) == 2 * UNIT
    assert scale_of_quality(0) == MAX_SCALE


def test_less_quality_is_fewer_bytes_and_more_distortion_and_the_report_says_how_much() -> None:
    sizes, errors = [], []
    for quality in (90, 70, 40, 10):
        data, report = pack(BARE, CloudOptions(quality=quality))
        back = unpack(data)
        sizes.append(len(data))
        errors.append(squared(back, BARE))
        assert report.d1_psnr == pytest.approx(10 * np.log10(3 * 127**2 / errors[-1]), abs=0.1)
        assert report.points == len(back)
        assert len(np.unique(back.points, axis=0)) == len(back)
        gap = cKDTree(back.points).query(BARE.points, p=np.inf)[0].max()
        assert gap <= report.error
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)
    assert sizes[-1] * 12 < len(pack(BARE)[0])


def test_exact_geometry_stays_exact() -> None:
    for options in (
        CloudOptions(quality=100),
        CloudOptions(quality=40, geometry="exact"),
        CloudOptions(quality=40, keep_order=True),
    ):
        data, report = pack(SURFACE, options)
        assert report.d1_psnr is None
        assert np.array_equal(np.unique(unpack(data).points, axis=0), np.unique(SURFACE.points, axis=0))
    # A grid for a coloured cloud says where its points go: the quality is the colours'.
    assert pack(SURFACE, CloudOptions(grid=1, quality=40))[1].d1_psnr is None
    assert pack(BARE, CloudOptions(grid=1, quality=40))[1].d1_psnr is not None


def test_scattered_points_are_no_surface() -> None:
    points = np.random.default_rng(0).integers(0, 200, (3000, 3)).astype(np.int32)
    assert is_dense(SURFACE.points.astype(np.int64))
    assert not is_dense(points.astype(np.int64))
    assert not is_dense(np.array([[0, 0, 0], [2**62, -(2**62), 0]]))
    assert pack(PointCloud(points), CloudOptions(quality=50))[1].d1_psnr is None
    back = unpack(pack(PointCloud(points), CloudOptions(quality=50, geometry="lossy"))[0])
    assert cKDTree(back.points).query(points, p=np.inf)[0].max() <= 3


def test_attributes_follow_their_points() -> None:
    rng = np.random.default_rng(0)
    height = SURFACE.points[:, 2].astype(np.float32)
    cloud = PointCloud(
        SURFACE.points, SURFACE.colors, attributes={"height": height, "label": rng.integers(0, 4, len(height))}
    )
    back = unpack(pack(cloud, CloudOptions(quality=75))[0])
    assert back.colors is not None
    assert np.abs(back.attributes["height"] - back.points[:, 2]).max() <= 3
    assert set(np.unique(back.attributes["label"])) == {0, 1, 2, 3}
    assert SURFACE.colors is not None
    near = cKDTree(SURFACE.points).query(back.points)[1]
    assert np.abs(back.colors.astype(int) - SURFACE.colors[near].astype(int)).mean() < 12


def test_coarser_levels_and_boxes() -> None:
    data = pack(BARE, CloudOptions(quality=60))[0]
    full = unpack(data)
    half = unpack(data, CloudView(level=6))
    assert len(half) == len(np.unique((full.points - BARE.points.min(axis=0)) >> 1, axis=0))
    box = (0.0, 0.0, 0.0, 60.0, 60.0, 127.0)
    part = unpack(data, CloudView(box=box))
    inside = full.points[((full.points >= box[:3]) & (full.points <= box[3:])).all(axis=1)]
    assert np.array_equal(np.unique(part.points, axis=0), np.unique(inside, axis=0))


def test_tiles_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo3d_compression.cloud.tiles.split.__defaults__", (9000,))
    data, report = pack(BARE, CloudOptions(quality=60, threads=2))
    assert squared(unpack(data), BARE) < 1.5
    assert report.d1_psnr is not None
    with Container(data) as container:
        assert len(read_header(container, 0).tiles) > 3


def test_contradictions_are_named() -> None:
    with pytest.raises(Geo3DError, match="--quality"):
        CloudOptions(geometry="lossy")
    with pytest.raises(Geo3DError, match="keep-order"):
        CloudOptions(geometry="lossy", quality=50, keep_order=True)


def test_hostile_headers_are_refused_before_anything_is_judged() -> None:
    data = pack(BARE, CloudOptions(quality=60))[0]
    with Container(data) as container:
        header = read_header(container, 0)
    (tile,) = header.tiles
    changes = (
        {"cells": 1 << 22, "voxels": 1 << 22, "points": 1 << 22},
        {"cells": tile.cells - 1},
        {"cells": tile.cells + 1},
        {"density": 0, "voxels": tile.cells * 30, "points": tile.cells * 30},
        {"depth": tile.depth - 1},
        {"depth": 21},
    )
    for change in changes:
        bad = replace(header, tiles=(replace(tile, **change),))
        with pytest.raises(BitstreamError):
            unpack(rebuild(data, {(0, 0, 0): bad.pack()}))
    for scale in (UNIT + 1, MAX_SCALE):
        with pytest.raises(BitstreamError):
            unpack(rebuild(data, {(0, 0, 0): replace(header, scale=scale).pack()}))
    for change in ({"points": tile.points + 1}, {"voxels": tile.cells - 1, "points": tile.cells - 1}):
        stream = rebuild(data, {(0, 0, 0): replace(header, tiles=(replace(tile, **change),)).pack()})
        with pytest.raises(BitstreamError, match="lossy tile"):
            unpack(stream)


def test_flipped_bits_of_the_cells_never_crash() -> None:
    data = pack(BARE, CloudOptions(quality=40))[0]
    chunks = chunks_of(data)
    rng = np.random.default_rng(0)
    for _ in range(25):
        key = (1, 0, int(rng.integers(sum(k[0] == 1 for k in chunks))))
        payload = bytearray(chunks[key])
        payload[rng.integers(len(payload))] ^= 1 << rng.integers(8)
        try:
            unpack(rebuild(data, {key: bytes(payload)}))
        except BitstreamError:
            continue


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pack(BARE, CloudOptions(quality=60))[0]
    monkeypatch.setattr("geo3d_compression.cloud.decode.weights_id", lambda: b"12345678")
    with pytest.raises(BitstreamError, match="up-sampling model"):
        unpack(data)
