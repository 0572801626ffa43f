"""Clouds of one depth frame take the picture's way through the codec, and nobody sees it but in the bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from compression_frames import depth_picture, frame_points
from geo3d_compression import pinhole
from geo3d_compression.cloud import CloudOptions, CloudView
from geo3d_compression.container import ChunkType, Container

from geo3d.types import PointCloud

sys.path.insert(0, str(Path(__file__).parent))
from clouds import pack, rows, unpack

CELL = 0.005


@pytest.fixture(scope="module")
def cloud() -> PointCloud:
    points = frame_points(depth_picture(steps=0.004), 280.0).astype(np.float32)
    colors = (points * 100).astype(np.int64) % 256
    return PointCloud(points, colors.astype(np.uint8))


def _is_frame(data: bytes) -> bool:
    with Container(data) as container:
        chunks = [container.read(c) for c in container.of(0) if c.type == ChunkType.GEOMETRY]
    return pinhole.is_pinhole(chunks)


@pytest.mark.parametrize("duplicates", ["keep", "merge"])
def test_a_frame_is_coded_as_one(cloud: PointCloud, duplicates: str) -> None:
    data, report = pack(cloud, CloudOptions(grid=CELL, duplicates=duplicates))
    assert _is_frame(data)
    decoded = unpack(data)
    assert len(decoded) == report.points
    if duplicates == "keep":
        assert len(decoded) == len(cloud)
        order = np.lexsort(np.rint(cloud.points / CELL).T)
        again = np.lexsort(np.rint(decoded.points / CELL).T)
        gap = np.sort(cloud.points[order], axis=0) - np.sort(decoded.points[again], axis=0)
        assert np.abs(gap).max() <= CELL / 2 + 1e-6


def test_floats_come_back_bit_for_bit(cloud: PointCloud) -> None:
    data, _ = pack(cloud, CloudOptions(lossless=True, grid=CELL))
    assert _is_frame(data)
    np.testing.assert_array_equal(rows(unpack(data)), rows(cloud))


def test_levels_and_boxes(cloud: PointCloud) -> None:
    data, _ = pack(cloud, CloudOptions(grid=CELL, duplicates="merge"))
    whole = unpack(data)
    box = (-0.2, -0.2, 0.0, 0.2, 0.2, 1.4)
    inside = ((whole.points >= box[:3]) & (whole.points <= box[3:])).all(axis=1)
    np.testing.assert_array_equal(rows(unpack(data, CloudView(box=box))), rows(whole[inside]))
    coarse = unpack(data, CloudView(level=5))
    assert 0 < len(coarse) < len(whole) / 8


def test_integer_voxels_are_a_frame_too(cloud: PointCloud) -> None:
    voxels = np.unique(np.rint(cloud.points / CELL).astype(np.int32), axis=0)
    data, _ = pack(PointCloud(voxels), CloudOptions(grid=1))
    assert _is_frame(data)
    np.testing.assert_array_equal(np.unique(unpack(data).points, axis=0), voxels)
